export interface BatchOptions<Item, Result> {
  /** Must return one result per item, in the order of the items. */
  readonly run: (items: readonly Item[], signal: AbortSignal) => Promise<readonly Result[]>
  readonly maxItems: number
  /** Whether one item may have caused the failure. Each item is then tried alone, so that one cannot fail the rest. */
  readonly isItemFault?: (error: unknown) => boolean
}

interface Caller<Item, Result> {
  readonly item: Item
  readonly signal: AbortSignal
  readonly resolve: (result: Result) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Calls made at the same moment share one run. A caller that aborts gets its signal's reason immediately and the others
 * still get their results. The run itself is aborted once every caller has left.
 */
export function createBatch<Item, Result>({ run, maxItems, isItemFault = () => false }: BatchOptions<Item, Result>) {
  let waiting: Caller<Item, Result>[] = []

  function batch(item: Item, signal: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      // Wait for the I/O events that are already due, so that calls arriving at the same moment join.
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ item, signal, resolve, reject })
    })
  }

  function flush() {
    const callers = waiting
    waiting = []
    for (let i = 0; i < callers.length; i += maxItems) void share(callers.slice(i, i + maxItems))
  }

  async function share(group: readonly Caller<Item, Result>[]): Promise<void> {
    const callers = group.filter(caller => isWaiting(caller))
    if (callers.length === 0) return
    const aborts = watchAborts(callers)
    try {
      const results = await run(
        callers.map(caller => caller.item),
        aborts.signal,
      )
      if (results.length !== callers.length)
        throw new RangeError(`${results.length} results for ${callers.length} items`)
      callers.forEach((caller, i) => caller.resolve(results[i]!))
    } catch (error) {
      if (callers.length > 1 && isItemFault(error)) await Promise.all(callers.map(caller => share([caller])))
      else for (const caller of callers) caller.reject(error)
    } finally {
      aborts.stop()
    }
  }

  return batch
}

function isWaiting<Item, Result>({ signal, reject }: Caller<Item, Result>): boolean {
  if (signal.aborted) reject(signal.reason)
  return !signal.aborted
}

/** Rejects each caller that aborts; `signal` aborts when the last one has. */
function watchAborts<Item, Result>(callers: readonly Caller<Item, Result>[]) {
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
