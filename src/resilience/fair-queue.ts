/** Whoever waits, and for whom. */
export interface Waiting {
  /** Requests of one caller wait for each other; callers take turns. */
  readonly caller: string
}

/**
 * A queue in which callers take turns, so that a flood of requests of one caller delays its own requests only. Each
 * caller's requests are served in the order of arrival, unless the newest is asked for.
 */
export function createFairQueue<Item extends Waiting>() {
  /** The caller whose turn is next comes first. */
  const lines = new Map<string, Set<Item>>()
  let size = 0

  function add(item: Item): void {
    const line = lines.get(item.caller)
    if (line) line.add(item)
    else lines.set(item.caller, new Set([item]))
    size++
  }

  function remove(item: Item): void {
    const line = lines.get(item.caller)
    if (!line?.delete(item)) return
    size--
    if (line.size === 0) lines.delete(item.caller)
  }

  /** Removes and returns the next item. `isNewestFirst` decides for the line whose turn it is, given its oldest item. */
  function take(isNewestFirst: (oldest: Item) => boolean = () => false): Item | undefined {
    for (const [caller, line] of lines) {
      const [oldest] = line as Set<Item> & Iterable<Item, undefined>
      const item = isNewestFirst(oldest!) ? lastOf(line) : oldest!
      remove(item)
      // Its next turn comes after everyone else's.
      if (lines.delete(caller)) lines.set(caller, line)
      return item
    }
    return undefined
  }

  /** How many would be served before a new item of this caller. */
  function ahead(caller: string): number {
    const own = (lines.get(caller)?.size ?? 0) + 1
    if (lines.size <= 1 && own > 1) return size
    let count = 0
    for (const line of lines.values()) count += Math.min(line.size, own)
    return count
  }

  /** The newest item of the caller with the most items; undefined if `caller` itself has as many. */
  function newestOfLongest(caller: string): Item | undefined {
    let longest: Set<Item> | undefined
    for (const line of lines.values()) if (!longest || line.size > longest.size) longest = line
    return longest && longest.size > (lines.get(caller)?.size ?? 0) + 1 ? lastOf(longest) : undefined
  }

  /** All items in the order in which they will be served. */
  function inOrder(): Item[] {
    const items: Item[] = []
    // Skips lines that are used up: one long line and many short ones must not cost their product.
    let rest = Array.from(lines.values(), line => line.values())
    while (rest.length > 0)
      rest = rest.filter(line => {
        const { value } = line.next()
        if (value !== undefined) items.push(value)
        return value !== undefined
      })
    return items
  }

  return {
    add,
    remove,
    take,
    ahead,
    newestOfLongest,
    inOrder,
    get size() {
      return size
    },
  }
}

export type FairQueue<Item extends Waiting> = ReturnType<typeof createFairQueue<Item>>

function lastOf<Item>(items: ReadonlySet<Item>): Item {
  return [...items].at(-1)!
}
