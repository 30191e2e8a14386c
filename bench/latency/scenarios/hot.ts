import { hotQuestion } from '../../cache/documents.ts'
import { atLeast, atMost, median } from '../../cache/figures.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { remembering, serveBare, servePlain } from '../../cache/servers.ts'
import { interleaved, warmed } from '../../support/interleave.ts'
import { addedOf, cpuUs, curveOf, lineOf, p50, perSecond, ratioOf, shotsOf } from '../shots.ts'
import { asking } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'

const connections = 50

/** Answers from memory beside a bare Fastify route and beside node:http, which give the same bytes; then with one connection. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const { served, reply } = await remembering(t, world.settings(t), hotQuestion, { tier: 'memory' })
  const bare = await serveBare(t, reply)
  const crowd = { connections, seconds: world.seconds }
  const control = asking('bare Fastify', bare, hotQuestion, crowd)
  const memory = asking('from memory', served, hotQuestion, crowd)
  const others = world.isQuick
    ? [memory]
    : [asking('node:http', await servePlain(t, reply), hotQuestion, crowd), memory]
  const names = [undefined, ...others.map(({ name }) => name)]
  await warmed([control, ...others])
  const turns = await interleaved(control, others, world.turns)
  const single = { connections: 1, seconds: world.seconds }
  const alone = await interleaved(
    asking('bare Fastify', bare, hotQuestion, single),
    [asking('from memory', served, hotQuestion, single)],
    world.turns,
  )
  const figures = [
    ratioOf(turns, 'from memory', perSecond, { name: 'hot: requests a second, of bare Fastify', better: 'more' }),
    ratioOf(turns, 'from memory', cpuUs, { name: 'hot: processor time, of bare Fastify', better: 'less' }),
    ratioOf(alone, 'from memory', p50, { name: 'hot: p50 with one connection, of bare Fastify', better: 'less' }),
  ]
  return {
    tables: [
      {
        title: `the same question, ${connections} connections`,
        rows: names.map(name => lineOf(name ?? 'bare Fastify', shotsOf(turns, name))),
      },
      {
        title: 'one connection',
        rows: [undefined, 'from memory'].map(name => lineOf(name ?? 'bare Fastify', shotsOf(alone, name))),
      },
    ],
    claims: [
      atLeast('hot (memory): requests a second, of bare Fastify', median(figures[0]!.turns), 0.6),
      atMost('hot: p50 added over bare Fastify with one connection, ms', addedOf(alone, 'from memory', p50), 0.15),
    ],
    figures,
    curves: names.map(name =>
      curveOf(`the same question, ${connections} connections`, name ?? 'bare Fastify', shotsOf(turns, name)),
    ),
  }
}

export const hot: Scenario = {
  about: 'answers from memory, beside bare Fastify and node:http',
  quickSeconds: 22,
  fullSeconds: 112,
  run,
}
