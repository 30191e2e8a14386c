import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { AskError } from '../../errors.ts'
import type { CacheCounts } from './answer-cache.ts'
import type { AskEvent, Run, RunLog } from '../terms.ts'

export interface Background {
  readonly log: RunLog
  /** For one run. */
  readonly timeoutMs: number
}

/** After one that failed none is tried for so long: it is made for nobody, and whoever failed needs rest. */
const pauseMs = 5000

export type Refreshing = ReturnType<typeof createRefreshing>

/** Runs that no request waits for, one a key. `close` aborts them. */
export function createRefreshing({ log, timeoutMs }: Background, counts: Pick<CacheCounts, 'refreshed'>) {
  const running = new Map<string, Promise<void>>()
  const closing = new AbortController()
  let pausedUntil = -Infinity

  /** `begin` gives the events of the run. */
  function refresh(key: string, begin: (run: Run) => AsyncIterable<AskEvent>): void {
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
    // Not part of the request that happened to find it due: a trace of its own.
    running.set(
      key,
      context
        .with(ROOT_CONTEXT, () => drained(begin(run)))
        .then(told, failed)
        .finally(() => running.delete(key)),
    )
  }

  function told(isWhole: boolean): void {
    counts.refreshed(isWhole ? 'ok' : 'failed')
    if (!isWhole) pausedUntil = performance.now() + pauseMs
  }

  function failed(error: unknown): void {
    if (closing.signal.aborted) return
    told(false)
    log.debug({ err: error }, 'a cached answer could not be refreshed: it is served until it expires')
  }

  async function close(): Promise<void> {
    closing.abort(new AskError('draining'))
    await Promise.allSettled(running.values())
  }

  return { refresh, close }
}

/** False: it ended with an answer that lacks something. */
async function drained(events: AsyncIterable<AskEvent>): Promise<boolean> {
  let isWhole = true
  for await (const event of events)
    if (event.type === 'done') isWhole = event.answer.degraded.every(reason => reason === 'cache')
  return isWhole
}
