import type { Backend, BackendState } from './backends.ts'
import type { Traffic } from './line.ts'

/** What of a leased connection is looked at here. */
export interface Heard {
  readonly backend: Backend | null
  readonly traffic: Traffic | null
}

export interface SilenceOptions {
  readonly stateOf: (backend: Backend) => Promise<BackendState>
  readonly silentMs: number
  /** The server does not hear this connection, or has none like it. */
  readonly onDead: () => void
}

/** A statement may take minutes: it is asked about less and less often. */
const longestMs = 30_000

/**
 * A connection may be cut off without a word, as by a gateway that forgot it: nothing tells the one who waits. Where a lease
 * hears nothing, the server is asked by another connection. It has no such backend, or one that waits for us again and again
 * while we wait for it: then what we wrote did not arrive. A server that works is waited for, one that says nothing as well.
 */
export function watchSilence(connection: Heard, { stateOf, silentMs, onDead }: SilenceOptions): { stop(): void } {
  let isStopped = false
  let heard = trafficOf(connection)
  let idle = 0
  let pauseMs = silentMs
  let timer = setTimeout(() => void look(), pauseMs).unref()

  async function look(): Promise<void> {
    const { backend } = connection
    if (backend === null || isHeard() || !connection.traffic?.isAwaited) return again(silentMs)
    const state = await stateOf(backend).catch(() => null)
    if (isStopped) return
    if (isHeard()) return again(silentMs)
    idle = state === 'idle' ? idle + 1 : 0
    // Once may be an answer that is on its way.
    if (state === 'gone' || idle >= 2) return onDead()
    again(state === 'idle' ? silentMs : Math.min(longestMs, pauseMs * 2))
  }

  function isHeard(): boolean {
    const now = trafficOf(connection)
    const isSame = now === heard
    heard = now
    if (!isSame) idle = 0
    return !isSame
  }

  function again(ms: number): void {
    pauseMs = ms
    if (!isStopped) timer = setTimeout(() => void look(), pauseMs).unref()
  }

  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

function trafficOf({ traffic }: Heard): string {
  return traffic ? `${traffic.read} ${traffic.unsent}` : ''
}
