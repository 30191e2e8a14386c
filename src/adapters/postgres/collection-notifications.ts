import { openClient } from './client.ts'
import { codeOf } from './errors.ts'
import type { Servers } from './servers.ts'

/** What the triggers of `collections` say a collection's name on (sql/000003_caches.sql). */
const channel = 'askwell_collection'
const retryMs = 500
/** A standby does not tell of changes: it is asked again for the time when it is one no more. */
const standbyRetryMs = 3000

export interface CollectionWatch {
  /** Listens on a new connection, and says that something may have been missed. */
  renew(): void
  close(): Promise<void>
}

/**
 * A connection of its own that hears of changed collections; `onCollection` without a name: something may have been
 * missed. Not with the driver's `listen`, which gives up when its first try to connect again fails.
 */
export function watchCollections(servers: Servers, onCollection: (name?: string) => void): CollectionWatch {
  let isClosed = false
  let retry: NodeJS.Timeout | undefined
  const onNotify = (from: string, name: string) => void (from === channel && onCollection(name))
  const client = openClient(servers, {
    name: 'askwell watch',
    statementTimeoutMs: 0,
    onClose: () => later(retryMs),
    onNotify,
  })
  void listen()

  async function listen(): Promise<void> {
    try {
      await client.sql.unsafe(`listen ${channel}`)
      onCollection()
    } catch (error) {
      later(codeOf(error) === '25006' ? standbyRetryMs : retryMs)
    }
  }

  function later(ms: number): void {
    clearTimeout(retry)
    if (!isClosed) retry = setTimeout(() => void listen(), ms).unref()
  }

  return {
    renew() {
      client.renew()
      void listen()
    },
    async close() {
      isClosed = true
      clearTimeout(retry)
      await client.end(1000)
    },
  }
}
