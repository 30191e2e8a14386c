import { setTimeout as sleepFor } from 'node:timers/promises'
import { startDeadline, systemClock, type Clock } from '../deadline.ts'
import { createBatchSize, type BatchSize } from './size.ts'
import { createBatchTurns, type BatchTurns } from './turns.ts'

/**
 * What an error says about a batch:
 *
 * - `late`: it took too long;
 * - `too_large`: it has too many items, or is too long;
 * - `busy`: the server takes no more for now, and again after `pauseMs` if it says so;
 * - `passing`: the server failed, and may not the next time;
 * - `final`: trying again is no use.
 */
export interface BatchFault {
  readonly kind: 'late' | 'too_large' | 'busy' | 'passing' | 'final'
  readonly pauseMs?: number | undefined
}

export interface LoadBatchesOptions<Item, Result> {
  /** Must return one result per item, in order, and end soon after the signal aborts. */
  readonly run: (items: readonly Item[], signal: AbortSignal) => Promise<readonly Result[]>
  readonly read: (error: unknown) => BatchFault
  /** What the time of an item is proportional to. */
  readonly weigh: (item: Item) => number
  readonly mostItems: number
  readonly mostWeight: number
  /** Longest time of a batch. */
  readonly timeoutMs: number
  /** Resolves when no work that goes first is under way. Awaited before each batch. */
  readonly yieldTo?: (signal: AbortSignal) => Promise<void>
  /** How long a batch is to take. */
  readonly aimMs: () => number
  readonly clock?: Clock
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface LoadCall {
  /** Longest wait for a server that is busy, since its last reply. 0, the default: none, its error is thrown at once. */
  readonly patienceMs?: () => number
  /** Called after each batch with its number of items. */
  readonly onDone?: (items: number) => void
  /** Called before each wait, and with 0 before a batch that took too long is tried again with fewer items. */
  readonly onWait?: (ms: number, error: unknown) => void
}

const firstItems = 8
/** Of one item that takes too long. The server may still be busy with a batch that nobody waits for any more. */
const mostLateAlone = 3
/** Batches in a row, for a caller that waits for no server. */
const mostLateWithoutPatience = 3
/** Waits after failures in a row; then the failure is final. */
const failurePausesMs = [1000, 2000, 4000]
const shortestBusyMs = 1000
const longestBusyMs = 60_000

const sleepUnless = async (ms: number, signal: AbortSignal) => await sleepFor(ms, undefined, { signal })

/**
 * Runs many items through a server in batches whose size follows how quick it is. A batch that takes too long is
 * aborted and tried again in smaller ones, one that is too large in halves; a busy server is waited for. Results are in
 * the order of the items. Rejects with the error of `run`, or the signal's reason.
 */
export function createLoadBatches<Item, Result>(options: LoadBatchesOptions<Item, Result>) {
  const { run, read, weigh, timeoutMs, yieldTo, clock = systemClock, sleep = sleepUnless } = options
  const size = createBatchSize({ ...options, firstItems })
  const turns = createBatchTurns(clock)

  /** One request, bounded in time. */
  async function attempt(batch: readonly Item[], signal: AbortSignal, isLast: boolean): Promise<readonly Result[]> {
    const turn = await turns.enter(signal)
    let msPerWeight: number | undefined
    try {
      await yieldTo?.(signal)
      const limit = startDeadline('a batch', timeoutMs, signal, clock)
      const startedAt = clock.now()
      try {
        const results = await run(batch, limit.signal)
        const ms = clock.now() - startedAt
        msPerWeight = ms / batch.reduce((sum, item) => sum + weigh(item), 0)
        size.succeeded(batch, ms, isLast)
        return results
      } finally {
        limit.stop()
      }
    } finally {
      turn.leave(msPerWeight)
    }
  }

  /** A batch that is too large is tried again in halves. If both succeed, it had too many items. */
  async function fitting(batch: readonly Item[], signal: AbortSignal, isLast: boolean): Promise<readonly Result[]> {
    try {
      return await attempt(batch, signal, isLast)
    } catch (error) {
      if (signal.aborted || batch.length === 1 || read(error).kind !== 'too_large') throw error
    }
    const middle = Math.ceil(batch.length / 2)
    const results: Result[] = []
    for (const half of [batch.slice(0, middle), batch.slice(middle)])
      results.push(...(await fitting(half, signal, true)))
    size.limit(middle)
    return results
  }

  return async function load(items: readonly Item[], signal: AbortSignal, call: LoadCall = {}): Promise<Result[]> {
    const results: Result[] = []
    const recovery = createRecovery(call, { size, turns, read, sleep })
    while (results.length < items.length) {
      signal.throwIfAborted()
      const batch = size.next(items, results.length)
      const isLast = results.length + batch.length === items.length
      try {
        for (const result of await fitting(batch, signal, isLast)) results.push(result)
        recovery.succeeded()
        call.onDone?.(batch.length)
      } catch (error) {
        signal.throwIfAborted()
        await recovery.failed(error, batch, signal)
      }
    }
    return results
  }
}

interface RecoveryParts<Item> {
  readonly size: BatchSize<Item>
  readonly turns: BatchTurns
  readonly read: (error: unknown) => BatchFault
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

const noFailures = { failures: 0, late: 0, lateAlone: 0, waitedMs: 0, busyMs: shortestBusyMs }

/** Decides after each batch that failed whether it is tried again, and waits until then; otherwise throws its error. */
function createRecovery<Item>(
  { patienceMs = () => 0, onWait }: LoadCall,
  { size, turns, read, sleep }: RecoveryParts<Item>,
) {
  /** Since the last batch that succeeded. */
  let since = noFailures

  async function wait(ms: number, error: unknown, signal: AbortSignal): Promise<void> {
    onWait?.(ms, error)
    await sleep(ms, signal)
  }

  async function failed(error: unknown, batch: readonly Item[], signal: AbortSignal): Promise<void> {
    const { kind, pauseMs } = read(error)
    if (kind === 'late') return late(error, batch)
    if (kind === 'busy') return await busy(error, pauseMs, signal)
    const pause = failurePausesMs[since.failures]
    if (kind !== 'passing' || pause === undefined || patienceMs() === 0) throw error
    since = { ...since, failures: since.failures + 1 }
    await wait(pause, error, signal)
  }

  function late(error: unknown, batch: readonly Item[]): void {
    since = { ...since, late: since.late + 1, lateAlone: since.lateAlone + (batch.length === 1 ? 1 : 0) }
    const isInVain = patienceMs() === 0 && since.late === mostLateWithoutPatience
    if (since.lateAlone === mostLateAlone || isInVain) throw error
    size.late(batch)
    turns.narrow()
    onWait?.(0, error)
  }

  async function busy(error: unknown, pauseMs: number | undefined, signal: AbortSignal): Promise<void> {
    const { busyMs } = since
    // Some servers say 0, which would be asked for again and again.
    const ms = Math.min(longestBusyMs, pauseMs || busyMs)
    if (since.waitedMs + ms > patienceMs()) throw error
    since = { ...since, waitedMs: since.waitedMs + ms, busyMs: busyMs * 2 }
    turns.narrow()
    await wait(ms, error, signal)
  }

  return { failed, succeeded: () => void (since = noFailures) }
}
