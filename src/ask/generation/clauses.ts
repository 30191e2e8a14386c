import { sentences } from '../../text/sentences.ts'

/** A part of an answer and the passages that it names as its support, from 1; none where it names none. */
export interface Clause {
  readonly text: string
  /** The words behind the markers: "According to [1], …". */
  readonly following: string
  readonly numbers: readonly number[]
}

const markers = /\[\d{1,2}\](?:[ ,]*\[\d{1,2}\])*/g

/**
 * What each group of markers stands for: the words between it and the group before, of these the last sentence
 * (a marker behind three sentences vouches for the third). In order; words behind the last group come last.
 */
export function clausesOf(answer: string, language: string): Clause[] {
  const text = withoutCode(answer)
  const clauses: Clause[] = []
  let from = 0
  for (const match of text.matchAll(markers)) {
    const said = sentencesIn(text.slice(from, match.index), language)
    const numbers = Array.from(match[0].matchAll(/\d+/g), Number)
    // "…, [1] and [2]": nothing of its own between two groups, so the second stands for the same words.
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

/** `array[1]` in code is no citation. */
function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?(?:```|$)|`[^`\n]*`/g, code => code.replace(/[[\]]/g, ' '))
}

function sentencesIn(text: string, language: string): string[] {
  return sentences(text, language)
    .map(({ start, end }) => text.slice(start, end))
    .filter(isClaim)
}

/** Full stops and an "and" between two groups claim nothing; a number or an ideograph may. */
function isClaim(text: string): boolean {
  return /\p{L}\P{L}*\p{L}\P{L}*\p{L}\P{L}*\p{L}|\p{N}|\p{Lo}/u.test(text)
}
