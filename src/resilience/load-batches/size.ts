/** How many items the next batch may have. */
export interface BatchSize<Item> {
  /** The items from `from` on that make the next batch: at least one. */
  next(items: readonly Item[], from: number): readonly Item[]
  /** Learns from a batch that took `ms`. `isLast`: no more items were there to fill it. */
  succeeded(batch: readonly Item[], ms: number, isLast: boolean): void
  /** The batch took too long: the next ones are half as large, and single items when that was too long as well. */
  late(batch: readonly Item[]): void
  /** No batch may have more items than this from now on. */
  limit(count: number): void
}

export interface BatchSizeOptions<Item> {
  /** What the time of an item is proportional to. */
  readonly weigh: (item: Item) => number
  readonly firstItems: number
  readonly mostItems: number
  readonly mostWeight: number
  /** How long a batch is to take, in milliseconds. */
  readonly aimMs: () => number
}

const mostGrowth = 2

/**
 * Sizes batches by weight, because a sentence takes a model a tenth of the time of a paragraph. Begins small, grows at
 * most twofold from one batch to the next until a batch takes `aimMs`, and shrinks to that at once where it takes
 * longer.
 */
export function createBatchSize<Item>(options: BatchSizeOptions<Item>): BatchSize<Item> {
  const { weigh, firstItems, mostWeight, aimMs } = options
  let { mostItems } = options
  /** Null until the first batch. */
  let room: number | null = null
  let lateInARow = 0

  function next(items: readonly Item[], from: number): readonly Item[] {
    const most = room === null ? Math.min(firstItems, mostItems) : mostItems
    const weightLimit = Math.min(mostWeight, room ?? Infinity)
    let [end, weight] = [from, 0]
    while (end < items.length && end - from < most) {
      weight += weigh(items[end]!)
      if (weight > weightLimit && end > from) break
      end += 1
    }
    return items.slice(from, end)
  }

  const weightOf = (batch: readonly Item[]) => batch.reduce((sum, item) => sum + weigh(item), 0)

  function succeeded(batch: readonly Item[], ms: number, isLast: boolean): void {
    lateInARow = 0
    const fitting = weightOf(batch) * Math.min(mostGrowth, aimMs() / Math.max(1, ms))
    // A batch that is small because no more items were there does not say that larger ones are too slow.
    if (!isLast || ms > aimMs()) room = fitting
    else if (room !== null) room = Math.max(room, fitting)
  }

  function late(batch: readonly Item[]): void {
    lateInARow += 1
    room = lateInARow === 1 ? weightOf(batch) / 2 : 1
  }

  return { next, succeeded, late, limit: count => void (mostItems = Math.max(1, Math.min(mostItems, count))) }
}
