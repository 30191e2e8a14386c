import type { LockWait, ServerConnections } from '../../adapters/postgres/server-connections.ts'

/** Read no more often than this; where a search seems to be stuck, than `suspectMs`. */
const everyMs = 5000
const suspectMs = 1500
/** Who looked so long ago looks no more. */
const lookedMs = 60_000
/** A lock that was seen is still the reason while the database is left alone: by then nothing waits for it any more. */
const lockKeptMs = 40_000
const limitMs = 2000

export interface ServerViewOptions {
  /** Null: there is no server of others. */
  readonly read: (signal: AbortSignal) => Promise<ServerConnections | null>
  readonly now?: () => number
}

/** What the database server itself says of its connections, read in the background and only while it is of use. */
export function createServerView({ read, now = () => performance.now() }: ServerViewOptions) {
  let known: { readonly at: number; readonly server: ServerConnections } | null = null
  let locked: { readonly at: number; readonly lock: LockWait } | null = null
  let triedAt = -Infinity
  let lookedAt = -Infinity
  let isReading = false

  /** Called every so often; `isSuspect`: something is stuck that the server may know the reason of. */
  function beat(isSuspect: boolean): void {
    const at = now()
    if (isReading || (!isSuspect && at - lookedAt > lookedMs) || at - triedAt < (isSuspect ? suspectMs : everyMs))
      return
    triedAt = at
    isReading = true
    void readOnce(at).finally(() => void (isReading = false))
  }

  async function readOnce(at: number): Promise<void> {
    try {
      const server = await read(AbortSignal.timeout(limitMs))
      if (server === null) return
      known = { at, server }
      if (server.lock !== null) locked = { at, lock: server.lock }
    } catch {
      // That it does not answer is known by its pulse; what was read before is shown with its age.
    }
  }

  function facts(isLeftAlone: boolean) {
    const at = now()
    const isLockKnown = locked !== null && at - locked.at < (isLeftAlone ? lockKeptMs : 2 * everyMs)
    const isGone = !isLeftAlone && known !== null && known.at > (locked?.at ?? 0)
    return {
      server: known && { ...known.server, ageMs: at - known.at },
      lock: isLockKnown && !isGone ? (locked?.lock ?? null) : null,
    }
  }

  return { beat, facts, looked: () => void (lookedAt = now()) }
}
