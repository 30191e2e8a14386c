import { AskError } from '../errors.ts'

/**
 * Yields the items of `open`. If the wait for the next item exceeds `ms`, its signal aborts with `deadline_exceeded`.
 * This covers servers that accept a request and never reply, or stop in the middle without closing.
 */
export async function* withIdleTimeout<T>(
  server: string,
  ms: number,
  signal: AbortSignal,
  open: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const controller = new AbortController()
  const expire = () =>
    controller.abort(new AskError('deadline_exceeded', { detail: `${server} sent nothing for ${ms / 1000} s` }))
  const leave = () => controller.abort(signal.reason)
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  let timer = setTimeout(expire, ms)
  try {
    for await (const item of open(controller.signal)) {
      clearTimeout(timer) // time spent by the consumer is not idle time of the server
      yield item
      timer = setTimeout(expire, ms)
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  }
}
