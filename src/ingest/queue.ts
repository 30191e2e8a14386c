/** A bounded queue between a producer and a consumer. */
export interface Queue<T> extends AsyncIterable<T> {
  /** Resolves when there is room for more. */
  put(item: T, size: number): Promise<void>
  /** Closes the queue. A reason is thrown to the consumer after the remaining items. */
  end(reason?: unknown): void
}

/**
 * Creates a queue for one consumer. Producers wait while the sizes of the queued items add up to more than `maxSize`.
 */
export function createQueue<T>(maxSize: number): Queue<T> {
  const items: { readonly item: T; readonly size: number }[] = []
  let queued = 0
  let isEnded = false
  let failure: { readonly reason: unknown } | null = null
  let changed = Promise.withResolvers<void>()

  function change(): void {
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }

  async function put(item: T, size: number): Promise<void> {
    items.push({ item, size })
    queued += size
    change()
    while (queued > maxSize && !isEnded) await changed.promise
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
        queued -= first.size
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
