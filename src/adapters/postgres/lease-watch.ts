import { AskError } from '../../errors.ts'
import type { Backend, BackendState } from './backends.ts'
import type { Traffic } from './line.ts'
import { watchSilence } from './silent-lease.ts'
import type { PoolEvents } from './pool-terms.ts'
import type { PoolTotals } from './pool-totals.ts'

/** Terms of the lease. */
export interface WatchTerms {
  readonly signal: AbortSignal
  readonly label: string
}

/** The parts of a leased connection that are watched. */
export interface Watched {
  /** The current backend; null when unknown. */
  readonly backend: Backend | null
  readonly traffic: Traffic | null
  isDead: boolean
  destroy(): void
}

export interface WatchOptions {
  /** Absent if the server cannot cancel a query (embedded): the lease then waits for the query to end. */
  readonly cancelBackend: ((pid: number, backend: Backend) => Promise<void>) | undefined
  /** Asks the server through another connection what a backend does. If absent, silent connections are waited for. */
  readonly stateOf?: ((backend: Backend) => Promise<BackendState>) | undefined
  /** Time without traffic before the server is asked about the backend. */
  readonly silentMs: number
  /** Time from a cancel until the connection is destroyed. */
  readonly graceMs: number
  readonly limitMs: number
  readonly events: Pick<PoolEvents, 'connectionOverdue' | 'databaseFailed'>
  readonly totals: PoolTotals
}

/** Time after a connection is lost in which the holder may notice it through a statement of its own. */
const lostMs = 250

/**
 * Watches one lease. It cancels the query when the signal aborts or the lease is overdue, and destroys the connection
 * if the server does not react. `givenUp` then rejects. `stop` must be awaited before the connection is returned.
 */
export function watchLease(
  connection: Watched,
  { signal, label }: WatchTerms,
  { cancelBackend, stateOf, silentMs, graceMs, limitMs, events, totals }: WatchOptions,
) {
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  givenUp.catch(() => {})
  let cancelling: Promise<void> | undefined
  let grace: NodeJS.Timeout | undefined
  let lostTimer: NodeJS.Timeout | undefined

  function giveUp(): void {
    totals.destroyed++
    totals.invalidated++
    connection.isDead = true
    connection.destroy()
    cancelling = undefined
    events.databaseFailed('silent')
    reject(
      new AskError('database_unavailable', {
        detail: 'The database does not respond; try again shortly.',
        retryAfter: 1,
      }),
    )
  }

  function cancel(): void {
    if (cancelling || grace || !cancelBackend) return
    totals.cancels++
    if (connection.backend === null) return giveUp()
    cancelling = cancelBackend(connection.backend.pid, connection.backend)
    cancelling.catch(() => {})
    grace = setTimeout(giveUp, graceMs)
  }

  /**
   * Called when the connection was closed. Statements reject by themselves, but the driver drops some that it had not
   * sent yet, and the end of a COPY.
   */
  function lost(): void {
    connection.isDead = true
    lostTimer ??= setTimeout(
      () =>
        reject(
          new AskError('database_unavailable', {
            detail: 'The database connection was lost; try again.',
            retryAfter: 1,
          }),
        ),
      lostMs,
    )
  }

  function onOverdue(): void {
    totals.overdue++
    events.connectionOverdue(label, limitMs)
    cancel()
  }

  async function stop(): Promise<void> {
    clearTimeout(overdue)
    clearTimeout(lostTimer)
    silence?.stop()
    signal.removeEventListener('abort', cancel)
    // A cancel in flight must not hit the next holder's query. Its own failure does not matter here.
    await Promise.race([cancelling?.catch(() => {}), givenUp.catch(() => {})])
    clearTimeout(grace)
  }

  const overdue = limitMs === Infinity ? undefined : setTimeout(onOverdue, limitMs).unref()
  const silence = stateOf && watchSilence(connection, { stateOf, silentMs, onDead: giveUp })
  signal.addEventListener('abort', cancel, { once: true })
  return { givenUp, lost, stop }
}
