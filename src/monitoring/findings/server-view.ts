import type { LockWait, ServerConnections } from '../../adapters/postgres/server-connections.ts'

/** Minimum interval between reads, and the shorter one while a search seems stuck. */
const everyMs = 5000
const suspectMs = 1500
/** The view is read only if a client asked for the monitoring within this time. */
const viewedMs = 60_000
/** While the breaker is open, no query waits for the lock, but a lock seen this recently is still the cause. */
const lockValidMs = 40_000
const timeoutMs = 2000

export interface ServerViewOptions {
  /** Resolves to null for the embedded database. */
  readonly read: (signal: AbortSignal) => Promise<ServerConnections | null>
  readonly now?: () => number
}

/** The database server's own view of its connections, read in the background and only while it is needed. */
export function createServerView({ read, now = () => performance.now() }: ServerViewOptions) {
  let known: { readonly at: number; readonly server: ServerConnections } | null = null
  let locked: { readonly at: number; readonly lock: LockWait } | null = null
  let triedAt = -Infinity
  let viewedAt = -Infinity
  let isReading = false

  /** Called regularly. `isSuspect` means that something is stuck and the server may know why. */
  function beat(isSuspect: boolean): void {
    const at = now()
    if (isReading || (!isSuspect && at - viewedAt > viewedMs) || at - triedAt < (isSuspect ? suspectMs : everyMs))
      return
    triedAt = at
    isReading = true
    void readOnce(at).finally(() => void (isReading = false))
  }

  async function readOnce(at: number): Promise<void> {
    try {
      const server = await read(AbortSignal.timeout(timeoutMs))
      if (server === null) return
      known = { at, server }
      if (server.lock !== null) locked = { at, lock: server.lock }
    } catch {
      // Pings report an unresponsive database. The previous values are shown with their age.
    }
  }

  function facts(isBreakerOpen: boolean) {
    const at = now()
    const isLockKnown = locked !== null && at - locked.at < (isBreakerOpen ? lockValidMs : 2 * everyMs)
    const isGone = !isBreakerOpen && known !== null && known.at > (locked?.at ?? 0)
    return {
      server: known && { ...known.server, ageMs: at - known.at },
      lock: isLockKnown && !isGone ? (locked?.lock ?? null) : null,
    }
  }

  return { beat, facts, markViewed: () => void (viewedAt = now()) }
}
