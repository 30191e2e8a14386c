import { fuse, vectorShare } from '../ask/retrieval/fuse.ts'
import { chooseWeight, type Choice } from './choose-weight.ts'
import type { JudgedCandidates } from './evidence.ts'
import { mean, ndcg } from './metrics.ts'
import type { LearnedWeights } from '../ask/retrieval/weights.ts'

/** What the questions in one language show about the weight of the dense retriever. */
export interface Lesson {
  readonly language: string
  readonly questions: number
  readonly inUse: number
  /** Null when there were too few questions to choose from. */
  readonly choice: Choice | null
  /** The weight to use from now on; null leaves the one in use. */
  readonly learned: number | null
  /** The span of similarities that the weights go with. */
  readonly span: number
}

/** With fewer questions, the best weight is a matter of chance. */
export const fewestQuestions = 50

/** One lesson per language, from the evidence of all sets together. `before` is what was learned earlier. */
export function learn(evidence: readonly JudgedCandidates[], before: LearnedWeights): Lesson[] {
  const groups = [...Map.groupBy(evidence, each => each.language)].sort(([a], [b]) => (a < b ? -1 : 1))
  return groups.map(([language, group]) => {
    const span = rounded(mean(group.map(each => each.span)))
    const learned = Object.hasOwn(before, language) ? before[language] : undefined
    const measured = mean(group.map(each => each.measured))
    const inUse = rounded(learned ? (learned.weight * span) / (learned.span ?? span) : measured)
    return lessonOf(language, group, inUse, span)
  })
}

/** A weight that does worse than the current one on held-out questions is not learned. */
function lessonOf(language: string, group: readonly JudgedCandidates[], inUse: number, span: number): Lesson {
  const facts = { language, questions: group.length, inUse, span }
  if (group.length < fewestQuestions) return { ...facts, choice: null, learned: null }
  const choice = chooseWeight(weight => group.map(each => scoreAt(each, weight, span)), inUse)
  return { ...facts, choice, learned: choice.heldOut.chosen < choice.heldOut.inUse ? null : choice.weight }
}

/** Without the errors of adding many: a weight at the edge of a grid must stay there. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6
}

function scoreAt({ found, judged }: JudgedCandidates, weight: number, span: number): number {
  const sources = new Map(found.map(each => [each.chunkId, each.source]))
  const ranked = fuse(found, vectorShare(found, weight, span)).map(each => sources.get(each.chunkId) ?? '')
  return ndcg([...new Set(ranked)], judged, 10)
}
