import { startCollector } from '../../test/support/collector.ts'
import { startRedis } from '../../test/support/redis.ts'
import { hotQuestion } from './documents.ts'
import { atLeast, atMost } from './figures.ts'
import type { Keeper } from './keeper.ts'
import { addedByOneConnection } from './one-connection.ts'
import { remembering, serveBare, type Settings } from './servers.ts'
import { inTurns, lineOf, type Subject } from './turns.ts'
import type { Outcome, World } from './world.ts'

/** Answers from memory, with everything of Askwell switched on, beside a bare Fastify route; and what each thing costs. */
export async function hot({ settings, isQuick }: World, t: Keeper): Promise<Outcome> {
  const { traces, redis } = await surroundings(t)
  const all = { ...settings, ...traces }
  const [long, short] = isQuick ? [2, 1] : [5, 3]
  const first = await remembering(t, all, hotQuestion, { tier: 'memory' })
  const served = async (name: string, own: Settings, seconds = short): Promise<Subject> => ({
    name,
    seconds,
    served: (await remembering(t, own, hotQuestion, { tier: 'memory' })).served,
  })
  const bare = { name: 'bare Fastify', seconds: long, served: await serveBare(t, first.reply) }
  const others = [
    { name: 'all on', seconds: long, served: first.served },
    await served('all on, limit in Redis', { ...all, ...redis }, long),
  ]
  if (!isQuick)
    others.push(
      await served('without rate limit', { ...all, RATE_LIMIT: '0' }),
      await served('without log', { ...all, LOG_LEVEL: 'silent' }),
      await served('without traces', settings),
      await served('without all three', { ...settings, RATE_LIMIT: '0', LOG_LEVEL: 'silent' }),
    )
  const compared = await inTurns(bare, others, hotQuestion, isQuick ? 2 : 5)
  const one = await addedByOneConnection(bare.served, first.served, hotQuestion, isQuick ? 3 : 9)
  const [, on, inRedis] = compared
  return {
    tables: [
      { title: 'answers from memory, 50 connections', rows: compared.map(lineOf) },
      { title: 'one connection', rows: [one] },
    ],
    claims: [
      atLeast('hot: requests a second, of a bare route', on!.ratio, 0.55),
      atLeast('hot: the same by processor time', on!.cpuRatio, 0.55),
      atLeast('hot: requests a second with limits counted in Redis, of a bare route', inRedis!.ratio, 0.55),
      atLeast('hot: the same by processor time', inRedis!.cpuRatio, 0.55),
      atMost('hot: p50 added over bare with one connection, ms', one.addedMs, 0.15),
    ],
  }
}

/** Traces of one request in a hundred are sent to a collector; limits are counted in Redis where its settings are added. */
export async function surroundings(t: Keeper): Promise<{ traces: Settings; redis: Settings }> {
  const collector = await startCollector(t)
  const redis = await startRedis(t)
  return {
    traces: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.01',
    },
    redis: { REDIS_URL: redis.url },
  }
}
