/** Whoever waits, and for whom. */
export interface Waiting {
  /** Requests of one caller wait for each other; callers take turns. */
  readonly caller: string
}

/** An item in the line of its caller, linked to its neighbours. */
interface Node<Item> {
  readonly item: Item
  readonly line: Line<Item>
  older: Node<Item> | undefined
  newer: Node<Item> | undefined
}

interface Line<Item> {
  oldest: Node<Item> | undefined
  newest: Node<Item> | undefined
  size: number
}

/**
 * A queue in which callers take turns, so that a flood of requests of one caller delays its own requests only. Each
 * caller's requests are served in the order of arrival, unless the newest is asked for.
 */
export function createFairQueue<Item extends Waiting>() {
  /** The caller whose turn is next comes first. */
  const lines = new Map<string, Line<Item>>()
  /** Lines are linked lists, so that an item can leave from any position, and both ends are known. */
  const nodes = new Map<Item, Node<Item>>()

  function add(item: Item): void {
    let line = lines.get(item.caller)
    if (!line) lines.set(item.caller, (line = { oldest: undefined, newest: undefined, size: 0 }))
    const node: Node<Item> = { item, line, older: line.newest, newer: undefined }
    if (line.newest) line.newest.newer = node
    line.oldest ??= node
    line.newest = node
    line.size++
    nodes.set(item, node)
  }

  function remove(item: Item): void {
    const node = nodes.get(item)
    if (!node) return
    nodes.delete(item)
    const { line, older, newer } = node
    if (older) older.newer = newer
    else line.oldest = newer
    if (newer) newer.older = older
    else line.newest = older
    line.size--
    if (line.size === 0) lines.delete(item.caller)
  }

  /** Removes and returns the next item. `isNewestFirst` decides for the line whose turn it is, given its oldest item. */
  function take(isNewestFirst: (oldest: Item) => boolean = () => false): Item | undefined {
    for (const [caller, line] of lines) {
      const oldest = line.oldest!.item
      const item = isNewestFirst(oldest) ? line.newest!.item : oldest
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
    if (lines.size <= 1 && own > 1) return nodes.size
    let count = 0
    for (const line of lines.values()) count += Math.min(line.size, own)
    return count
  }

  /** The newest item of the caller with the most items; undefined if `caller` itself has as many. */
  function newestOfLongest(caller: string): Item | undefined {
    let longest: Line<Item> | undefined
    for (const line of lines.values()) if (!longest || line.size > longest.size) longest = line
    return longest && longest.size > (lines.get(caller)?.size ?? 0) + 1 ? longest.newest!.item : undefined
  }

  /** All items in the order in which they will be served. */
  function inOrder(): Item[] {
    const items: Item[] = []
    // Skips lines that are used up: one long line and many short ones must not cost their product.
    let rest = Array.from(lines.values(), ({ oldest }) => oldest!)
    while (rest.length > 0) {
      for (const { item } of rest) items.push(item)
      rest = rest.map(({ newer }) => newer).filter(newer => newer !== undefined)
    }
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
      return nodes.size
    },
  }
}

export type FairQueue<Item extends Waiting> = ReturnType<typeof createFairQueue<Item>>
