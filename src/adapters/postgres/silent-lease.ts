import type { Backend, BackendState } from './backends.ts'
import type { Traffic } from './line.ts'

/** The parts of a leased connection that are watched. */
export interface WatchedConnection {
  readonly backend: Backend | null
  readonly traffic: Traffic | null
}

export interface SilenceOptions {
  readonly stateOf: (backend: Backend) => Promise<BackendState>
  readonly silentMs: number
  /** The server has lost this connection. */
  readonly onDead: () => void
}

/** A statement may take minutes, so the checks get less frequent, up to this interval. */
const longestMs = 30_000

/**
 * Detects connections that were cut off silently, for example by a gateway that dropped its state: nothing notifies the
 * waiting side. If a lease receives nothing, the server is asked through another connection. The connection is dead if
 * the server has no such backend, or repeatedly reports one that waits for us while we wait for it: our message did not
 * arrive. A server that is working is waited for, and so is one that does not reply.
 */
export function watchSilence(
  connection: WatchedConnection,
  { stateOf, silentMs, onDead }: SilenceOptions,
): { stop(): void } {
  let isStopped = false
  let lastTraffic = trafficOf(connection)
  let idleReports = 0
  let pauseMs = silentMs
  let timer = setTimeout(() => void check(), pauseMs).unref()

  async function check(): Promise<void> {
    const { backend } = connection
    if (backend === null || hasNewTraffic() || !connection.traffic?.isAwaited) return checkAfter(silentMs)
    const state = await stateOf(backend).catch(() => null)
    if (isStopped) return
    if (hasNewTraffic()) return checkAfter(silentMs)
    idleReports = state === 'idle' ? idleReports + 1 : 0
    // A single idle report may be a reply in transit.
    if (state === 'gone' || idleReports >= 2) return onDead()
    checkAfter(state === 'idle' ? silentMs : Math.min(longestMs, pauseMs * 2))
  }

  function hasNewTraffic(): boolean {
    const now = trafficOf(connection)
    const isSame = now === lastTraffic
    lastTraffic = now
    if (!isSame) idleReports = 0
    return !isSame
  }

  function checkAfter(ms: number): void {
    pauseMs = ms
    if (!isStopped) timer = setTimeout(() => void check(), pauseMs).unref()
  }

  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

function trafficOf({ traffic }: WatchedConnection): string {
  return traffic ? `${traffic.read} ${traffic.unsent}` : ''
}
