/** Stored data changes slowly. It is read more often while the monitoring is viewed: an operator may be fixing it. */
const everyMs = 10 * 60_000
const viewedEveryMs = 10_000
const viewedMs = 60_000
const timeoutMs = 2000

export interface StoredDataOptions {
  /** Counts the documents with more metadata than the limit allows today. */
  readonly countLargeMetadata: (signal: AbortSignal) => Promise<number>
  readonly now?: () => number
}

/** Facts about the stored documents, read in the background. */
export function createStoredData({ countLargeMetadata, now = () => performance.now() }: StoredDataOptions) {
  let count: number | null = null
  let [triedAt, viewedAt] = [-Infinity, -Infinity]
  let isReading = false

  /** Called regularly. */
  function beat(): void {
    const at = now()
    if (isReading || at - triedAt < (at - viewedAt < viewedMs ? viewedEveryMs : everyMs)) return
    triedAt = at
    isReading = true
    // Pings report an unresponsive database, so a failed read is ignored.
    countLargeMetadata(AbortSignal.timeout(timeoutMs))
      .then(
        found => void (count = found),
        () => {},
      )
      .finally(() => void (isReading = false))
  }

  /** `largeMetadata` is null when it was never read. */
  return { beat, facts: () => ({ largeMetadata: count }), markViewed: () => void (viewedAt = now()) }
}
