import { settingsFor } from '../../test/support/model-settings.ts'
import { startModel } from '../../test/support/model.ts'
import { startRedis } from '../../test/support/redis.ts'
import { randomOf } from '../retrieval/random.ts'
import { askAll, counted, createClient, type Asked } from './asking.ts'
import { permitQuestion } from './documents.ts'
import { atLeast, exactly, quantile, rounded } from './figures.ts'
import type { Keeper } from './keeper.ts'
import { serveAskwell } from './servers.ts'
import { permitCount, permits, type Outcome, type World } from './world.ts'

const connections = 20
/** Uncached questions only tell how long one takes and how many model calls: so many are enough. */
const sampled = 400

/** Questions as people ask them, few often and many seldom (Zipf, s = 1), of a model that takes 200 ms; with the cache and past it. */
export async function zipf({ settings, isQuick }: World, t: Keeper): Promise<Outcome> {
  const model = await startModel(t, { chat: { delayMs: 200 } })
  const { url } = await startRedis(t)
  const { address } = await serveAskwell(t, { ...settings, ...settingsFor(model, 'local'), REDIS_URL: url })
  const client = createClient(address)
  t.teardown(client.close)
  const run = async (name: string, count: number, headers?: Record<string, string>) => {
    const before = model.chat.requests.length
    const asked = await askAll(client, asPeopleAsk(count), connections, headers)
    return { name, asked, modelCalls: (model.chat.requests.length - before) / count }
  }
  const uncached = await run('uncached (Cache-Control: no-store)', isQuick ? 100 : sampled, {
    'cache-control': 'no-store',
  })
  const cached = await run('cached', 10_000)
  const all = [...uncached.asked, ...cached.asked]
  return {
    tables: [
      {
        title: `${permitCount} questions, Zipf with s = 1, ${connections} connections, model 200 ms`,
        rows: [uncached, cached].map(lineOf),
      },
    ],
    claims: [
      atLeast('zipf: hits of all questions', hitRate(cached.asked), 0.9),
      atLeast('zipf: model calls saved', 1 - cached.modelCalls / uncached.modelCalls, 0.9),
      atLeast('zipf: p50 lower, times', p50(uncached.asked) / p50(cached.asked), 20, 0),
      exactly('zipf: replies that are not 200', all.filter(({ status }) => status !== 200).length, 0),
    ],
  }
}

function lineOf({
  name,
  asked,
  modelCalls,
}: {
  readonly name: string
  readonly asked: readonly Asked[]
  readonly modelCalls: number
}): object {
  const ms = asked.map(each => each.ms)
  const cache = JSON.stringify(counted(asked.map(each => each.cache)))
  return {
    what: name,
    questions: asked.length,
    'model calls a question': rounded(modelCalls, 3),
    'p50, ms': rounded(quantile(ms, 0.5), 2),
    'p99, ms': rounded(quantile(ms, 0.99), 1),
    cache,
  }
}

/** Who waited for another's model call (coalesced) was spared a call, but not the wait: not a hit. */
function hitRate(asked: readonly Asked[]): number {
  return asked.filter(({ cache }) => cache === 'hit' || cache === 'near' || cache === 'stale').length / asked.length
}

function p50(asked: readonly Asked[]): number {
  return quantile(
    asked.map(({ ms }) => ms),
    0.5,
  )
}

/** The question of rank r comes 1/r as often as the first. */
export function asPeopleAsk(count: number, permitsAsked = permitCount): object[] {
  const random = randomOf(83, count)
  const weights = Array.from({ length: permitsAsked }, (_, rank) => 1 / (rank + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const pick = () => {
    let left = random.next() * total
    return Math.max(
      0,
      weights.findIndex(weight => (left -= weight) < 0),
    )
  }
  return Array.from({ length: count }, () => ({ question: permitQuestion(pick()), collection: permits }))
}
