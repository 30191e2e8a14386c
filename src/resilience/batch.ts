/** How a batch is run. */
export interface BatchOptions<Item, Result> {
  /** One result an item, in order. */
  readonly run: (items: readonly Item[], signal: AbortSignal) => Promise<readonly Result[]>
  readonly maxItems: number
  /** Whether a failure may be one item's fault: each item is then tried alone, so that one cannot fail the rest. */
  readonly isItemFault?: (error: unknown) => boolean
}

interface Caller<Item, Result> {
  readonly item: Item
  readonly signal: AbortSignal
  readonly resolve: (result: Result) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Calls made at the same moment share one run. A caller who aborts gets its signal's reason at once and the
 * others still get their results; the run is aborted when every caller has left.
 */
export function createBatch<Item, Result>({ run, maxItems, isItemFault = () => false }: BatchOptions<Item, Result>) {
  let waiting: Caller<Item, Result>[] = []

  function batch(item: Item, signal: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      // After the I/O events that are already due: what arrives at the same moment comes along.
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ item, signal, resolve, reject })
    })
  }

  function flush() {
    const callers = waiting
    waiting = []
    for (let i = 0; i < callers.length; i += maxItems) void share(callers.slice(i, i + maxItems))
  }

  async function share(everyone: readonly Caller<Item, Result>[]): Promise<void> {
    const callers = everyone.filter(caller => stays(caller))
    if (callers.length === 0) return
    const crew = watchLeavers(callers)
    try {
      const results = await run(
        callers.map(caller => caller.item),
        crew.signal,
      )
      if (results.length !== callers.length)
        throw new RangeError(`${results.length} results for ${callers.length} items`)
      callers.forEach((caller, i) => caller.resolve(results[i]!))
    } catch (error) {
      if (callers.length > 1 && isItemFault(error)) await Promise.all(callers.map(caller => share([caller])))
      else for (const caller of callers) caller.reject(error)
    } finally {
      crew.stop()
    }
  }

  return batch
}

function stays<Item, Result>({ signal, reject }: Caller<Item, Result>): boolean {
  if (signal.aborted) reject(signal.reason)
  return !signal.aborted
}

/** Rejects each caller who leaves; its signal aborts when none is left. */
function watchLeavers<Item, Result>(callers: readonly Caller<Item, Result>[]) {
  const controller = new AbortController()
  let left = callers.length
  const stops = callers.map(({ signal, reject }) => {
    const leave = () => {
      reject(signal.reason)
      if (--left === 0) controller.abort(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    return () => signal.removeEventListener('abort', leave)
  })
  return { signal: controller.signal, stop: () => stops.forEach(stop => stop()) }
}
