import { selectPassages } from './retrieval/select.ts'
import { searchForSmallTalk } from './smalltalk/answer.ts'
import { unknownCollection } from './unknown-collection.ts'
import { findPassages, type FindSteps } from './retrieval/find-passages.ts'
import type { AskedCollection } from './terms/collection.ts'
import type { SearchResult } from './terms/evidence.ts'
import type { Arm } from './terms/passage.ts'
import type { Question } from './terms/question.ts'
import type { Run } from './terms/run.ts'

/**
 * Retrieval alone: what POST /search and `askwell eval` call. A single retriever is for measuring, and its ranking is
 * returned as is.
 */
export type SearchPassages = (question: Question, run: Run, arm?: Arm) => Promise<SearchResult>

export function searchWith(
  steps: FindSteps,
  find: (name: string, run: Run) => Promise<AskedCollection | null>,
): SearchPassages {
  return async (question, run, arm = 'fused') => {
    const collection = await find(question.collection, run)
    if (!collection) throw unknownCollection(question.collection)
    run.explain?.({ collection })
    const talk = searchForSmallTalk(question, collection)
    if (talk) return talk
    const found = await findPassages(steps, { question, collection, arm }, run)
    return arm === 'fused' ? await selectPassages(steps, question, found, run) : found
  }
}
