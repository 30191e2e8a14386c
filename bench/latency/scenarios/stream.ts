import { fileURLToPath } from 'node:url'
import { atMost, median, quantile, rounded } from '../../cache/figures.ts'
import { createKeeper, type Keeper } from '../../cache/keeper.ts'
import { serveAskwell, type Served } from '../../cache/servers.ts'
import { work } from '../../support/worker.ts'
import { capturedCall } from '../captured.ts'
import type { FirstTokens, StreamJob } from '../first-token.ts'
import { curveOf, shotOf } from '../shots.ts'
import { loaded } from '../subjects.ts'
import type { Figure, Outcome, Scenario, World } from '../terms.ts'
import { allCores, serveModel } from '../world.ts'

const program = fileURLToPath(new URL('../first-token.ts', import.meta.url))

/** Questions never asked before, streamed, one after the other; the model called directly in between. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const settings = world.settings(t)
  const body = await capturedCall(settings, world.fresh(1)[0]!)
  const outcomes: Outcome[] = []
  for (const chatMs of world.isQuick ? [0] : [0, 50, 200])
    outcomes.push(await measured(chatMs, world, { settings, body }))
  return {
    tables: [
      {
        title: 'time to the first token, one stream at a time',
        rows: outcomes.flatMap(({ tables }) => tables.flatMap(({ rows }) => rows)),
      },
    ],
    claims: outcomes.flatMap(({ claims = [] }) => claims),
    figures: outcomes.flatMap(({ figures = [] }) => figures),
    curves: outcomes.flatMap(({ curves = [] }) => curves),
  }
}

async function measured(
  chatMs: number,
  world: World,
  { settings, body }: { readonly settings: Record<string, string>; readonly body: string },
): Promise<Outcome> {
  const t = createKeeper()
  try {
    const model = await serveModel(t, { chatMs })
    const served = await serveAskwell(t, { ...settings, OPENAI_BASE_URL: model.url }, { cores: allCores })
    const stream = async (count: number) => {
      const bodies = world.fresh(count).map(body => JSON.stringify({ ...body, stream: true }))
      const job: StreamJob = {
        askwell: { url: `${served.address}/ask`, bodies },
        model: { url: `${model.url}/chat/completions`, body },
      }
      return await work<FirstTokens>(program, job)
    }
    await warmUp(served, chatMs, world)
    await stream(10)
    // Some words of an answer follow the first, of both.
    const count = Math.round((2000 * world.seconds) / (2 * chatMs + 100))
    const turns: FirstTokens[] = []
    for (let turn = 0; turn < world.turns; turn++) turns.push(await stream(count))
    return outcomeOf(chatMs, turns, world)
  } finally {
    await t.end()
  }
}

/** A service that is at work has its code compiled: after the first hundred questions an answer takes a third longer than after thousands. */
async function warmUp(served: Served, chatMs: number, world: World): Promise<void> {
  const seconds = world.isQuick ? 3 : 15
  const bodies = () => world.fresh(500 * seconds).map(body => JSON.stringify({ ...body, stream: true }))
  await loaded('warm-up', served, bodies, { connections: 20 + chatMs / 2, seconds, mayRefuse: true }).shoot()
}

function outcomeOf(chatMs: number, turns: readonly FirstTokens[], { seconds }: World): Outcome {
  const p50 = (values: readonly number[]) => quantile(values, 0.5)
  const added = turns.map(({ askwell, model }) => p50(askwell) - p50(model))
  const figure: Figure = {
    name: `stream: p50 to the first token with a model of ${chatMs} ms, of the model's own`,
    better: 'less',
    turns: turns.map(({ askwell, model }) => p50(askwell) / p50(model)),
    controls: turns.map(({ model }) => p50(model)),
  }
  const of = (each: (turn: FirstTokens) => readonly number[], share: number) =>
    rounded(median(turns.map(turn => quantile(each(turn), share))), 2)
  const row = {
    'model, ms': chatMs,
    'its own p50, ms': of(turn => turn.model, 0.5),
    'Askwell p50, ms': of(turn => turn.askwell, 0.5),
    'p50 added, ms': rounded(median(added), 2),
    'its own p99, ms': of(turn => turn.model, 0.99),
    'Askwell p99, ms': of(turn => turn.askwell, 0.99),
  }
  const title = `time to the first token, model ${chatMs} ms`
  return {
    tables: [{ title, rows: [row] }],
    claims: [
      atMost(`streaming: p50 to the first token over the model's own, model ${chatMs} ms, ms`, median(added), 5, 2),
    ],
    figures: [figure],
    curves: (['model', 'askwell'] as const).map(name =>
      curveOf(
        title,
        name === 'model' ? 'the model itself' : 'Askwell',
        turns.map(turn => shotOf(turn[name], seconds)),
      ),
    ),
  }
}

export const stream: Scenario = {
  about: 'time to the first token, beside the model called directly',
  quickSeconds: 12,
  fullSeconds: 115,
  run,
}
