import { ageOf, isBetterThanNothing, type CachedAnswer } from './freshness.ts'
import { asCached } from './replay.ts'
import type { FillLease, LocalAnswers, SharedAnswers } from './shared-cache.ts'
import type { Answer, AskedCollection, CacheStatus, CacheTier, Degraded, Question } from '../terms.ts'

export interface CacheDurations {
  readonly seconds: number
  /** Of answers in `fast` mode, which cost less and change as little. */
  readonly fastSeconds: number
  /** Of "I can't find that"; 0: never kept. */
  readonly abstainedSeconds: number
  /** How long past its time an answer is given while the model or the database is down; 0: never. */
  readonly staleSeconds: number
}

/** What an answer that was there has spared. */
export type Spared = Pick<CachedAnswer, 'answer' | 'tookMs'>

export interface CacheCounts {
  served(status: Exclude<CacheStatus, 'miss' | 'bypass'>, tier: CacheTier, spared: Spared): void
  missed(): void
  refreshed(outcome: 'ok' | 'failed'): void
}

export interface AnswerCacheOptions {
  readonly own: LocalAnswers
  /** Null: no Redis. */
  readonly shared: SharedAnswers | null
  readonly keep: CacheDurations
  readonly counts: CacheCounts
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export type AnswerCache = ReturnType<typeof createAnswerCache>

/** How long answers are kept, in which tiers, and how one that was kept is given. */
export function createAnswerCache({ own, shared, keep: settings, counts, now }: AnswerCacheOptions) {
  const storing = new Set<Promise<void>>()

  /** In Redis only when it is not in memory. */
  async function find(key: string): Promise<{ readonly found: CachedAnswer; readonly tier: CacheTier } | null> {
    const mine = own.get(key)
    if (mine) return { found: mine, tier: 'memory' }
    const found = await shared?.get(key)
    return found ? { found, tier: 'redis' } : null
  }

  /** As the answer of a request; `coalesced` where another replica made it meanwhile. */
  function give(found: CachedAnswer, tier: CacheTier, status?: 'coalesced'): Answer {
    const answer = show(found, tier, status)
    counts.served(answer.cache.status as 'hit' | 'stale' | 'coalesced', tier, found)
    return answer
  }

  /** The same, not counted. */
  function show(found: CachedAnswer, tier: CacheTier, status?: 'coalesced'): Answer {
    const at = now()
    return asCached(found.answer, {
      status: status ?? (at <= found.freshUntil ? 'hit' : 'stale'),
      tier,
      age: ageOf(found, at),
    })
  }

  /** Because a better one cannot be had, `amiss` being down; null where it is older than that allows. */
  function giveInstead(
    found: CachedAnswer,
    tier: CacheTier,
    amiss: Degraded,
    seconds = settings.staleSeconds,
  ): Answer | null {
    const at = now()
    if (seconds === 0 || !isBetterThanNothing(found, seconds, at)) return null
    counts.served('stale', tier, found)
    return asCached(found.answer, { status: 'stale', tier, age: ageOf(found, at) }, [amiss])
  }

  /** If it is one to keep, whole and of one state of the documents: in memory at once, in Redis behind the request, under its lease. */
  function keep(
    key: string,
    answer: Answer,
    { seconds, tookMs }: { readonly seconds: number; readonly tookMs: number },
    lease: FillLease | null,
  ): void {
    if (seconds <= 0 || answer.degraded.length > 0 || answer.isOvertaken) return
    // Where the model's words were remembered, the answer is as old as they are.
    const madeAt = now() - (answer.cache.age ?? 0) * 1000
    const value = { answer, madeAt, freshUntil: madeAt + seconds * 1000, tookMs }
    own.set(key, value, lifetime(value))
    if (lease) track(lease.keep(value, lifetime(value)))
  }

  /** What Redis had, here too. */
  function copy(key: string, value: CachedAnswer): void {
    own.set(key, value, lifetime(value))
  }

  function lifetime({ freshUntil, answer }: CachedAnswer): number {
    return freshUntil - now() + (answer.abstained ? 0 : settings.staleSeconds * 1000)
  }

  function secondsFor({ mode }: Question, { caching }: AskedCollection, answer: Answer): number {
    const seconds =
      mode === 'fast' ? (caching.fastSeconds ?? settings.fastSeconds) : (caching.seconds ?? settings.seconds)
    return answer.abstained ? Math.min(seconds, settings.abstainedSeconds) : seconds
  }

  function track(work: Promise<void>): void {
    storing.add(work)
    void work.catch(() => {}).finally(() => storing.delete(work))
  }

  return {
    mine: own.get,
    find,
    give,
    show,
    giveInstead,
    keep,
    copy,
    secondsFor,
    track,
    settled: async () => void (await Promise.allSettled(storing)),
  }
}
