import { openClient } from './client.ts'
import { codeOf } from './errors.ts'
import type { Servers } from './servers.ts'

/** Channel on which the triggers of `collections` send a collection's name (sql/000003_caches.sql). */
const channel = 'askwell_collection'
const retryMs = 500
/** A standby sends no notifications. LISTEN is retried in case it has been promoted. */
const standbyRetryMs = 3000

export interface CollectionWatch {
  /** Listens on a new connection and reports that changes may have been missed. */
  renew(): void
  close(): Promise<void>
}

/**
 * A separate connection that listens for changed collections. `onCollection` without a name means that changes may have
 * been missed. The driver's `listen` is not used because it gives up if its first attempt to reconnect fails.
 */
export function watchCollections(servers: Servers, onCollection: (name?: string) => void): CollectionWatch {
  let isClosed = false
  let retry: NodeJS.Timeout | undefined
  const onNotify = (channelName: string, name: string) => void (channelName === channel && onCollection(name))
  const client = openClient(servers, {
    name: 'askwell watch',
    statementTimeoutMs: 0,
    onClose: () => listenLater(retryMs),
    onNotify,
  })
  void listen()

  async function listen(): Promise<void> {
    try {
      await client.sql.unsafe(`listen ${channel}`)
      onCollection()
    } catch (error) {
      listenLater(codeOf(error) === '25006' ? standbyRetryMs : retryMs)
    }
  }

  function listenLater(ms: number): void {
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
