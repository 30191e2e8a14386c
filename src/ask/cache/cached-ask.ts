import { AskError, isAskError, isOutage } from '../../errors.ts'
import { createSingleFlight } from '../../resilience/single-flight.ts'
import { linkTo, type Workflow } from '../../tracing/workflow.ts'
import { cacheKeyOf } from './cache-key.ts'
import { isRefreshDue, isWanted, type CachedAnswer } from './freshness.ts'
import type { CacheCounts, AnswerCache } from './answer-cache.ts'
import { computeOnceWith, type CacheableQuestion, type ComputeSteps } from './compute-once.ts'
import { createRefreshing, type Background } from './refresh.ts'
import { coalesced, replay } from './replay.ts'
import type { Stage } from '../stage.ts'
import type { Answer, Ask, AskedCollection, AskEvent, CacheTier, CacheDirectives, Question, Run } from '../terms.ts'
import { unknownCollection } from '../unknown-collection.ts'
import { asWorkflow } from '../workflow.ts'

export interface CachedAskSteps extends ComputeSteps {
  /** What is known of a collection, `unchecked` where the database cannot be asked; null when there is none. */
  readonly getCollection: Stage<string, AskedCollection | null>
  /** The same, but waits, and rejects where the database cannot be asked. */
  readonly requireCollection: Stage<string, AskedCollection | null>
  /** The same at once, if it is known. */
  readonly freshCollection: (name: string) => AskedCollection | undefined
  /** What was known of it last, however old. */
  readonly lastKnownCollection?: (name: string) => AskedCollection | undefined
  /** What replicas share under a key, for who would only take it. Undefined at once: nobody can be asked. */
  readonly getShared?: (key: string) => Promise<CachedAnswer | undefined> | undefined
}

export interface CachedAskOptions {
  readonly steps: CachedAskSteps
  readonly answers: AnswerCache
  /** Whatever else changes answers: models, prompt version, settings. */
  readonly configHash: string
  readonly counts: CacheCounts
  /** See {@link KeepSettings}. */
  readonly staleSeconds: number
  readonly background: Background
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly random?: () => number
}

export interface CachedAsk {
  readonly ask: Ask
  /** At once, if this process has the answer: for the edge to give without any of what a run needs. */
  getCached(question: Question, wishes: CacheDirectives): Answer | undefined
  /** Soon, and without a run either, if replicas share it. Undefined at once: there is nothing to wait for. */
  getShared(question: Question, wishes: CacheDirectives): Promise<Answer | undefined> | undefined
  /** Stops what runs behind the requests, and waits for what is being stored. */
  close(): Promise<void>
}

/**
 * The pipeline behind two tiers of remembered answers, and never two equal runs of it at once:
 *
 *   memory → [equal questions share what follows] → Redis, or a lease → a near question's answer → make → keep
 *
 * A remembered answer is given only for the collection's present epoch, so it never outlives an edit. When the model
 * or the database fails, one past its time is better than none, and says so. Kept only when whole: not degraded, not
 * cut, and "I can't find that" but briefly.
 */
