interface Waiter {
  readonly key: string | number
  readonly begin: () => void
}

export interface Turns {
  /** Resolves as `work` does; rejects with the signal's reason if that aborts before its turn. */
  run<T>(key: string | number, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/**
 * Runs one piece of work per key at a time, and at most `atOnce` altogether; the rest waits in the order of arrival. For
 * work that would otherwise wait for a lock while it holds a connection.
 */
export function createTurns(atOnce: number): Turns {
  const running = new Set<string | number>()
  const waiting = new Set<Waiter>()

  function beginNext(): void {
    for (const waiter of waiting) {
      if (running.size >= atOnce) return
      if (!running.has(waiter.key)) waiter.begin()
    }
  }

  async function turn(key: string | number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (running.size < atOnce && !running.has(key)) return void running.add(key)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const end = () => {
      waiting.delete(waiter)
      signal.removeEventListener('abort', onAbort)
    }
    const onAbort = () => (end(), reject(signal.reason))
    const waiter: Waiter = { key, begin: () => (end(), running.add(key), resolve()) }
    waiting.add(waiter)
    signal.addEventListener('abort', onAbort, { once: true })
    await promise
  }

  return {
    async run(key, signal, work) {
      await turn(key, signal)
      try {
        return await work()
      } finally {
        running.delete(key)
        beginNext()
      }
    },
  }
}
