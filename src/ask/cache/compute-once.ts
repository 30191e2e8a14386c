import type { Admission } from '../admission.ts'
import type { LeaseOutcome, LeaseRequest } from './lease.ts'
import type { CacheKey } from './cache-key.ts'
import type { CachedAnswer } from './freshness.ts'
import type { CacheEvents, AnswerCache } from './answer-cache.ts'
import type { SemanticAnswers, SemanticMatch } from './semantic/semantic-answers.ts'
import { bestEffort } from '../best-effort.ts'
import { replay } from './replay.ts'
import type { FillLease } from './shared-cache.ts'
import type { Stage } from '../stage.ts'
import { isSmallTalk } from '../smalltalk/small-talk.ts'
import { staleIfError } from './stale-if-error.ts'
import type { Answer, AskEvent } from '../terms/answer.ts'
import type { CacheTier } from '../terms/caching.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Question } from '../terms/question.ts'
import type { AskWithin, Run } from '../terms/run.ts'

export interface ComputeSteps {
  /** Null when there are no other processes to share with. */
  readonly fillLease: Stage<LeaseRequest, LeaseOutcome> | null
  /** Null when the semantic cache is off. */
  readonly semantic: SemanticAnswers | null
  /** No admission control when absent. */
  readonly admission?: Pick<Admission, 'events' | 'rejection'>
  /** The pipeline itself: what the caches avoid running. */
  readonly compute: AskWithin
}

/** A question that needs an answer, and its cache key. */
export interface CacheableQuestion {
  readonly question: Question
  readonly collection: AskedCollection
  readonly cacheKey: CacheKey
  /** An expired answer to fall back on; null when none is wanted. */
  readonly before?: CachedAnswer | null | undefined
  /**
   * Milliseconds since 1970. Answers that expire by then will not do, nor will answers of similar questions. Infinity
   * rejects every cached answer, even one that another replica is computing. When absent, any answer that is fresh now
   * will do.
   */
  readonly recomputeAfter?: number
}

interface StaleAnswer {
  readonly found: CachedAnswer
  readonly tier: CacheTier
}

interface FinishedRun {
  readonly tookMs: number
  readonly lease: FillLease | null
  readonly match: SemanticMatch | null
}

/**
 * Takes the answer from Redis, or has one replica compute it while the others wait. Falls back on an expired answer, if
 * there is one, when the model or the database fails.
 */
export function computeOnceWith(
  { fillLease: leaseStage, semantic, admission, compute }: ComputeSteps,
  answers: AnswerCache,
  events: CacheEvents,
  now: () => number,
) {
  return async function* computeOnce(asked: CacheableQuestion, run: Run): AsyncGenerator<AskEvent, void> {
    const { cacheKey, recomputeAfter } = asked
    const wanted = { key: cacheKey.key, freshAfter: recomputeAfter ?? now(), isPatient: recomputeAfter !== Infinity }
    const { reply, hasWaited } = leaseStage ? await leaseStage(wanted, run) : alone
    if (reply.kind === 'found') {
      answers.copy(cacheKey.key, reply.found)
      // Another replica has refreshed it. Not counted: either nobody waits for it here, or those who joined are counted
      // already.
      return yield* replay(
        recomputeAfter === undefined
          ? answers.serve(reply.found, answers.sharedTier, hasWaited ? 'coalesced' : undefined)
          : answers.asServed(reply.found, answers.sharedTier),
      )
    }
    const lease = reply.kind === 'yours' ? reply.lease : null
    const shared = reply.before ? { found: reply.before, tier: answers.sharedTier } : null
    const before =
      asked.before === undefined ? shared : asked.before && ({ found: asked.before, tier: 'memory' } as const)
    const isAway = reply.kind === 'alone' && reply.isAway === true
    let isOver = false
    try {
      for await (const event of computeFresh(asked, before, lease, run)) {
        isOver ||= event.type === 'done'
        yield isAway ? withoutCache(event) : event
      }
    } finally {
      // A cached answer has already ended the lease. Replicas that wait for an aborted run take it over.
      if (lease) answers.track(lease.release(isOver))
    }
  }

  async function* computeFresh(
    asked: CacheableQuestion,
    before: StaleAnswer | null,
    lease: FillLease | null,
    run: Run,
  ): AsyncGenerator<AskEvent, void> {
    let match: SemanticMatch | null = null
    let startedAt = performance.now()
    const runFresh = async function* (admitted: Run): AsyncGenerator<AskEvent, void> {
      match = await findSimilar(asked, admitted)
      if (match?.answer) return yield* replay(match.answer)
      startedAt = performance.now()
      yield* compute(asked.question, asked.collection, admitted)
    }
    // Admission comes before the semantic lookup: that needs a vector, and a rejection must cost nothing.
    const freshRun = admission ? admission.events(run, runFresh) : runFresh(run)
    const given = before
      ? staleIfError(freshRun, degraded => answers.serveStale(before.found, before.tier, degraded), run.signal)
      : freshRun
    for await (const event of given) {
      if (event.type === 'done') {
        const { status } = event.answer.cache
        if (status === 'miss' && asked.recomputeAfter === undefined) events.cacheMissed('answer')
        if (status !== 'stale' && status !== 'near')
          keep(asked, event.answer, { tookMs: performance.now() - startedAt, lease, match })
      }
      yield event
    }
  }

  async function findSimilar(
    { question, collection, cacheKey, recomputeAfter }: CacheableQuestion,
    run: Run,
  ): Promise<SemanticMatch | null> {
    if (recomputeAfter !== undefined || !semantic || isSmallTalk(question.text)) return null
    return await bestEffort(null, run, bounded => semantic.lookup({ question, collection, cacheKey }, bounded))
  }

  function keep(
    { question, collection, cacheKey }: CacheableQuestion,
    answer: Answer,
    { tookMs, lease, match }: FinishedRun,
  ): void {
    const seconds = answers.secondsFor(question, collection, answer)
    answers.keep(cacheKey.key, answer, { seconds, tookMs }, lease)
    if (match && answer.degraded.length === 0 && !answer.isOvertaken && !answer.isTruncated)
      semantic?.learn(match, { key: cacheKey.key, question, answer, seconds })
  }
}

export type ComputeOnce = ReturnType<typeof computeOnceWith>

const alone: LeaseOutcome = { reply: { kind: 'alone' }, hasWaited: false }

/** The answer is complete, but could not be shared with other replicas. */
function withoutCache(event: AskEvent): AskEvent {
  if (event.type !== 'done') return event
  return { type: 'done', answer: { ...event.answer, degraded: [...event.answer.degraded, 'cache'] } }
}
