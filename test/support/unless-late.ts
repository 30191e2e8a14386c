import type { Reply } from './app.ts'
import { sseEvents } from './sse.ts'
import { until } from './until.ts'

/**
 * Returns the reply to a request with a short deadline, whose answer is degraded by `provoked`. On a busy machine the
 * deadline may expire anyway: the reply is then a 504, a stream that ends with an error, or also degraded in another
 * way, and the request is repeated. A service that never answers in time fails the wait.
 */
export async function unlessLate(provoked: string, ask: () => Promise<Reply>): Promise<Reply> {
  return await until('it is answered in time', async () => {
    const reply = await ask()
    return isLate(reply) || degradedOf(reply).some(each => each !== provoked) ? null : reply
  })
}

function isLate({ status, text }: Reply): boolean {
  return status === 504 || /^event: error\ndata: .*"deadline_exceeded"/m.test(text)
}

function degradedOf({ json, text }: Reply): readonly string[] {
  return (json ?? sseEvents(text).at(-1)?.data)?.degraded ?? []
}