export function createCachedAsk({
  steps,
  answers,
  configHash,
  counts,
  staleSeconds,
  background,
  now = Date.now,
  random = Math.random,
}: CachedAskOptions): CachedAsk {
  const flights = createSingleFlight<AskEvent, Workflow<AskEvent>>()
  const looks = new Map<string, Promise<CachedAnswer | undefined>>()
  let aloneCount = 0
  const refreshing = createRefreshing(background, counts)
  const makeOnce = computeOnceWith(steps, answers, counts, now)

  function recall(question: Question, wishes: CacheDirectives): Answer | undefined {
    if (wishes.noCache || wishes.noStore) return undefined
    const collection = steps.freshCollection(question.collection)
    return (
      collection && fromMemory({ question, collection, cacheKey: cacheKeyOf(question, collection, configHash) }, wishes)
    )
  }

  /**
   * Most of what is not in memory is not in Redis either, and then this look comes on top of the one with the lease: some
   * 10 µs of a run's milliseconds. An answer that is there costs two thirds without a run around it.
   */
  function reach(question: Question, wishes: CacheDirectives): Promise<Answer | undefined> | undefined {
    if (!steps.getShared || wishes.noCache || wishes.noStore) return undefined
    const collection = steps.freshCollection(question.collection)
    if (!collection) return undefined
    const { key } = cacheKeyOf(question, collection, configHash)
    // A run that is under way has looked.
    const look = flights.has(key) ? undefined : (looks.get(key) ?? begin(key, steps.getShared(key)))
    return look?.then(found => (found && isWanted(found, wishes, now()) ? answers.give(found, 'redis') : undefined))
  }

  /** Equal questions at the same time are one look. */
  function begin(
    key: string,
    look: Promise<CachedAnswer | undefined> | undefined,
  ): Promise<CachedAnswer | undefined> | undefined {
    if (!look) return undefined
    looks.set(key, look)
    void look.then(found => {
      looks.delete(key)
      if (found) answers.copy(key, found)
    })
    return look
  }

  async function* ask(question: Question, run: Run): AsyncGenerator<AskEvent, void> {
    const collection = steps.freshCollection(question.collection) ?? (await found(question, run))
    if (!collection.unchecked) return yield* askWithin(question, collection, run)
    const last = await lastOf(question, collection, run.cacheDirectives)
    if (last) return yield* replay(last)
    yield* askWithin(question, await located(steps.requireCollection, question, run), run)
  }

  /** To look it up may take long just when there is too much to do: what would then be refused is refused before. */
  async function found(question: Question, run: Run): Promise<AskedCollection> {
    const last = steps.lastKnownCollection?.(question.collection)
    const key = last && cacheKeyOf(question, last, configHash).key
    if (key !== undefined && steps.admission && !flights.has(key) && !(await answers.find(key)))
      steps.admission.check(run)
    return await located(steps.getCollection, question, run)
  }

  async function* askWithin(question: Question, collection: AskedCollection, run: Run): AsyncGenerator<AskEvent, void> {
    const { cacheDirectives = {} } = run
    if (cacheDirectives.onlyIfCached && (cacheDirectives.noCache || cacheDirectives.noStore)) throw notCached()
    if (cacheDirectives.noStore) return yield* bypassing(alone(run, own => made(question, collection, own)))
    const place = cacheKeyOf(question, collection, configHash)
    const asked = { question, collection, cacheKey: place, before: answers.mine(place.key) }
    if (cacheDirectives.noCache)
      return yield* bypassing(alone(run, own => makeOnce({ ...asked, before: null, recomputeAfter: Infinity }, own)))
    const found = fromMemory(asked, cacheDirectives) ?? (await fromRedis(asked, cacheDirectives))
    if (found) return yield* replay(found)
    if (cacheDirectives.onlyIfCached) throw notCached()
    if (cacheDirectives.maxAge !== undefined)
      return yield* alone(run, own => makeOnce({ ...asked, recomputeAfter: Infinity }, own))
    yield* together(asked, run)
  }

  function made(question: Question, collection: AskedCollection, run: Run): AsyncIterable<AskEvent> {
    const make = () => steps.compute(question, collection, run)
    return steps.admission ? steps.admission.events(run, make) : make()
  }

  /**
   * Shared with nobody, but like a shared run it goes on however slowly it is read: one that waits for its reader would
   * keep its place from others. What is kept for the reader is one answer at the most.
   */
  async function* alone(run: Run, begin: (own: Run) => AsyncIterable<AskEvent>): AsyncGenerator<AskEvent, void> {
    for await (const { item } of flights.join(`alone ${++aloneCount}`, run, signal =>
      asWorkflow(run, () => begin({ ...run, signal })),
    ))
      yield item
  }

  /**
   * Equal questions at the same time are one run. A run whose words are shown as they come may break off in the middle,
   * where one that keeps them back would have found another way: who joined it without showing anything tries once more.
   */
  async function* together(asked: CacheableQuestion, run: Run, isFirstTry = true): AsyncGenerator<AskEvent, void> {
    let [isOwn, isJoined] = [false, false]
    const begin = (signal: AbortSignal) => {
      isOwn = true
      return asWorkflow(run, () => makeOnce(asked, { ...run, signal }))
    }
    try {
      for await (const { item, isShared } of flights.join(asked.cacheKey.key, run, begin, ({ spanContext }) =>
        linkTo(spanContext),
      )) {
        isJoined = isShared
        if (isShared && item.type === 'done') countShared(item.answer)
        yield isShared ? coalesced(item) : item
      }
    } catch (error) {
      // Another's that was refused showed nothing, and it may have been refused for being batch.
      const mayTryAgain = isAskError(error, 'overloaded') ? !isOwn : isJoined && !run.isStreamed && isOutage(error)
      if (!isFirstTry || !mayTryAgain || run.signal.aborted) throw error
      yield* together(asked, run, false)
    }
  }

  function countShared(answer: Answer): void {
    const { status, tier = 'memory' } = answer.cache
    counts.served(status === 'miss' || status === 'bypass' ? 'coalesced' : status, tier, { answer, tookMs: 0 })
  }

  function fromMemory(asked: CacheableQuestion, wishes: CacheDirectives): Answer | undefined {
    const found = answers.mine(asked.cacheKey.key)
    return found && isWanted(found, wishes, now()) ? give(asked, found, 'memory') : undefined
  }

  /** Ahead of everything else only for who wants a certain age, or no other; for the rest it is asked along with the lease. */
  async function fromRedis(asked: CacheableQuestion, wishes: CacheDirectives): Promise<Answer | undefined> {
    const { onlyIfCached, maxAge, maxStale } = wishes
    if (!onlyIfCached && maxAge === undefined && maxStale === undefined) return undefined
    const kin = await answers.find(asked.cacheKey.key)
    return kin && isWanted(kin.found, wishes, now()) ? give(asked, kin.found, kin.tier) : undefined
  }

  function give(asked: CacheableQuestion, found: CachedAnswer, tier: CacheTier): Answer {
    const answer = answers.give(found, tier)
    if (answer.cache.status === 'hit' && isRefreshDue(found, now(), random())) {
      refreshing.refresh(asked.cacheKey.key, run =>
        together({ ...asked, before: found, recomputeAfter: found.freshUntil }, run),
      )
    }
    return answer
  }

  /** The last answer known, while nobody can say whether its documents are still the same. */
  async function lastOf(
    question: Question,
    collection: AskedCollection,
    wishes: CacheDirectives = {},
  ): Promise<Answer | null> {
    if (wishes.noCache || wishes.noStore) return null
    const seconds = Math.max(staleSeconds, wishes.maxStale ?? 0)
    if ((collection.unchecked?.sinceMs ?? 0) > seconds * 1000) return null
    const kin = await answers.find(cacheKeyOf(question, collection, configHash).key)
    return kin && answers.giveInstead(kin.found, kin.tier, 'database', seconds)
  }

  async function close(): Promise<void> {
    await refreshing.close()
    await answers.settled()
  }

  return { ask, getCached: recall, getShared: reach, close }
}

function notCached(): AskError {
  return new AskError('not_cached', { detail: 'There is no matching cached answer, and the request said only-if-cached.' })
}

async function located(
  find: CachedAskSteps['getCollection'],
  { collection: name }: Question,
  run: Run,
): Promise<AskedCollection> {
  const collection = await find(name, run)
  if (!collection) throw unknownCollection(name)
  return collection
}

/** For a caller who wanted no remembered answer. */
async function* bypassing(events: AsyncIterable<AskEvent>): AsyncGenerator<AskEvent, void> {
  for await (const event of events) {
    yield event.type === 'done' && event.answer.cache.status === 'miss'
      ? { type: 'done', answer: { ...event.answer, cache: { status: 'bypass' } } }
      : event
  }
}
