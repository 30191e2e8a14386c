import { AskError } from '../../errors.ts'
import type { Backend, BackendState } from './backends.ts'
import type { Traffic } from './line.ts'
import { watchSilence } from './silent-lease.ts'
import type { PoolFigures } from './pool-figures.ts'

/** Whose the lease is. */
export interface WatchTerms {
  readonly signal: AbortSignal
  readonly label: string
}

/** What of a leased connection is looked at here. */
export interface Watched {
  /** Behind it now; null: not known. */
  readonly backend: Backend | null
  readonly traffic: Traffic | null
  isDead: boolean
  destroy(): void
}

export interface WatchOptions {
  /** Absent where the server cannot end a query (embedded): it can neither be told nor left, and is waited for. */
  readonly cancelBackend: ((pid: number, backend: Backend) => Promise<void>) | undefined
  /** Asks the server, by another connection, what a backend does. Absent: who is silent is waited for. */
  readonly stateOf?: ((backend: Backend) => Promise<BackendState>) | undefined
  /** Without a byte, before the server is asked about the backend. */
  readonly silentMs: number
  /** From a cancel until the connection is given up. */
  readonly graceMs: number
  readonly limitMs: number
  readonly figures: PoolFigures
}

/** After the loss of a connection, for whoever holds it to see it by a statement of theirs. */
const lostMs = 250

/**
 * Watches one lease: tells the backend to cancel when the signal aborts or the lease is out for too long, and gives the
 * connection up when the server does not hear. `givenUp` rejects then; `stop` must be awaited before it is given back.
 */
export function watchLease(
  connection: Watched,
  { signal, label }: WatchTerms,
  { cancelBackend, stateOf, silentMs, graceMs, limitMs, figures }: WatchOptions,
) {
  const { totals } = figures
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  givenUp.catch(() => {})
  let cancelling: Promise<void> | undefined
  let grace: NodeJS.Timeout | undefined
  let orphaned: NodeJS.Timeout | undefined

  function giveUp(): void {
    totals.destroyed++
    totals.invalidated++
    connection.isDead = true
    connection.destroy()
    cancelling = undefined
    figures.failed('silent')
    reject(new AskError('database_unavailable', { detail: 'the database does not answer', retryAfter: 1 }))
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
   * The connection was closed. Statements reject by themselves; but the driver forgets some that it had not sent yet, and
   * the end of a COPY.
   */
  function lost(): void {
    connection.isDead = true
    orphaned ??= setTimeout(
      () => reject(new AskError('database_unavailable', { detail: 'the database connection was lost', retryAfter: 1 })),
      lostMs,
    )
  }

  function onOverdue(): void {
    totals.overdue++
    figures.overdue(label, limitMs)
    cancel()
  }

  async function stop(): Promise<void> {
    clearTimeout(overdue)
    clearTimeout(orphaned)
    silence?.stop()
    signal.removeEventListener('abort', cancel)
    // A cancel still on its way must not hit the next holder's query. Its own failure changes nothing here.
    await Promise.race([cancelling?.catch(() => {}), givenUp.catch(() => {})])
    clearTimeout(grace)
  }

  const overdue = limitMs === Infinity ? undefined : setTimeout(onOverdue, limitMs).unref()
  const silence = stateOf && watchSilence(connection, { stateOf, silentMs, onDead: giveUp })
  signal.addEventListener('abort', cancel, { once: true })
  return { givenUp, lost, stop }
}
