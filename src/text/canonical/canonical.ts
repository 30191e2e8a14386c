/**
 * The canonical form of a question: two questions of one language may share an answer only if their canonical forms are
 * equal. Vectors cannot distinguish "turn on" from "turn off"; this can, because every word counts, in order, except
 * those known to carry no meaning.
 *
 * A wrong "equal" is a wrong answer, a wrong "different" only costs a model call: in doubt, different. Each language's
 * grammar says what it drops and unifies; eval/near measures it.
 */
import { isStopWord } from '../analyze.ts'
import { english } from './english.ts'
import { type Grammar, isClass } from './grammar.ts'
import { italian } from './italian.ts'
import { kazakh } from './kazakh.ts'
import { end, rewritten, start } from './rules.ts'
import { nfc } from '../normal-form.ts'
import { russian } from './russian.ts'
import { vietnamese } from './vietnamese.ts'
import { type Surface, surfacesOf } from './words.ts'

const grammars: ReadonlyMap<string, Grammar> = new Map([
  ['en', english],
  ['ru', russian],
  ['kk', kazakh],
  ['vi', vietnamese],
  ['it', italian],
])

/**
 * The canonical form of a question in a language (BCP 47; only the primary subtag counts), or null without a content
 * word. In a language without a grammar, everything counts except case, Unicode form, whitespace and final punctuation.
 */
export function canonicalQuestion(text: string, language: string): string | null {
  const primary = language.toLowerCase().split('-')[0] ?? ''
  const grammar = grammars.get(primary)
  if (text.length > maxLetters) return null
  if (!grammar) return verbatim(text)
  const words = canonicalWords(surfacesOf(conditionLast(text, grammar)), grammar)
  return words.some(word => !isClass(word) && !isStopWord(word, primary)) ? words.join(' ') : null
}

/** Nobody asks a longer question twice in different words. */
const maxLetters = 2000

function verbatim(text: string): string | null {
  const plain = nfc(nfc(text).toLowerCase()).replace(/\s+/g, ' ').trim()
  let length = plain.length
  while (length > 0 && /[ .?!…。？！؟]/.test(plain[length - 1] ?? '')) length--
  return /[\p{L}\p{N}]/u.test(plain) ? plain.slice(0, length) : null
}

/** Moves the condition last: "If I lose it, what can I do?" becomes "what can I do? If I lose it". */
function conditionLast(text: string, { conditions }: Grammar): string {
  const [before = '', question, more] = nfc(text).split(/,(?=\s)/, 3)
  const condition = before.trim()
  const opener = /^(\p{L}+)\s/u.exec(condition)?.[1] ?? ''
  const isOne = question !== undefined && more === undefined && !/[.?!;:]\s+[\p{L}\p{N}]/u.test(question)
  return isOne && conditions.has(opener.toLowerCase()) ? `${question} ${condition}` : text
}

function canonicalWords(surfaces: readonly Surface[], grammar: Grammar): string[] {
  const names = new Set(surfaces.filter(({ isName }) => isName).map(({ word }) => word))
  const words = surfaces.flatMap(surface => wordsOf(surface, grammar))
  const asked = grammar.steps.reduce(rewritten, unframed([start, ...words, end], grammar))
  const arranged = grammar.arrange(asked).filter(word => word !== start && word !== end)
  const isWhole = (word: string) => isClass(word) || (!grammar.areNamesBare && names.has(word))
  return arranged.map((word, i) => (isWhole(word) ? word : grammar.bare(word, arranged.slice(Math.max(0, i - 2), i))))
}

/** Marks an acronym that looks like a word of the grammar, so that no rule takes "IT" for "it". */
function wordsOf({ word, isAcronym }: Surface, { split, capitals, frames, steps }: Grammar): readonly string[] {
  const isKnown = isAcronym && !capitals?.has(word) && [frames, ...steps].some(({ words }) => words.has(word))
  return isKnown ? [`${word}^`] : split(word)
}

const maxFrames = 6

function unframed(words: readonly string[], { frames, conditions }: Grammar): readonly string[] {
  let left = words
  for (let i = 0; i < maxFrames; i++) {
    const next = rewritten(left, frames)
    if (next.length === left.length) break
    left = next
  }
  return left.length < words.length && conditions.has(left[1] ?? '') ? left.with(1, 'YN') : left
}
