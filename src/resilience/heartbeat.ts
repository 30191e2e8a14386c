import { withTimeout } from './with-timeout.ts'

export interface HeartbeatOptions {
  /** Resolves to true if the server answers. At most one ping is in flight. */
  readonly ping: () => Promise<boolean>
  readonly onChange: (isDown: boolean) => void
  readonly intervalMs?: number
  /** A reply that takes longer counts as missed. */
  readonly limitMs?: number
}

/** Misses in a row that are tolerated: one may be lost in a busy moment. */
const missesAllowed = 1

/**
 * Pings a server even when there is no traffic, so an outage is known before the next request meets it, and so is the
 * recovery. `onChange` is called on every change; the initial state is up.
 */
export function createHeartbeat({ ping, onChange, intervalMs = 500, limitMs = 1000 }: HeartbeatOptions) {
  let isDown = false
  let misses = 0
  let pending: Promise<boolean> | undefined
  let isStopped = false
  let missedBy: unknown
  let timer = setTimeout(beat, intervalMs).unref()

  async function beat(): Promise<void> {
    const isThere = await withTimeout(limitMs, (pending ??= ask())).catch((error: unknown) => {
      missedBy = error
      return false
    })
    if (isStopped) return
    misses = isThere ? 0 : misses + 1
    if (isDown !== misses > missesAllowed) onChange((isDown = !isDown))
    timer = setTimeout(beat, intervalMs).unref()
  }

  async function ask(): Promise<boolean> {
    try {
      return await ping()
    } catch (error) {
      missedBy = error
      return false
    } finally {
      pending = undefined
    }
  }

  function stop(): void {
    isStopped = true
    clearTimeout(timer)
  }

  /** `missedBy` returns what the last missed ping rejected with, or a LateReply. */
  return { isDown: () => isDown, missedBy: () => missedBy, stop }
}
