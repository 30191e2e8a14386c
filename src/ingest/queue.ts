/** What one side puts and another takes, in order. */
export interface Queue<T> extends AsyncIterable<T> {
  /** Resolves when there is room for more: at once, or when enough was taken. */
  put(item: T, size: number): Promise<void>
  /** There is no more; with a reason, whoever takes gets that when all before is taken. */
  end(reason?: unknown): void
}

/** Holds about `most` of what sizes add up to; whoever puts more waits. One taker. */
export function createQueue<T>(most: number): Queue<T> {
  const items: { readonly item: T; readonly size: number }[] = []
  let held = 0
  let isEnded = false
  let failure: { readonly reason: unknown } | null = null
  let changed = Promise.withResolvers<void>()

  function change(): void {
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }

  async function put(item: T, size: number): Promise<void> {
    items.push({ item, size })
    held += size
    change()
    while (held > most && !isEnded) await changed.promise
  }

  function end(reason?: unknown): void {
    if (isEnded) return
    isEnded = true
    if (reason !== undefined) failure = { reason }
    change()
  }

  async function* take(): AsyncGenerator<T> {
    for (;;) {
      const first = items.shift()
      if (first !== undefined) {
        held -= first.size
        change()
        yield first.item
      } else if (isEnded) {
        if (failure) throw failure.reason
        return
      } else {
        await changed.promise
      }
    }
  }

  return { put, end, [Symbol.asyncIterator]: take }
}
