import { hotQuestion, load, notices } from '../../cache/documents.ts'
import { median, rounded } from '../../cache/figures.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { serveAskwell, serveBare } from '../../cache/servers.ts'
import { asking } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'
import { allCores } from '../world.ts'

/** Documents by `PUT /documents`, a hundred in a request, their vectors from the model server; how fast the machine is now is told by a bare Fastify route. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const served = await serveAskwell(t, world.settings(t), { cores: allCores })
  const control = asking('bare Fastify', await serveBare(t, { answer: 'x'.repeat(1000) }), hotQuestion, {
    connections: 50,
    seconds: world.seconds,
  })
  const documents = notices(world.isQuick ? 300 : 2000)
  const write = async (turn: number) => {
    const begin = performance.now()
    await load(served.address, `ingest-${turn}`, documents)
    return documents.length / ((performance.now() - begin) / 1000)
  }
  await write(0)
  await control.shoot()
  const controls = [(await control.shoot()).perSecond]
  const rates: number[] = []
  for (let turn = 1; turn <= world.turns; turn++) {
    rates.push(await write(turn))
    controls.push((await control.shoot()).perSecond)
  }
  const ratios = rates.map((rate, turn) => (2000 * rate) / (controls[turn]! + controls[turn + 1]!))
  return {
    tables: [
      {
        title: `${documents.length} documents of one chunk into an empty collection`,
        rows: [
          {
            'documents a second': rounded(median(rates), 0),
            least: rounded(Math.min(...rates), 0),
            most: rounded(Math.max(...rates), 0),
          },
        ],
      },
    ],
    figures: [
      { name: 'ingest: documents, of a thousand requests of bare Fastify', better: 'more', turns: ratios, controls },
    ],
  }
}

export const ingest: Scenario = { about: 'documents written by PUT /documents', quickSeconds: 8, fullSeconds: 45, run }
