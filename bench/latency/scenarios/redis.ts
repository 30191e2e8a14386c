import { startRedis } from '../../../test/support/redis.ts'
import { hotQuestion } from '../../cache/documents.ts'
import { atLeast, median } from '../../cache/figures.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { remembering, serveBare } from '../../cache/servers.ts'
import { interleaved, warmed } from '../../support/interleave.ts'
import { cpuUs, curveOf, lineOf, perSecond, ratioOf, shotsOf } from '../shots.ts'
import { asking } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'

/** Answers that only Redis has: a process without a memory tier, beside a bare Fastify route. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const { url } = await startRedis(t)
  const { served, reply } = await remembering(
    t,
    { ...world.settings(t), REDIS_URL: url, ANSWER_CACHE_MB: '0' },
    hotQuestion,
    { tier: 'redis' },
  )
  const crowd = { connections: 50, seconds: world.seconds }
  const control = asking('bare Fastify', await serveBare(t, reply), hotQuestion, crowd)
  const subject = asking('from Redis', served, hotQuestion, crowd)
  await warmed([control, subject])
  const turns = await interleaved(control, [subject], world.turns)
  const figures = [
    ratioOf(turns, 'from Redis', perSecond, { name: 'redis: requests a second, of bare Fastify', better: 'more' }),
    ratioOf(turns, 'from Redis', cpuUs, { name: 'redis: processor time, of bare Fastify', better: 'less' }),
  ]
  return {
    tables: [
      {
        title: 'answers from Redis alone, 50 connections',
        rows: [lineOf('bare Fastify', shotsOf(turns)), lineOf('from Redis', shotsOf(turns, 'from Redis'))],
      },
    ],
    claims: [atLeast('hot (Redis): requests a second, of bare Fastify', median(figures[0]!.turns), 0.3)],
    figures,
    curves: [curveOf('the same question, 50 connections', 'from Redis', shotsOf(turns, 'from Redis'))],
  }
}

export const redis: Scenario = {
  about: 'answers from Redis, beside bare Fastify',
  quickSeconds: 12,
  fullSeconds: 51,
  needs: 'postgres',
  run,
}
