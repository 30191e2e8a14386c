/** What is left to do for a collection: nothing, or something that cannot be done before `retryMs`. */
export type UpkeepOutcome = 'done' | 'later'

export interface UpkeepOptions {
  /** Quiet time after the last write before a collection is looked at: most work pays only after all of the writes. */
  readonly quietMs: number
  /** Pause before a collection that failed, or is to be looked at later, has its next turn. Null waits for a write. */
  readonly retryMs: number | null
  /**
   * Does what the collection needs, or finds that it needs nothing. Replicas agree in the database on the one that does
   * it: the others return `later`.
   */
  readonly maintain: (collection: string, signal: AbortSignal) => Promise<UpkeepOutcome>
  /** Not called for what ends because the service does. No collection: they could not be listed. */
  readonly onFailure: (error: unknown, collection: string | undefined) => void
}

export interface Upkeep {
  /** Gives each collection a turn soon: for work that an earlier process has left. */
  start(list: (signal: AbortSignal) => Promise<readonly { readonly name: string }[]>): void
  /** Call this after a write to the collection. */
  written(collection: string): void
  /** Aborts work under way; the next start or write begins it again. */
  close(): Promise<void>
}

/** Work in the background for stored documents, one collection at a time. Nobody waits for it. */
export function openUpkeep({ quietMs, retryMs, maintain, onFailure }: UpkeepOptions): Upkeep {
  const stop = new AbortController()
  const { signal } = stop
  const due = new Map<string, NodeJS.Timeout>()
  let last: Promise<void> = Promise.resolve()

  function enqueue(collection: string | undefined, work: () => Promise<void>): void {
    last = last.then(async () => {
      if (signal.aborted) return
      try {
        await work()
      } catch (error) {
        if (signal.aborted) return
        onFailure(error, collection)
        scheduleRetry(collection)
      }
    })
  }

  function schedule(collection: string, ms: number): void {
    if (signal.aborted) return
    clearTimeout(due.get(collection))
    due.set(
      collection,
      setTimeout(() => {
        due.delete(collection)
        enqueue(collection, async () => {
          if ((await maintain(collection, signal)) === 'later') scheduleRetry(collection)
        })
      }, ms).unref(),
    )
  }

  /** A write that came meanwhile has a turn of its own. */
  function scheduleRetry(collection: string | undefined): void {
    if (collection !== undefined && retryMs !== null && !due.has(collection)) schedule(collection, retryMs)
  }

  function start(list: (signal: AbortSignal) => Promise<readonly { readonly name: string }[]>): void {
    enqueue(undefined, async () => {
      for (const { name } of await list(signal)) schedule(name, 0)
    })
  }

  async function close(): Promise<void> {
    stop.abort(new Error('the service is shutting down'))
    for (const timer of due.values()) clearTimeout(timer)
    await last
  }

  return { start, written: collection => schedule(collection, quietMs), close }
}
