import { AskError, isAskError } from '../errors.ts'

export interface IdleLimits {
  /** Longest wait for a sign of life from the server, in milliseconds. */
  readonly silenceMs: number
  /** The same until the reply has begun; `silenceMs` when absent. */
  readonly silenceBeforeMs?: number
  /** Longest wait for the first item, whatever signs of life come before it; unlimited when absent. */
  readonly firstItemMs?: number
  /**
   * Called once, when the reply begins, with the longest time without a sign of life before; or when a limit or the
   * deadline of the caller expires before that (`isCut`).
   */
  readonly onBegun?: (longestMs: number, isCut: boolean) => void
}

/** How the work that is waited for reports what no item shows. */
export interface Pulse {
  /** Something came from the server, so it is alive. */
  alive(): void
  /** The reply itself has begun. An item implies that. */
  begun(): void
}

/**
 * Yields the items of `open`. If the server is silent for too long, its signal aborts with `deadline_exceeded`.
 * This covers servers that accept a request and never reply, or stop in the middle without closing.
 */
export async function* withIdleTimeout<T>(
  server: string,
  { silenceMs, silenceBeforeMs = silenceMs, firstItemMs, onBegun = () => {} }: IdleLimits,
  signal: AbortSignal,
  open: (signal: AbortSignal, pulse: Pulse) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const controller = new AbortController()
  if (signal.aborted) controller.abort(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  let hasBegun = false
  let lastAt = performance.now()
  let longestMs = 0
  let timer = setTimeout(expire, silenceBeforeMs)
  const firstItem = firstItemMs === undefined ? undefined : setTimeout(expireFirst, firstItemMs)

  function expire(): void {
    end(`${server} sent nothing for ${(hasBegun ? silenceMs : silenceBeforeMs) / 1000} s`)
  }
  function expireFirst(): void {
    end(`${server} sent no word of its answer for ${Number(firstItemMs) / 1000} s`)
  }
  function leave(): void {
    if (isAskError(signal.reason, 'deadline_exceeded')) cut()
    controller.abort(signal.reason)
  }
  function end(detail: string): void {
    cut()
    controller.abort(new AskError('deadline_exceeded', { detail }))
  }
  function cut(): void {
    if (!hasBegun) onBegun(longestSoFar(), true)
    hasBegun = true
  }
  function longestSoFar(): number {
    return Math.max(longestMs, performance.now() - lastAt)
  }

  const pulse: Pulse = {
    alive() {
      timer.refresh()
      if (hasBegun) return
      longestMs = longestSoFar()
      lastAt = performance.now()
    },
    begun() {
      if (hasBegun) return
      hasBegun = true
      onBegun(longestSoFar(), false)
      clearTimeout(timer)
      timer = setTimeout(expire, silenceMs)
    },
  }
  try {
    for await (const item of open(controller.signal, pulse)) {
      pulse.begun()
      // Time spent by the consumer is not idle time of the server.
      clearTimeout(timer)
      clearTimeout(firstItem)
      yield item
      timer = setTimeout(expire, silenceMs)
    }
  } finally {
    clearTimeout(timer)
    clearTimeout(firstItem)
    signal.removeEventListener('abort', leave)
  }
}
