import { openClient } from './postgres-client.ts'

/** What the triggers of `collections` say a collection's name on (sql/000003_caches.sql). */
const channel = 'askwell_collection'
const retryMs = 500

/**
 * A connection of its own that hears of changed collections; `onCollection` without a name: something may have been
 * missed. Not with the driver's `listen`, which gives up when its first try to connect again fails.
 */
export function watchCollections(url: string, onCollection: (name?: string) => void): { close(): Promise<void> } {
  let isClosed = false
  let retry: NodeJS.Timeout | undefined
  const onNotify = (from: string, name: string) => void (from === channel && onCollection(name))
  const client = openClient(url, { name: 'askwell watch', statementTimeoutMs: 0, onClose: later, onNotify })
  void listen()

  async function listen(): Promise<void> {
    try {
      await client.sql.unsafe(`listen ${channel}`)
      onCollection()
    } catch {
      later()
    }
  }

  function later(): void {
    clearTimeout(retry)
    if (!isClosed) retry = setTimeout(() => void listen(), retryMs).unref()
  }

  return {
    async close() {
      isClosed = true
      clearTimeout(retry)
      await client.end(1000)
    },
  }
}
