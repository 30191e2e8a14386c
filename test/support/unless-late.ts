import type { Reply } from './app.ts'
import { until } from './until.ts'

/**
 * The reply to a question that has little time on purpose. Where the machine let that time run out by itself (504, or an
 * error at the end of a stream) it is asked again; a service that never answers in time fails the wait.
 */
export async function unlessLate(ask: () => Promise<Reply>): Promise<Reply> {
  return await until('it is answered in time', async () => {
    const reply = await ask()
    return reply.status === 504 || /^event: error\ndata: .*"deadline_exceeded"/m.test(reply.text) ? null : reply
  })
}
