import type { AnswerCache } from './answer-cache.ts'
import type { CacheableQuestion } from './compute-once.ts'
import { isRefreshDue, isWanted, type CachedAnswer } from './freshness.ts'
import type { Refreshing } from './refresh.ts'
import type { SharedRuns } from './shared-runs.ts'
import type { Answer } from '../terms/answer.ts'
import type { CacheDirectives, CacheTier } from '../terms/caching.ts'

export interface ServingParts {
  readonly answers: AnswerCache
  readonly runs: Pick<SharedRuns, 'shared'>
  readonly refreshing: Pick<Refreshing, 'refresh'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly random: () => number
}

/** Serves cached answers as far as the caller's directives allow, and refreshes those about to expire. */
export function createServing({ answers, runs, refreshing, now, random }: ServingParts) {
  function fromMemory(asked: CacheableQuestion, directives: CacheDirectives): Answer | undefined {
    const found = answers.getLocal(asked.cacheKey.key)
    return found && isWanted(found, directives, now()) ? serve(asked, found, 'memory') : undefined
  }

  /**
   * Asks Redis up front only when the caller limits the age or accepts only cached answers; otherwise the fill lease
   * asks it.
   */
  async function fromRedis(asked: CacheableQuestion, directives: CacheDirectives): Promise<Answer | undefined> {
    const { onlyIfCached, maxAge, maxStale } = directives
    if (!onlyIfCached && maxAge === undefined && maxStale === undefined) return undefined
    const cached = await answers.find(asked.cacheKey.key)
    return cached && isWanted(cached.value, directives, now()) ? serve(asked, cached.value, cached.tier) : undefined
  }

  function serve(asked: CacheableQuestion, found: CachedAnswer, tier: CacheTier): Answer {
    const answer = answers.serve(found, tier)
    if (answer.cache.status === 'hit' && isRefreshDue(found, now(), random())) {
      refreshing.refresh(asked.cacheKey.key, run =>
        runs.shared(
          { ...asked, before: found, recomputeAfter: found.freshUntil },
          { ...run, payer: { collection: asked.question.collection } },
        ),
      )
    }
    return answer
  }

  /** The last cached answer, while the database cannot confirm that its documents are unchanged. */
  async function unchecked(
    key: string,
    sinceMs: number,
    staleSeconds: number,
    directives: CacheDirectives = {},
  ): Promise<Answer | null> {
    if (directives.noCache || directives.noStore) return null
    const seconds = Math.max(staleSeconds, directives.maxStale ?? 0)
    if (sinceMs > seconds * 1000) return null
    const cached = await answers.find(key)
    return cached ? answers.serveStale(cached.value, cached.tier, 'database', seconds) : null
  }

  return { fromMemory, fromRedis, unchecked }
}

export type Serving = ReturnType<typeof createServing>
