import { atMost, median, rounded } from '../../cache/figures.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { createKeeper } from '../../cache/keeper.ts'
import { serveAskwell, type Settings } from '../../cache/servers.ts'
import { interleaved } from '../../support/interleave.ts'
import { capturedCall } from '../captured.ts'
import { addedOf, curveOf, lineOf, p50, p99, perSecond, ratioOf, shotsOf } from '../shots.ts'
import { stagesOf } from '../stages.ts'
import { askingAnew, loaded } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'
import { allCores, serveModel } from '../world.ts'

interface Mix {
  readonly chatMs: number
  readonly embeddingMs: number
  readonly connections: number
}

const quickMixes: readonly Mix[] = [{ chatMs: 0, embeddingMs: 0, connections: 10 }]
const fullMixes: readonly Mix[] = [
  ...[0, 50, 200].flatMap(chatMs => [0, 20].map(embeddingMs => ({ chatMs, embeddingMs, connections: 10 }))),
  { chatMs: 200, embeddingMs: 0, connections: 200 },
]

/** Answers that a language model writes, never asked before, beside the model called directly by as many connections with the same bytes. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const settings = world.settings(t)
  const body = await capturedCall(settings, world.fresh(1)[0]!)
  const outcomes: Outcome[] = []
  for (const mix of world.isQuick ? quickMixes : fullMixes)
    outcomes.push(await measured(mix, { world, settings, body }))
  return {
    tables: outcomes.flatMap(({ tables }) => tables),
    claims: outcomes.flatMap(({ claims = [] }) => claims),
    figures: outcomes.flatMap(({ figures = [] }) => figures),
    curves: outcomes.flatMap(({ curves = [] }) => curves),
    breakdowns: outcomes.flatMap(({ breakdowns = [] }) => breakdowns),
  }
}

interface Given {
  readonly world: World
  readonly settings: Settings
  readonly body: string
}

async function measured(mix: Mix, { world, settings, body }: Given): Promise<Outcome> {
  const t = createKeeper()
  try {
    const { connections } = mix
    const model = await serveModel(t, mix)
    const served = await serveAskwell(
      t,
      { ...settings, OPENAI_BASE_URL: model.url, ANSWER_CACHE_MB: '2', EMBEDDING_CACHE_MB: '1' },
      { cores: allCores },
    )
    const load = { connections, seconds: world.seconds, mayRefuse: true }
    const control = loaded('the model itself', { address: model.url, program: model.program }, () => [body], {
      ...load,
      path: '/chat/completions',
    })
    const subject = askingAnew('Askwell', served, world, load)
    // The limit of what is answered at once is found from how long answers take.
    for (let times = 0; times < (connections > 10 ? 3 : 1); times++) await subject.shoot()
    await control.shoot()
    const turns = await interleaved(control, [subject], turnsFor(mix, world))
    const breakdown = connections > 10 ? [] : [{ name: nameOf(mix), stages: await stagesOf(served, world, 20) }]
    return { ...outcomeOf(mix, turns), breakdowns: breakdown }
  } finally {
    await t.end()
  }
}

/** All of them for what is held against a bar; the others are mostly waiting. */
function turnsFor({ chatMs, connections }: Mix, { turns }: World): number {
  if (connections > 10) return turns
  return Math.min(turns, chatMs === 0 ? 3 : 2)
}

function nameOf({ chatMs, embeddingMs, connections }: Mix): string {
  return `model ${chatMs} ms, embeddings ${embeddingMs} ms, ${connections} connections`
}

function outcomeOf(mix: Mix, turns: Awaited<ReturnType<typeof interleaved<Parameters<typeof p50>[0]>>>): Outcome {
  const title = nameOf(mix)
  const added = {
    'p50 added, ms': rounded(addedOf(turns, 'Askwell', p50), 2),
    'p99 added, ms': rounded(addedOf(turns, 'Askwell', p99), 2),
  }
  const isBar = mix.chatMs === 200 && mix.connections === 200
  return {
    tables: [
      {
        title,
        rows: [
          lineOf('the model itself', shotsOf(turns)),
          { ...lineOf('Askwell', shotsOf(turns, 'Askwell')), ...added },
        ],
      },
    ],
    claims: isBar
      ? [
          atMost(
            "fresh answer, 200 ms model, 200 connections: p99 over the model's own, ms",
            addedOf(turns, 'Askwell', p99),
            25,
            1,
          ),
          atMost(
            'fresh answer, 200 ms model, 200 connections: refused, of all',
            refusedShare(shotsOf(turns, 'Askwell')),
            0.01,
          ),
        ]
      : [],
    figures: [
      ratioOf(turns, 'Askwell', p50, { name: `model: p50 with ${title}, of the model's own`, better: 'less' }),
      ratioOf(turns, 'Askwell', perSecond, {
        name: `model: requests a second with ${title}, of the model's own`,
        better: 'more',
      }),
    ],
    curves: [curveOf(title, 'the model itself', shotsOf(turns)), curveOf(title, 'Askwell', shotsOf(turns, 'Askwell'))],
  }
}

function refusedShare(shots: readonly { readonly statuses: Readonly<Record<string, number>> }[]): number {
  return median(
    shots.map(
      ({ statuses }) => 1 - (statuses['200'] ?? 0) / Object.values(statuses).reduce((sum, count) => sum + count, 0),
    ),
  )
}

export const model: Scenario = {
  about: 'fresh answers of a language model, beside the model called directly',
  quickSeconds: 10,
  fullSeconds: 240,
  run,
}
