import { isAskError, isOutage } from '../../errors.ts'
import { createSingleFlight } from '../../resilience/single-flight.ts'
import { linkTo, type Workflow } from '../../tracing/workflow.ts'
import type { CacheEvents } from './answer-cache.ts'
import type { CacheableQuestion, ComputeOnce } from './compute-once.ts'
import { coalesced } from './replay.ts'
import type { Answer, AskEvent } from '../terms/answer.ts'
import type { Run } from '../terms/run.ts'
import { asWorkflow } from '../workflow.ts'

/**
 * Runs of the pipeline, shared among equal questions that are asked at the same time. A caller joins a run in flight, but
 * only those of its group join the run that it starts.
 */
export function createSharedRuns(
  computeOnce: ComputeOnce,
  events: Pick<CacheEvents, 'answerReused'>,
  groupOf: (run: Run) => string,
) {
  const flights = createSingleFlight<AskEvent, Workflow<AskEvent>>()
  let aloneCount = 0

  /**
   * A run shared with nobody. Like a shared run it does not wait for a slow reader, so that it frees its slot for
   * others; it buffers one answer at most.
   */
  async function* alone(run: Run, start: (own: Run) => AsyncIterable<AskEvent>): AsyncGenerator<AskEvent, void> {
    for await (const { item } of flights.join(`alone ${++aloneCount}`, run, signal =>
      asWorkflow(run, () => start({ ...run, signal })),
    ))
      yield item
  }

  /**
   * Equal questions at the same time share one run. A streamed run may break off in the middle where a buffered one
   * would have fallen back, so a caller that joined it and has shown nothing retries once.
   */
  async function* shared(asked: CacheableQuestion, run: Run, isFirstTry = true): AsyncGenerator<AskEvent, void> {
    let [isOwn, isJoined] = [false, false]
    const start = (signal: AbortSignal) => {
      isOwn = true
      return asWorkflow(run, () => computeOnce(asked, { ...run, signal }))
    }
    const { key } = asked.cacheKey
    try {
      for await (const { item, isShared } of flights.join(
        flights.has(key) ? key : key + groupOf(run),
        run,
        start,
        ({ spanContext }) => linkTo(spanContext),
      )) {
        isJoined = isShared
        if (isShared && item.type === 'done') countShared(item.answer)
        yield isShared ? coalesced(item) : item
      }
    } catch (error) {
      // A rejected run of another caller showed nothing, and it may have been rejected for being batch.
      const mayTryAgain = isAskError(error, 'overloaded') ? !isOwn : isJoined && !run.isStreamed && isOutage(error)
      if (!isFirstTry || !mayTryAgain || run.signal.aborted) throw error
      yield* shared(asked, run, false)
    }
  }

  function countShared(answer: Answer): void {
    const { status, tier = 'memory' } = answer.cache
    events.answerReused(status === 'miss' || status === 'bypass' ? 'coalesced' : status, tier, { answer, tookMs: 0 })
  }

  return { has: flights.has, alone, shared }
}

export type SharedRuns = ReturnType<typeof createSharedRuns>
