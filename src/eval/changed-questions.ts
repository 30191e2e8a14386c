import { analyze, isStopWord } from '../text/analyze.ts'
import type { KindedQuestion } from './gather-signals.ts'
import { randomFrom } from './random.ts'

export interface ChangedFrom {
  readonly documents: readonly { readonly source: string; readonly text: string; readonly language: string | null }[]
  /** Documents that answer a question, by its id. */
  readonly answeredBy: ReadonlyMap<string, readonly string[]>
  /** Questions that words are taken from. */
  readonly donors: readonly KindedQuestion[]
  readonly seed: number
}

/**
 * Questions that the documents do not answer any more, because one word of an answerable one was changed: its number, or
 * its rarest word for one of another question. What people ask in vain is often this near to what the documents say.
 * The same ones for a seed. As contrast sets (Gardner et al. 2020, arXiv:2004.02709), but by rule.
 */
export function changedQuestions(answerable: readonly KindedQuestion[], from: ChangedFrom): KindedQuestion[] {
  const { documents, answeredBy, donors, seed } = from
  const random = randomFrom(seed)
  const held = new Map(
    documents.map(({ source, text, language }) => [source, new Set(analyze(text, language ?? 'und').terms)]),
  )
  const counts = new Map<string, number>()
  for (const terms of held.values()) for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
  const countOf = ({ term }: QuestionWord) => counts.get(term) ?? 0
  const words = donors.flatMap(contentWords).filter(({ hasDigit }) => !hasDigit)
  return answerable.flatMap(question => {
    const own = contentWords(question)
    const number = own.find(({ hasDigit }) => hasDigit)
    const change = number ? otherNumber(number) : otherWord(question, own)
    return change === undefined ? [] : [changed(question, change, 'changed', false)]
  })

  function otherNumber(word: QuestionWord): Change | undefined {
    return first(() => {
      const by = word.text.replace(/\p{Nd}/gu, () => String(Math.floor(random() * 10)))
      return by !== word.text && !by.startsWith('0') && !counts.has(by.toLowerCase()) ? { word, by } : undefined
    })
  }

  function otherWord({ id }: KindedQuestion, own: readonly QuestionWord[]): Change | undefined {
    const [word] = own.filter(each => countOf(each) > 0).toSorted((a, b) => countOf(a) - countOf(b))
    if (word === undefined || own.length < 2) return undefined
    const answering = (answeredBy.get(id) ?? []).flatMap(source => held.get(source) ?? [])
    const asked = new Set(own.map(({ term }) => term))
    return first(() => {
      const by = words[Math.floor(random() * words.length)]
      if (by === undefined || asked.has(by.term) || answering.some(terms => terms.has(by.term))) return undefined
      const isRare = countOf(by) <= Math.max(1, documents.length * rareShare)
      return isRare && isCapital(by) === isCapital(word) ? { word, by: by.text } : undefined
    })
  }
}

/** Two letters of one word exchanged, or one left out. The documents still answer them. The same ones for a seed. */
export function misspelt(answerable: readonly KindedQuestion[], seed: number): KindedQuestion[] {
  const random = randomFrom(seed)
  return answerable.flatMap(question => {
    const long = contentWords(question).filter(({ text, hasDigit }) => !hasDigit && text.length >= shortestMisspelt)
    const word = long[Math.floor(random() * long.length)]
    if (word === undefined) return []
    const letters = Array.from(word.text)
    const at = 1 + Math.floor(random() * (letters.length - 2))
    if (random() < 0.5) letters.splice(at, 1)
    else letters.splice(at, 2, letters[at + 1]!, letters[at]!)
    const by = letters.join('')
    return by === word.text ? [] : [changed(question, { word, by }, 'misspelt', true)]
  })
}

const attempts = 50
/** A word of so few documents says which of them is meant. */
const rareShare = 0.05
const shortestMisspelt = 5

interface QuestionWord {
  readonly text: string
  readonly start: number
  readonly term: string
  readonly hasDigit: boolean
}

interface Change {
  readonly word: QuestionWord
  readonly by: string
}

function contentWords({ text, language = 'und' }: KindedQuestion): QuestionWord[] {
  return text
    .matchAll(/[\p{L}\p{M}\p{N}]+/gu)
    .flatMap(({ 0: word, index }) => {
      const [term] = analyze(word, language).terms
      if (term === undefined || isStopWord(term, language)) return []
      const hasDigit = /\p{Nd}/u.test(word)
      return hasDigit || word.length > 1 ? [{ text: word, start: index, term, hasDigit }] : []
    })
    .toArray()
}

function changed(question: KindedQuestion, { word, by }: Change, kind: string, isAnswerable: boolean): KindedQuestion {
  const { id, text } = question
  const end = word.start + word.text.length
  return {
    ...question,
    id: `${id} ${kind}`,
    text: text.slice(0, word.start) + by + text.slice(end),
    kind,
    isAnswerable,
  }
}

function isCapital({ text }: QuestionWord): boolean {
  return /^\p{Lu}/u.test(text)
}

function first<T>(attempt: () => T | undefined): T | undefined {
  for (let i = 0; i < attempts; i++) {
    const found = attempt()
    if (found !== undefined) return found
  }
  return undefined
}
