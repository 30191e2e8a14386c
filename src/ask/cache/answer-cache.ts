import { ageOf, isBetterThanNothing, type Remembered } from './freshness.ts'
import { again } from './replay.ts'
import type { Lease, OwnAnswers, SharedAnswers } from './shared-cache.ts'
import type { Answer, AskedCollection, CacheStatus, CacheTier, Degraded, Question } from '../terms.ts'

export interface KeepSettings {
  readonly seconds: number
  /** Of answers in `fast` mode, which cost less and change as little. */
  readonly fastSeconds: number
  /** Of "I can't find that"; 0: never kept. */
  readonly abstainedSeconds: number
  /** How long past its time an answer is given while the model or the database is down; 0: never. */
  readonly staleSeconds: number
}

/** What an answer that was there has spared. */
export type Spared = Pick<Remembered, 'answer' | 'tookMs'>

export interface CacheCounts {
  given(status: Exclude<CacheStatus, 'miss' | 'bypass'>, tier: CacheTier, spared: Spared): void
  missed(): void
  refreshed(outcome: 'ok' | 'failed'): void
}

export interface KeptOptions {
  readonly own: OwnAnswers
  /** Null: no Redis. */
  readonly shared: SharedAnswers | null
  readonly keep: KeepSettings
  readonly counts: CacheCounts
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export type KeptAnswers = ReturnType<typeof createKeptAnswers>

/** How long answers are kept, in which tiers, and how one that was kept is given. */
export function createKeptAnswers({ own, shared, keep: settings, counts, now }: KeptOptions) {
  const storing = new Set<Promise<void>>()

  /** In Redis only when it is not in memory. */
  async function find(key: string): Promise<{ readonly found: Remembered; readonly tier: CacheTier } | null> {
    const mine = own.get(key)
    if (mine) return { found: mine, tier: 'memory' }
    const found = await shared?.get(key)
    return found ? { found, tier: 'redis' } : null
  }

  /** As the answer of a request; `coalesced` where another replica made it meanwhile. */
  function give(found: Remembered, tier: CacheTier, status?: 'coalesced'): Answer {
    const answer = show(found, tier, status)
    counts.given(answer.cache.status as 'hit' | 'stale' | 'coalesced', tier, found)
    return answer
  }

  /** The same, not counted. */
  function show(found: Remembered, tier: CacheTier, status?: 'coalesced'): Answer {
    const at = now()
    return again(found.answer, {
      status: status ?? (at <= found.freshUntil ? 'hit' : 'stale'),
      tier,
      age: ageOf(found, at),
    })
  }

  /** Because a better one cannot be had, `amiss` being down; null where it is older than that allows. */
  function giveInstead(
    found: Remembered,
    tier: CacheTier,
    amiss: Degraded,
    seconds = settings.staleSeconds,
  ): Answer | null {
    const at = now()
    if (seconds === 0 || !isBetterThanNothing(found, seconds, at)) return null
    counts.given('stale', tier, found)
    return again(found.answer, { status: 'stale', tier, age: ageOf(found, at) }, [amiss])
  }

  /** If it is one to keep, whole and of one state of the documents: in memory at once, in Redis behind the request, under its lease. */
  function keep(
    key: string,
    answer: Answer,
    { seconds, tookMs }: { readonly seconds: number; readonly tookMs: number },
    lease: Lease | null,
  ): void {
    if (seconds <= 0 || answer.degraded.length > 0 || answer.isOvertaken) return
    // Where the model's words were remembered, the answer is as old as they are.
    const madeAt = now() - (answer.cache.age ?? 0) * 1000
    const value = { answer, madeAt, freshUntil: madeAt + seconds * 1000, tookMs }
    own.set(key, value, lifetime(value))
    if (lease) track(lease.keep(value, lifetime(value)))
  }

  /** What Redis had, here too. */
  function copy(key: string, value: Remembered): void {
    own.set(key, value, lifetime(value))
  }

  function lifetime({ freshUntil, answer }: Remembered): number {
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
