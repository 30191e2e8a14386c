import { randomOf } from '../retrieval/random.ts'
import { permitQuestion } from '../cache/documents.ts'

/** `cold`: no question twice. `zipf`: as people ask them, few often and many seldom; with nothing remembered at first, or `zipf again`: the same ones over and over. */
export type Mix = 'cold' | 'zipf' | 'zipf again'

/** How many notices are loaded; every question is of one of them. */
export const documentCount = 5000
/** Different questions of a Zipf mix, and how many are asked in all. */
export const zipfQuestions = 500
export const zipfAsked = 10_000

/** `turn` makes them other questions than those of every other turn, of the same notices. */
export function questionsOf(mix: Mix, turn: number): () => string {
  const random = randomOf(89, turn)
  let number = 0
  if (mix === 'cold') return () => permitQuestion(random.below(documentCount), turn * 1_000_000 + number++)
  const pick = zipf(random)
  return () => permitQuestion(pick(), turn)
}

/** The question of rank r comes 1/r as often as the first (s = 1). */
function zipf(random: { next(): number }): () => number {
  const sums: number[] = []
  for (let rank = 1; rank <= zipfQuestions; rank++) sums.push((sums.at(-1) ?? 0) + 1 / rank)
  return () => {
    const at = random.next() * sums.at(-1)!
    return sums.findIndex(sum => at < sum)
  }
}
