/**
 * What is left to do for a collection: nothing, more in its next turn, or something that cannot be done before `retryMs`.
 */
export type UpkeepOutcome = 'done' | 'more' | 'later'

export interface UpkeepOptions {
  /** Quiet time after the last write before a collection is looked at: most work pays only after all of the writes. */
  readonly quietMs: number
  /** After the first of several writes it is looked at the latest, however little time is between them. */
  readonly longestMs: number
  /**
   * Pause before a collection that failed, or is to be looked at later, has its next turn; doubled with each failure.
   * Null waits for a write.
   */
  readonly retryMs: number | null
  /** The pause doubles up to this one. A day by default: an attempt may cost calls to a model. */
  readonly longestRetryMs?: number
  /**
   * Does what the collection needs, or finds that it needs nothing. Replicas agree in the database on the one that does
   * it: the others return `later`.
   */
  readonly maintain: (collection: string, signal: AbortSignal) => Promise<UpkeepOutcome>
  /** Not called for what ends because the service does. */
  readonly onFailure: (error: unknown, about: UpkeepFailure) => void
}

export interface UpkeepFailure {
  /** Absent when the collections could not be listed. */
  readonly collection?: string
  /** Until the next attempt; absent when only a write leads to one. */
  readonly pauseMs?: number
}

export type ListCollections = (signal: AbortSignal) => Promise<readonly { readonly name: string }[]>

export interface Upkeep {
  /** Gives each collection a turn soon: for work that an earlier process has left. */
  start(list: ListCollections): void
  /** As `start`, except that a collection keeps a turn that it has already. A list that fails is not reported. */
  look(list: ListCollections): void
  /** Call this after a write to the collection. */
  written(collection: string): void
  /** Aborts work under way; the next start or write begins it again. */
  close(): Promise<void>
}

const dayMs = 86_400_000

/** Work in the background for stored documents, one collection at a time. Nobody waits for it. */
export function openCollectionUpkeep(options: UpkeepOptions): Upkeep {
  const { quietMs, longestMs, retryMs, longestRetryMs = dayMs, maintain, onFailure } = options
  const stop = new AbortController()
  const { signal } = stop
  const due = new Map<string, { readonly timer: NodeJS.Timeout; readonly latest: number }>()
  const failures = new Map<string, number>()
  let last: Promise<void> = Promise.resolve()

  function enqueue(work: () => Promise<void>, onError: (error: unknown) => void): void {
    last = last.then(async () => {
      if (signal.aborted) return
      try {
        await work()
      } catch (error) {
        if (!signal.aborted) onError(error)
      }
    })
  }

  function schedule(collection: string, ms: number, mostMs = ms): void {
    if (signal.aborted) return
    const now = performance.now()
    const { timer: before, latest = now + mostMs } = due.get(collection) ?? {}
    clearTimeout(before)
    const turn = () => {
      due.delete(collection)
      enqueue(
        () => maintainOne(collection),
        error => failed(collection, error),
      )
    }
    due.set(collection, { timer: setTimeout(turn, Math.min(ms, latest - now)).unref(), latest })
  }

  async function maintainOne(collection: string): Promise<void> {
    const outcome = await maintain(collection, signal)
    failures.delete(collection)
    if (outcome === 'later') scheduleRetry(collection, retryMs)
    if (outcome === 'more') scheduleRetry(collection, 0)
  }

  function failed(collection: string, error: unknown): void {
    const count = failures.get(collection) ?? 0
    failures.set(collection, count + 1)
    const pauseMs = retryMs === null ? null : Math.min(longestRetryMs, retryMs * 2 ** count)
    onFailure(error, { collection, ...(pauseMs !== null && { pauseMs }) })
    scheduleRetry(collection, pauseMs)
  }

  /** A write that came meanwhile has a turn of its own. */
  function scheduleRetry(collection: string, pauseMs: number | null): void {
    if (pauseMs !== null && !due.has(collection)) schedule(collection, pauseMs)
  }

  function start(list: ListCollections): void {
    enqueue(
      async () => {
        for (const { name } of await list(signal)) schedule(name, 0)
      },
      error => onFailure(error, {}),
    )
  }

  function look(list: ListCollections): void {
    enqueue(
      async () => {
        for (const { name } of await list(signal)) scheduleRetry(name, 0)
      },
      () => {},
    )
  }

  async function close(): Promise<void> {
    stop.abort(new Error('the service is shutting down'))
    for (const { timer } of due.values()) clearTimeout(timer)
    await last
  }

  return { start, look, written: collection => schedule(collection, quietMs, longestMs), close }
}
