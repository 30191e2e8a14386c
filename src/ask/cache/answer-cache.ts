import type { Events } from '../../events.ts'
import { ageOf, isBetterThanNothing, type CachedAnswer } from './freshness.ts'
import { asCached } from './replay.ts'
import type { FillLease, SharedAnswers } from './shared-cache.ts'
import { createTieredCache, type MemoryTier } from './tiered-cache.ts'
import type { Answer, Degraded } from '../terms/answer.ts'
import type { CacheTier, SharedCacheTier } from '../terms/caching.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Question } from '../terms/question.ts'

export interface CacheDurations {
  readonly seconds: number
  /** Lifetime of answers in `fast` mode, which cost less to compute. */
  readonly fastSeconds: number
  /** Lifetime of abstentions ("I can't find that"); 0 when they are never cached. */
  readonly abstainedSeconds: number
  /** How long past its lifetime an answer is served while the model or the database is down; 0 for never. */
  readonly staleSeconds: number
}

export type CacheEvents = Pick<Events, 'answerReused' | 'cacheMissed' | 'answerRefreshed'>

export interface AnswerCacheOptions {
  readonly own: MemoryTier<CachedAnswer>
  /** Null when this process shares with no other one. */
  readonly shared: SharedAnswers | null
  readonly sharedTier?: SharedCacheTier
  readonly keep: CacheDurations
  readonly events: Pick<CacheEvents, 'answerReused'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export type AnswerCache = ReturnType<typeof createAnswerCache>

/** Decides how long answers are cached, in which tiers, and how a cached answer is served. */
export function createAnswerCache({
  own,
  shared,
  sharedTier = 'redis',
  keep: durations,
  events,
  now,
}: AnswerCacheOptions) {
  const pendingWrites = new Set<Promise<void>>()
  const tiers = createTieredCache({ memory: own, shared, sharedTier, lifetimeOf: lifetime })

  /** Serves it as the answer of a request; `coalesced` when another replica computed it meanwhile. */
  function serve(found: CachedAnswer, tier: CacheTier, status?: 'coalesced'): Answer {
    const answer = asServed(found, tier, status)
    events.answerReused(answer.cache.status as 'hit' | 'stale' | 'coalesced', tier, found)
    return answer
  }

  /** Like `serve`, but not counted. */
  function asServed(found: CachedAnswer, tier: CacheTier, status?: 'coalesced'): Answer {
    const at = now()
    return asCached(found.answer, {
      status: status ?? (at <= found.freshUntil ? 'hit' : 'stale'),
      tier,
      age: ageOf(found, at),
    })
  }

  /** Serves it because `degraded` is down and nothing better is available; null when it is too old for that. */
  function serveStale(
    found: CachedAnswer,
    tier: CacheTier,
    degraded: Degraded,
    seconds = durations.staleSeconds,
  ): Answer | null {
    const at = now()
    if (seconds === 0 || !isBetterThanNothing(found, seconds, at)) return null
    events.answerReused('stale', tier, found)
    return asCached(found.answer, { status: 'stale', tier, age: ageOf(found, at) }, [degraded])
  }

  /**
   * Caches an answer that is complete and belongs to one state of the documents: in memory at once, in Redis in the
   * background, under its lease.
   */
  function keep(
    key: string,
    answer: Answer,
    { seconds, tookMs }: { readonly seconds: number; readonly tookMs: number },
    lease: FillLease | null,
  ): void {
    if (seconds <= 0 || answer.degraded.length > 0 || answer.isOvertaken || answer.isTruncated) return
    // A cached completion makes the answer as old as the completion.
    const madeAt = now() - (answer.cache.age ?? 0) * 1000
    const value = { answer, madeAt, freshUntil: madeAt + seconds * 1000, tookMs }
    own.set(key, value, lifetime(value))
    if (lease) track(lease.keep(value, lifetime(value)))
  }

  /** Copies an answer found in Redis into memory. */
  function copy(key: string, value: CachedAnswer): void {
    own.set(key, value, lifetime(value))
  }

  /** Whether either tier has an answer. Copies nothing, so that the run that follows still names the tier it came from. */
  async function has(key: string): Promise<boolean> {
    return (own.get(key) ?? (await shared?.get(key))) !== undefined
  }

  function lifetime({ freshUntil, answer }: CachedAnswer): number {
    return freshUntil - now() + (answer.abstained ? 0 : durations.staleSeconds * 1000)
  }

  function secondsFor({ mode }: Question, { caching }: AskedCollection, answer: Answer): number {
    const seconds =
      mode === 'fast' ? (caching.fastSeconds ?? durations.fastSeconds) : (caching.seconds ?? durations.seconds)
    return answer.abstained ? Math.min(seconds, durations.abstainedSeconds) : seconds
  }

  function track(work: Promise<void>): void {
    pendingWrites.add(work)
    void work.catch(() => {}).finally(() => pendingWrites.delete(work))
  }

  return {
    getLocal: own.get,
    sharedTier,
    find: tiers.get,
    has,
    serve,
    asServed,
    serveStale,
    keep,
    copy,
    secondsFor,
    track,
    settled: async () => void (await Promise.allSettled(pendingWrites)),
  }
}
