import { fuse, vectorShare } from '../ask/retrieval/fuse.ts'
import { chooseWeight, type Choice } from './choose-weight.ts'
import type { JudgedCandidates } from './evidence.ts'
import { ndcg } from './metrics.ts'

/** What the questions in one language show about the weight of the dense retriever. */
export interface Lesson {
  readonly language: string
  readonly questions: number
  readonly inUse: number
  /** Null when there were too few questions to choose from. */
  readonly choice: Choice | null
  /** The weight to use from now on; null leaves the one in use. */
  readonly learned: number | null
}

/** With fewer questions, the best weight is a matter of chance. */
export const fewestQuestions = 50

/**
 * One lesson per language, from the evidence of all sets together. `inUse` returns the current weight of a language,
 * `span` is the similarity span of the model (weights.ts).
 */
export function learn(
  evidence: readonly JudgedCandidates[],
  inUse: (language: string) => number,
  span: number,
): Lesson[] {
  const groups = [...Map.groupBy(evidence, each => each.language)].sort(([a], [b]) => (a < b ? -1 : 1))
  return groups.map(([language, group]) => lessonOf(language, group, inUse(language), span))
}

/** A weight that does worse than the current one on held-out questions is not learned. */
function lessonOf(language: string, group: readonly JudgedCandidates[], inUse: number, span: number): Lesson {
  const facts = { language, questions: group.length, inUse }
  if (group.length < fewestQuestions) return { ...facts, choice: null, learned: null }
  const choice = chooseWeight(weight => group.map(each => scoreAt(each, weight, span)), inUse)
  return { ...facts, choice, learned: choice.heldOut.chosen < choice.heldOut.inUse ? null : choice.weight }
}

function scoreAt({ found, judged }: JudgedCandidates, weight: number, span: number): number {
  const sources = new Map(found.map(each => [each.chunkId, each.source]))
  const ranked = fuse(found, vectorShare(found, weight, span)).map(each => sources.get(each.chunkId) ?? '')
  return ndcg([...new Set(ranked)], judged, 10)
}
