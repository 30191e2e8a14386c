import { AskError } from '../../errors.ts'
import { cacheKeyOf } from './cache-key.ts'
import type { CacheEvents, AnswerCache } from './answer-cache.ts'
import { computeOnceWith, type ComputeSteps } from './compute-once.ts'
import { createRefreshing, type Background } from './refresh.ts'
import { replay } from './replay.ts'
import { createServing } from './serving.ts'
import { createSharedRuns } from './shared-runs.ts'
import type { Stage } from '../stage.ts'
import type { AskEvent } from '../terms/answer.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Question } from '../terms/question.ts'
import type { Ask, Run } from '../terms/run.ts'
import type { Payer } from '../terms/usage.ts'
import { createWithoutRun, type WithoutRun, type WithoutRunSteps } from './without-run.ts'
import { unknownCollection } from '../unknown-collection.ts'

export interface CachedAskSteps extends ComputeSteps, WithoutRunSteps {
  /** The collection, `unchecked` when the database cannot be read; null when there is none of this name. */
  readonly getCollection: Stage<string, AskedCollection | null>
  /** Like `getCollection`, but waits, and rejects when the database cannot be read. */
  readonly requireCollection: Stage<string, AskedCollection | null>
  /** The last known state of the collection, however old. */
  readonly lastKnownCollection?: (name: string) => AskedCollection | undefined
  /** Whether the budget of this key is used up. Nobody else joins the runs that it starts, which only quote. */
  readonly isKeyUsedUp?: (payer: Payer) => boolean
}

export interface CachedAskOptions {
  readonly steps: CachedAskSteps
  readonly answers: AnswerCache
  /** Covers what else changes answers: models, prompt version, settings. */
  readonly configHash: string
  readonly events: CacheEvents
  /** See {@link CacheDurations}. */
  readonly staleSeconds: number
  readonly background: Background
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly random?: () => number
}

export interface CachedAsk extends WithoutRun {
  readonly ask: Ask
  /** Stops background refreshes and waits for pending writes. */
  close(): Promise<void>
}

/**
 * The pipeline behind two tiers of cached answers, with never two equal runs of it at the same time:
 *
 *   memory → [equal questions share the rest] → Redis, or a fill lease → semantic cache → compute → store
 *
 * - A cached answer is served only for the collection's current epoch, so it never outlives an edit.
 * - When the model or the database fails, an expired answer is served and marked as stale.
 * - Only complete answers are cached: not degraded, not cut off. Abstentions are cached only briefly.
 */
export function createCachedAsk({
  steps,
  answers,
  configHash,
  events,
  staleSeconds,
  background,
  now = Date.now,
  random = Math.random,
}: CachedAskOptions): CachedAsk {
  const computeOnce = computeOnceWith(steps, answers, events, now)
  const runs = createSharedRuns(computeOnce, events, ({ payer }) =>
    payer?.key && steps.isKeyUsedUp?.(payer) ? `\n${payer.key.name}` : '',
  )
  const refreshing = createRefreshing(background, events)
  const serving = createServing({ answers, runs, refreshing, now, random })
  const withoutRun = createWithoutRun({ steps, answers, configHash, runs, serving, now })

  async function* ask(question: Question, run: Run): AsyncGenerator<AskEvent, void> {
    const collection = steps.freshCollection(question.collection) ?? (await loadCollection(question, run))
    if (!collection.unchecked) return yield* askWithin(question, collection, run)
    const { key } = cacheKeyOf(question, collection, configHash)
    run.explain?.({ collection, cacheKey: key })
    const cached = await serving.unchecked(key, collection.unchecked.sinceMs, staleSeconds, run.cacheDirectives)
    if (cached) return yield* replay(cached)
    yield* askWithin(question, await requireFound(steps.requireCollection, question, run), run)
  }

  /**
   * Loading the collection may take long just under high load, so a question that admission would reject is rejected
   * first.
   */
  async function loadCollection(question: Question, run: Run): Promise<AskedCollection> {
    const last = steps.lastKnownCollection?.(question.collection)
    const key = last && cacheKeyOf(question, last, configHash).key
    if (key !== undefined && !runs.has(key) && !(await answers.has(key))) {
      const rejected = steps.admission?.rejection(run)
      if (rejected) throw rejected
    }
    return await requireFound(steps.getCollection, question, run)
  }

  async function* askWithin(question: Question, collection: AskedCollection, run: Run): AsyncGenerator<AskEvent, void> {
    const { cacheDirectives = {} } = run
    run.explain?.({ collection, cacheKey: cacheKeyOf(question, collection, configHash).key })
    if (cacheDirectives.onlyIfCached && (cacheDirectives.noCache || cacheDirectives.noStore)) throw notCached()
    if (cacheDirectives.noStore)
      return yield* bypassing(runs.alone(run, own => computeFresh(question, collection, own)))
    const cacheKey = cacheKeyOf(question, collection, configHash)
    const asked = { question, collection, cacheKey, before: answers.getLocal(cacheKey.key) }
    if (cacheDirectives.noCache)
      return yield* bypassing(
        runs.alone(run, own => computeOnce({ ...asked, before: null, recomputeAfter: Infinity }, own)),
      )
    const found = serving.fromMemory(asked, cacheDirectives) ?? (await serving.fromRedis(asked, cacheDirectives))
    if (found) return yield* replay(found)
    if (cacheDirectives.onlyIfCached) throw notCached()
    if (cacheDirectives.maxAge !== undefined)
      return yield* runs.alone(run, own => computeOnce({ ...asked, recomputeAfter: Infinity }, own))
    yield* runs.shared(asked, run)
  }

  function computeFresh(question: Question, collection: AskedCollection, run: Run): AsyncIterable<AskEvent> {
    const compute = (admitted: Run) => steps.compute(question, collection, admitted)
    return steps.admission ? steps.admission.events(run, compute) : compute(run)
  }

  async function close(): Promise<void> {
    await refreshing.close()
    await answers.settled()
  }

  return { ask, ...withoutRun, close }
}

function notCached(): AskError {
  return new AskError('not_cached', {
    detail: 'There is no matching cached answer, and the request said only-if-cached.',
  })
}

async function requireFound(
  find: CachedAskSteps['getCollection'],
  { collection: name }: Question,
  run: Run,
): Promise<AskedCollection> {
  const collection = await find(name, run)
  if (!collection) throw unknownCollection(name)
  return collection
}

/** Marks the answer for a caller that wanted no cached one. */
async function* bypassing(events: AsyncIterable<AskEvent>): AsyncGenerator<AskEvent, void> {
  for await (const event of events) {
    yield event.type === 'done' && event.answer.cache.status === 'miss'
      ? { type: 'done', answer: { ...event.answer, cache: { status: 'bypass' } } }
      : event
  }
}
