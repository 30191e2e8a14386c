import { AskError } from '../errors.ts'

/**
 * What `open` gives, as long as no wait for its next item is longer than `ms`: then its signal aborts, with
 * `deadline_exceeded`. For servers that take a request and say nothing, or stop in the middle, without closing.
 */
export async function* withIdleTimeout<T>(
  who: string,
  ms: number,
  signal: AbortSignal,
  open: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const controller = new AbortController()
  const silent = () =>
    controller.abort(new AskError('deadline_exceeded', { detail: `${who} said nothing for ${ms / 1000} s` }))
  const leave = () => controller.abort(signal.reason)
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  let timer = setTimeout(silent, ms)
  try {
    for await (const item of open(controller.signal)) {
      clearTimeout(timer) // what the reader takes is not the server's silence
      yield item
      timer = setTimeout(silent, ms)
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  }
}
