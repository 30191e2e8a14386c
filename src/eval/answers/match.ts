/** Compares answers with gold answers, as SQuAD does (Rajpurkar et al. 2016), in any language. The functions are pure. */

import { nfkc } from '../../text/normal-form.ts'

/** Lower case without punctuation, marks of citations and repeated spaces. */
export function normalized(text: string): string {
  return nfkc(text)
    .toLowerCase()
    .replace(/\[\d+\]/g, ' ')
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
    .trim()
}

export function tokensOf(text: string): string[] {
  const plain = normalized(text)
  return plain === '' ? [] : plain.split(' ')
}

/** Whether the words of `gold` stand in the answer, one after the other. */
export function contains(answer: string, gold: string): boolean {
  const wanted = normalized(gold)
  return wanted !== '' && ` ${normalized(answer)} `.includes(` ${wanted} `)
}

export interface Overlap {
  /** Share of the gold answer's words that the answer has. */
  readonly recall: number
  readonly f1: number
}

/** Best over the gold answers. Words are counted, so a repeated one must be repeated. */
export function overlap(answer: string, golds: readonly string[]): Overlap {
  const given = tokensOf(answer)
  const all = golds.map(gold => overlapWith(given, tokensOf(gold)))
  return { recall: Math.max(0, ...all.map(each => each.recall)), f1: Math.max(0, ...all.map(each => each.f1)) }
}

function overlapWith(given: readonly string[], gold: readonly string[]): Overlap {
  const left = new Map<string, number>()
  for (const token of given) left.set(token, (left.get(token) ?? 0) + 1)
  let common = 0
  for (const token of gold) {
    const count = left.get(token) ?? 0
    if (count === 0) continue
    left.set(token, count - 1)
    common += 1
  }
  if (common === 0) return { recall: 0, f1: 0 }
  return { recall: common / gold.length, f1: (2 * common) / (given.length + gold.length) }
}

/** Longer gold answers are whole sentences, which a right answer need not repeat word for word. */
const longestContained = 15

/** Gold answers short enough to be looked for in the answer. */
export function shortAnswers(golds: readonly string[]): string[] {
  return golds.filter(gold => {
    const { length } = tokensOf(gold)
    return length > 0 && length <= longestContained
  })
}

/** Looser: spaces and emphasis aside, the text as it is. */
export function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/\*\*|`/g, '')
    .replace(/\s+/g, ' ')
}
