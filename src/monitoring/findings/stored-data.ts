/** What was stored changes slowly; while somebody looks, who may be mending it, it is read more often. */
const everyMs = 10 * 60_000
const lookedEveryMs = 10_000
const lookedMs = 60_000
const limitMs = 2000

export interface StoredDataOptions {
  /** Documents with more metadata than is stored by now. */
  readonly countLargeMetadata: (signal: AbortSignal) => Promise<number>
  readonly now?: () => number
}

/** What is to be known of the stored documents, read in the background. */
export function createStoredData({ countLargeMetadata, now = () => performance.now() }: StoredDataOptions) {
  let count: number | null = null
  let [triedAt, lookedAt] = [-Infinity, -Infinity]
  let isReading = false

  /** Called every so often. */
  function beat(): void {
    const at = now()
    if (isReading || at - triedAt < (at - lookedAt < lookedMs ? lookedEveryMs : everyMs)) return
    triedAt = at
    isReading = true
    // That the database does not answer is known by its pulse.
    countLargeMetadata(AbortSignal.timeout(limitMs))
      .then(
        found => void (count = found),
        () => {},
      )
      .finally(() => void (isReading = false))
  }

  /** `largeMetadata`: null when it was never read. */
  return { beat, facts: () => ({ largeMetadata: count }), looked: () => void (lookedAt = now()) }
}
