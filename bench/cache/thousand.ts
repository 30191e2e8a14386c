import { settingsFor } from '../../test/support/model-settings.ts'
import { startModel } from '../../test/support/model.ts'
import { startRedis } from '../../test/support/redis.ts'
import { askAll, counted, createClient } from './asking.ts'
import { permitQuestion } from './documents.ts'
import { exactly, quantile, rounded } from './figures.ts'
import type { Keeper } from './keeper.ts'
import { otherCores } from './program.ts'
import { counterOf } from './scrape.ts'
import { serveAskwell, type Served } from './servers.ts'
import { permits, type Outcome, type World } from './world.ts'

const atOnce = 500

/** A thousand equal questions at the same moment, half of them to each of two processes with one Redis: one model call. */
export async function thousand({ settings, isQuick }: World, t: Keeper): Promise<Outcome> {
  const model = await startModel(t, { chat: { delayMs: 200 } })
  const { url } = await startRedis(t)
  const own = { ...settings, ...settingsFor(model, 'local'), REDIS_URL: url }
  const servers = [await serveAskwell(t, own), await serveAskwell(t, own, { cores: otherCores })]
  const clients = servers.map(({ address }) => createClient(address))
  t.teardown(() => clients.forEach(client => client.close()))
  const rows = []
  for (let number = 0; number < (isQuick ? 2 : 5); number++) {
    const body = { question: permitQuestion(number), collection: permits }
    const before = model.chat.requests.length
    const lateBefore = await lateReplies(servers)
    const replies = (
      await Promise.all(clients.map(client => askAll(client, Array(atOnce).fill(body) as object[], atOnce)))
    ).flat()
    rows.push({
      'model calls': model.chat.requests.length - before,
      not200: replies.filter(({ status }) => status !== 200).length,
      'last reply after, ms': rounded(
        quantile(
          replies.map(({ ms }) => ms),
          1,
        ),
        0,
      ),
      statuses: JSON.stringify(counted(replies.map(({ status }) => status))),
      'late replies of Redis': (await lateReplies(servers)) - lateBefore,
      cache: JSON.stringify(counted(replies.map(({ cache }) => cache))),
    })
  }
  return {
    tables: [{ title: 'a thousand equal questions at once, two processes, a row a question', rows }],
    claims: [
      exactly(
        'thousand: most model calls of any of the questions',
        Math.max(...rows.map(row => row['model calls'])),
        1,
      ),
      exactly(
        'thousand: replies that are not 200',
        rows.reduce((sum, row) => sum + row.not200, 0),
        0,
      ),
    ],
  }
}

/** Who gets no reply in time goes on without Redis: a second model call has its reason here. */
async function lateReplies(servers: readonly Served[]): Promise<number> {
  const counts = await Promise.all(servers.map(({ address }) => counterOf(address, 'askwell_redis_failures_total')))
  return counts.reduce((sum, count) => sum + count, 0)
}
