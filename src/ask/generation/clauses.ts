import { sentences } from '../../text/sentences.ts'

/** A part of an answer and the passages it cites, from 1; empty when it cites none. */
export interface Clause {
  readonly text: string
  /** The words after the markers: "According to [1], …". */
  readonly following: string
  readonly numbers: readonly number[]
}

const markers = /\[\d{1,2}\](?:[ ,]*\[\d{1,2}\])*/g

/**
 * Assigns each group of markers the last sentence between it and the previous group: a marker after three sentences
 * supports the third. Clauses are in order; text after the last group comes last.
 */
export function clausesOf(answer: string, language: string): Clause[] {
  const text = withoutCode(answer)
  const clauses: Clause[] = []
  let from = 0
  for (const match of text.matchAll(markers)) {
    const said = sentencesIn(text.slice(from, match.index), language)
    const numbers = Array.from(match[0].matchAll(/\d+/g), Number)
    // "…, [1] and [2]": there is no text between the two groups, so the second supports the same text.
    const own = said.pop() ?? clauses.at(-1)?.text ?? ''
    from = match.index + match[0].length
    const following = sentencesIn(/^[^[]*/.exec(text.slice(from))?.[0] ?? '', language)[0] ?? ''
    clauses.push(...said.map(unsupported), { text: own, following, numbers })
  }
  return [...clauses, ...sentencesIn(text.slice(from), language).map(unsupported)]
}

function unsupported(text: string): Clause {
  return { text, following: '', numbers: [] }
}

/** `array[1]` in code is not a citation. */
function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?(?:```|$)|`[^`\n]*`/g, code => code.replace(/[[\]]/g, ' '))
}

function sentencesIn(text: string, language: string): string[] {
  return sentences(text, language)
    .map(({ start, end }) => text.slice(start, end))
    .filter(isClaim)
}

/** Punctuation and an "and" between two groups claim nothing; a number or an ideograph may. */
function isClaim(text: string): boolean {
  return /\p{L}\P{L}*\p{L}\P{L}*\p{L}\P{L}*\p{L}|\p{N}|\p{Lo}/u.test(text)
}
