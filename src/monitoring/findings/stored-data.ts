/** Stored data changes slowly. It is read more often while the monitoring is viewed: an operator may be fixing it. */
const everyMs = 10 * 60_000
const viewedEveryMs = 10_000
const viewedMs = 60_000
const timeoutMs = 2000

type Count = (signal: AbortSignal) => Promise<number>

export interface StoredDataOptions {
  /** Counts the documents with more metadata than the limit allows today. */
  readonly countLargeMetadata: Count
  /** Counts the documents that an older version prepared, or other chunk settings. */
  readonly countOutdated: Count
  /** Counts the chunks whose units are still to be embedded in the background. */
  readonly countUnitsBehind: Count
  /** Counts the collections whose embedding model makes other vectors today than those that they have. */
  readonly countChangedModels: Count
  readonly now?: () => number
}

/** Facts about the stored documents, read in the background. */
export function createStoredData({
  countLargeMetadata,
  countOutdated,
  countUnitsBehind,
  countChangedModels,
  now = () => performance.now(),
}: StoredDataOptions) {
  let largeMetadata: number | null = null
  let outdated: number | null = null
  let unitsBehind: number | null = null
  let changedModels: number | null = null
  let [triedAt, viewedAt] = [-Infinity, -Infinity]
  let isReading = false

  /** Called regularly. */
  function beat(): void {
    const at = now()
    if (isReading || at - triedAt < (at - viewedAt < viewedMs ? viewedEveryMs : everyMs)) return
    triedAt = at
    isReading = true
    void read().finally(() => void (isReading = false))
  }

  async function read(): Promise<void> {
    largeMetadata = await newer(countLargeMetadata, largeMetadata)
    outdated = await newer(countOutdated, outdated)
    unitsBehind = await newer(countUnitsBehind, unitsBehind)
    changedModels = await newer(countChangedModels, changedModels)
  }

  /** Counts are null when they were never read. */
  return {
    beat,
    facts: () => ({ largeMetadata, outdated, unitsBehind, changedModels }),
    markViewed: () => void (viewedAt = now()),
    /** Reads with the next beat: something has changed. */
    doubt: () => void (triedAt = -Infinity),
  }
}

/** Pings report an unresponsive database, so a failed read is ignored. */
async function newer<T>(count: Count, before: T): Promise<number | T> {
  return await count(AbortSignal.timeout(timeoutMs)).catch(() => before)
}
