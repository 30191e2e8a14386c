import { hotQuestion } from './documents.ts'
import { atLeast } from './figures.ts'
import { surroundings } from './hot.ts'
import type { Keeper } from './keeper.ts'
import { remembering, serveBare } from './servers.ts'
import { inTurns, lineOf } from './turns.ts'
import type { Outcome, World } from './world.ts'

/** Answers that only Redis has: a process without a memory tier, everything switched on, beside a bare Fastify route. */
export async function redis({ settings, isQuick }: World, t: Keeper): Promise<Outcome> {
  const { traces, redis } = await surroundings(t)
  const seconds = isQuick ? 2 : 5
  const { served, reply } = await remembering(
    t,
    { ...settings, ...traces, ...redis, ANSWER_CACHE_MB: '0' },
    hotQuestion,
    { tier: 'redis' },
  )
  const bare = { name: 'bare Fastify', seconds, served: await serveBare(t, reply) }
  const compared = await inTurns(bare, [{ name: 'answers from Redis', seconds, served }], hotQuestion, isQuick ? 2 : 5)
  return {
    tables: [{ title: 'answers from Redis alone, 50 connections', rows: compared.map(lineOf) }],
    claims: [
      atLeast('redis: requests a second, of a bare route', compared[1]!.ratio, 0.25),
      atLeast('redis: the same by processor time', compared[1]!.cpuRatio, 0.25),
    ],
  }
}
