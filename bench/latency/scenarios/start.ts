import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atMost, median, rounded } from '../../cache/figures.ts'
import { createKeeper, type Keeper } from '../../cache/keeper.ts'
import { load, notices } from '../../cache/documents.ts'
import { serveAskwell, serveBare, type Settings } from '../../cache/servers.ts'
import type { Figure, Outcome, Scenario, World } from '../terms.ts'
import { allCores } from '../world.ts'

/** From the start of the process until it says that it is ready, beside a bare Fastify service that does the same. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const ways: Record<string, Settings> = world.databaseUrl === null ? {} : { Postgres: world.settings(t) }
  if (!world.isQuick || world.databaseUrl === null)
    ways['embedded with data'] = await embeddedWithData(t, world.isQuick ? 50 : 500)
  const controls: number[] = [await bareMs()]
  const took: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map(name => [name, []]))
  for (let turn = 0; turn < world.turns; turn++) {
    for (const [name, settings] of Object.entries(ways)) took[name]!.push(await readyMs(settings))
    controls.push(await bareMs())
  }
  const bars: Readonly<Record<string, number>> = { Postgres: 1, 'embedded with data': 3 }
  return {
    tables: [
      {
        title: 'start to ready',
        rows: [['bare Fastify', controls] as const, ...Object.entries(took)].map(([what, ms]) => ({
          what,
          'ms, median': rounded(median(ms), 0),
          least: rounded(Math.min(...ms), 0),
          most: rounded(Math.max(...ms), 0),
        })),
      },
    ],
    claims: Object.entries(took).map(([name, ms]) =>
      atMost(`start-up to ready, ${name}, s`, median(ms) / 1000, bars[name]!, 2),
    ),
    figures: Object.entries(took).map(([name, ms]): Figure => ({
      name: `start: to ready with ${name}, of bare Fastify`,
      better: 'less',
      controls,
      turns: ms.map((each, turn) => (2 * each) / (controls[turn]! + controls[turn + 1]!)),
    })),
  }
}

async function readyMs(settings: Settings): Promise<number> {
  return await timed(t => serveAskwell(t, settings, { cores: allCores }))
}

async function bareMs(): Promise<number> {
  return await timed(t => serveBare(t, { answer: '' }))
}

async function timed(start: (t: Keeper) => Promise<unknown>): Promise<number> {
  const t = createKeeper()
  const begin = performance.now()
  try {
    await start(t)
    return performance.now() - begin
  } finally {
    await t.end()
  }
}

/** Everything by default: the database in a folder, and the embedding model in the package. */
async function embeddedWithData(t: Keeper, documents: number): Promise<Settings> {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-bench-start-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const settings = { DATA_DIR: folder }
  const own = createKeeper()
  try {
    const { address } = await serveAskwell(own, settings, { cores: allCores })
    await load(address, 'default', notices(documents))
  } finally {
    await own.end()
  }
  return settings
}

export const start: Scenario = {
  about: 'from the start of the process until it is ready',
  quickSeconds: 6,
  fullSeconds: 40,
  run,
}
