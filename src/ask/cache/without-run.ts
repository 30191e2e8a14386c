import type { AskError } from '../../errors.ts'
import type { AdmissionTerms } from '../admission.ts'
import type { Answer } from '../terms/answer.ts'
import type { CacheDirectives } from '../terms/caching.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Question } from '../terms/question.ts'
import type { AnswerCache } from './answer-cache.ts'
import { cacheKeyOf } from './cache-key.ts'
import type { ComputeSteps } from './compute-once.ts'
import { isWanted, type CachedAnswer } from './freshness.ts'
import type { Serving } from './serving.ts'
import type { SharedRuns } from './shared-runs.ts'

/** What a question can be told without a run: for most questions that is all they need, and a run costs more. */
export interface WithoutRun {
  /** Returns the answer synchronously if this process has it, so the edge can skip the run. */
  getCached(question: Question, directives: CacheDirectives): Answer | undefined
  /**
   * Reads the answer that replicas share, also without a run. Returns undefined synchronously when there is nothing to
   * wait for.
   */
  getShared(question: Question, directives: CacheDirectives): Promise<Answer | undefined> | undefined
  /**
   * What a run would be rejected with at once, for a question that is not in memory, nor in Redis as far as
   * `getShared` knows: so that a rejection costs no run. Undefined if the run could be joined, or an expired answer served.
   */
  rejection(question: Question, directives: CacheDirectives, terms: AdmissionTerms): AskError | undefined
}

export interface WithoutRunSteps {
  /** The collection synchronously, if it is known and fresh. */
  readonly freshCollection: (name: string) => AskedCollection | undefined
  /**
   * Reads the shared answer for a caller that would not compute it. Returns undefined synchronously when nothing can be
   * asked.
   */
  readonly getShared?: (key: string) => Promise<CachedAnswer | undefined> | undefined
}

interface WithoutRunParts {
  readonly steps: WithoutRunSteps & Pick<ComputeSteps, 'admission'>
  readonly answers: AnswerCache
  readonly configHash: string
  readonly runs: Pick<SharedRuns, 'has'>
  readonly serving: Pick<Serving, 'fromMemory'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export function createWithoutRun({
  steps: { freshCollection, getShared: readInRedis, admission },
  answers,
  configHash,
  runs,
  serving,
  now,
}: WithoutRunParts): WithoutRun {
  const readShared = shareReads(answers)

  function getCached(question: Question, directives: CacheDirectives): Answer | undefined {
    if (directives.noCache || directives.noStore) return undefined
    const collection = freshCollection(question.collection)
    return (
      collection &&
      serving.fromMemory({ question, collection, cacheKey: cacheKeyOf(question, collection, configHash) }, directives)
    )
  }

  /**
   * A miss in memory is mostly a miss in Redis too, and this read then adds some 10 µs to a run of milliseconds. A hit
   * costs a third less without a run around it.
   */
  function getShared(question: Question, directives: CacheDirectives): Promise<Answer | undefined> | undefined {
    if (!readInRedis || directives.noCache || directives.noStore) return undefined
    const collection = freshCollection(question.collection)
    if (!collection) return undefined
    const { key } = cacheKeyOf(question, collection, configHash)
    // A run under way has already asked Redis.
    const read = runs.has(key) ? undefined : readShared(key, readInRedis)
    return read?.then(found =>
      found && isWanted(found, directives, now()) ? answers.serve(found, answers.sharedTier) : undefined,
    )
  }

  function rejection(question: Question, directives: CacheDirectives, terms: AdmissionTerms): AskError | undefined {
    const { onlyIfCached, maxAge, maxStale } = directives
    // These ask Redis for more, or get another error.
    if (onlyIfCached || maxAge !== undefined || maxStale !== undefined) return undefined
    const collection = admission && freshCollection(question.collection)
    if (!collection) return undefined
    const { key } = cacheKeyOf(question, collection, configHash)
    return runs.has(key) || answers.getLocal(key) ? undefined : admission?.rejection(terms)
  }

  return { getCached, getShared, rejection }
}

/** Reads of the shared answers, where equal questions at the same time share one read. */
function shareReads(answers: AnswerCache) {
  const reads = new Map<string, Promise<CachedAnswer | undefined>>()
  return (key: string, getShared: NonNullable<WithoutRunSteps['getShared']>) => {
    const current = reads.get(key)
    if (current) return current
    const read = getShared(key)
    if (!read) return undefined
    reads.set(key, read)
    void read.then(found => {
      reads.delete(key)
      if (found) answers.copy(key, found)
    })
    return read
  }
}
