import { hotQuestion } from '../../cache/documents.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { serveAskwell, serveBare, type Served } from '../../cache/servers.ts'
import { interleaved } from '../../support/interleave.ts'
import { cpuUs, curveOf, lineOf, perSecond, ratioOf, shotsOf } from '../shots.ts'
import { stagesOf } from '../stages.ts'
import { retrieving } from '../statements.ts'
import { asking, askingAnew, loaded } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'
import { allCores, nothingKept, permits } from '../world.ts'

const connections = 8
const questions = 40

/** Nothing is kept; and the same with the vectors of the questions known. Retrieval and quoted sentences, no language model. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const settings = world.settings(t)
  const serve = async (more: Record<string, string> = {}) =>
    await serveAskwell(t, { ...settings, ...nothingKept, ...more }, { cores: allCores })
  const asked = world.fresh(questions)
  const load = { connections, seconds: world.seconds }
  const cold = await serve()
  const others = [askingAnew('cold', cold, world, load)]
  // Two processes cannot share an embedded database.
  if (world.databaseUrl !== null)
    others.push(
      loaded('warm', await serve({ EMBEDDING_CACHE_MB: '32' }), () => asked.map(body => JSON.stringify(body)), load),
    )
  const control = await controlOf(
    world,
    t,
    asked.map(({ question }) => question),
  )
  for (const { shoot } of [...others, control]) await shoot()
  const turns = await interleaved(control, others, world.turns)
  const of = world.databaseUrl === null ? 'bare Fastify' : 'pgbench'
  return {
    tables: [
      {
        title: `retrieval and quoted sentences, ${connections} connections, ${world.documents} documents`,
        rows: [undefined, ...others.map(({ name }) => name)].map(name =>
          lineOf(name ?? control.name, shotsOf(turns, name)),
        ),
      },
    ],
    figures: others.flatMap(({ name }) => [
      ratioOf(turns, name, perSecond, { name: `cold: requests a second ${name}, of ${of}`, better: 'more' }),
      // Processor time of the two has nothing to do with each other where the control is pgbench.
      ...(world.databaseUrl === null
        ? [ratioOf(turns, name, cpuUs, { name: `cold: processor time ${name}, of ${of}`, better: 'less' })]
        : []),
    ]),
    curves: [undefined, ...others.map(({ name }) => name)].map(name =>
      curveOf(`fresh questions, ${connections} connections`, name ?? control.name, shotsOf(turns, name)),
    ),
    breakdowns: [await breakdown(cold, world)],
  }
}

async function controlOf({ databaseUrl, seconds }: World, t: Keeper, asked: readonly string[]) {
  if (databaseUrl !== null)
    return await retrieving({ url: databaseUrl, collection: permits }, asked, { clients: connections, seconds })
  return asking('bare Fastify', await serveBare(t, { answer: 'x'.repeat(1000) }), hotQuestion, { connections, seconds })
}

async function breakdown(served: Served, world: World) {
  return { name: 'cold, extractive', stages: await stagesOf(served, world, world.isQuick ? 50 : 300) }
}

export const cold: Scenario = {
  about: 'cold (nothing kept) and warm (vectors known), beside pgbench of the same SQL',
  quickSeconds: 17,
  fullSeconds: 80,
  run,
}
