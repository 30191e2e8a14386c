import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { AskError } from '../../errors.ts'
import type { CacheEvents } from './answer-cache.ts'
import type { AskEvent } from '../terms/answer.ts'
import type { Run, RunLog } from '../terms/run.ts'

export interface Background {
  readonly log: RunLog
  /** Timeout of one run. */
  readonly timeoutMs: number
}

/** Pause after a failed refresh: nobody waits for it, and the dependency that failed needs time to recover. */
const pauseMs = 5000

export type Refreshing = ReturnType<typeof createRefreshing>

/** Background runs that no request waits for, one per key. `close` aborts them. */
export function createRefreshing({ log, timeoutMs }: Background, events: Pick<CacheEvents, 'answerRefreshed'>) {
  const running = new Map<string, Promise<void>>()
  const closing = new AbortController()
  let pausedUntil = -Infinity

  /** `start` returns the events of the run. */
  function refresh(key: string, start: (run: Run) => AsyncIterable<AskEvent>): void {
    if (running.has(key) || closing.signal.aborted || performance.now() < pausedUntil) return
    const run: Run = {
      id: 'refresh',
      signal: closing.signal,
      deadline: performance.now() + timeoutMs,
      log,
      isStreamed: false,
      priority: 'batch',
      cacheDirectives: { noCache: true },
      onStage() {},
    }
    // Gets its own trace: it is not part of the request that found it due.
    running.set(
      key,
      context
        .with(ROOT_CONTEXT, () => drained(start(run)))
        .then(finished, failed)
        .finally(() => running.delete(key)),
    )
  }

  function finished(isWhole: boolean): void {
    events.answerRefreshed(isWhole ? 'ok' : 'failed')
    if (!isWhole) pausedUntil = performance.now() + pauseMs
  }

  function failed(error: unknown): void {
    if (closing.signal.aborted) return
    finished(false)
    log.debug({ err: error }, 'a cached answer could not be refreshed: it is served until it expires')
  }

  async function close(): Promise<void> {
    closing.abort(new AskError('draining'))
    await Promise.allSettled(running.values())
  }

  return { refresh, close }
}

/** Consumes the events; false when the answer is degraded. */
async function drained(events: AsyncIterable<AskEvent>): Promise<boolean> {
  let isWhole = true
  for await (const event of events)
    if (event.type === 'done') isWhole = event.answer.degraded.every(reason => reason === 'cache')
  return isWhole
}
