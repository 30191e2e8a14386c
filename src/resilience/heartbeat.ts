import { withTimeout } from './with-timeout.ts'

export interface HeartbeatOptions {
  /** True: it answers. Never more than one is under way. */
  readonly ping: () => Promise<boolean>
  readonly onChange: (isDown: boolean) => void
  readonly intervalMs?: number
  /** A reply later than this counts as none. */
  readonly limitMs?: number
}

/** In a row; one may be lost in a busy moment. */
const missesAllowed = 1

/**
 * Asks a server whether it is there, also when nobody else does: its death is known before the next request meets it,
 * and its return without one that must try. `onChange` is told of changes; it begins as up.
 */
export function createHeartbeat({ ping, onChange, intervalMs = 500, limitMs = 1000 }: HeartbeatOptions) {
  let isDown = false
  let misses = 0
  let asked: Promise<boolean> | undefined
  let isStopped = false
  let missedBy: unknown
  let timer = setTimeout(beat, intervalMs).unref()

  async function beat(): Promise<void> {
    const isThere = await withTimeout(limitMs, (asked ??= ask())).catch((error: unknown) => {
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
      asked = undefined
    }
  }

  function stop(): void {
    isStopped = true
    clearTimeout(timer)
  }

  /** `missedBy`: what the last ping that was missed failed by: what it rejected with, or a LateReply. */
  return { isDown: () => isDown, missedBy: () => missedBy, stop }
}
