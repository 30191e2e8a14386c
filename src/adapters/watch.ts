import postgres from 'postgres'

/** What the triggers of `collections` say a collection's name on (sql/000003_caches.sql). */
const channel = 'askwell_collection'
const retryMs = 500

/** The driver's types leave this one out. */
interface WatchOptions extends postgres.Options<Record<string, never>> {
  readonly onnotify: (channel: string, payload: string) => void
}

/**
 * A connection of its own that hears of changed collections; `onCollection` without a name: something may have been
 * missed. Not with the driver's `listen`, which gives up when its first try to connect again fails.
 */
export function watchCollections(url: string, onCollection: (name?: string) => void): { close(): Promise<void> } {
  let isClosed = false
  let retry: NodeJS.Timeout | undefined
  const options: WatchOptions = {
    max: 1,
    idle_timeout: undefined,
    max_lifetime: null,
    fetch_types: false,
    connect_timeout: 5,
    connection: { application_name: 'askwell watch' },
    onnotify: (from, name) => void (from === channel && onCollection(name)),
    onclose: later,
    onnotice() {},
  }
  const sql = postgres(url, options)
  void listen()

  async function listen(): Promise<void> {
    try {
      await sql.unsafe(`listen ${channel}`)
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
      await sql.end({ timeout: 1 }).catch(() => {})
    },
  }
}
