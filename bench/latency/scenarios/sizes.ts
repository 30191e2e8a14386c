import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../test/support/server-process.ts'
import { atLeast, median } from '../../cache/figures.ts'
import { createKeeper, type Keeper } from '../../cache/keeper.ts'
import { hasTaskset, otherCores, startProgram, untilServing } from '../../cache/program.ts'
import { serveAskwell } from '../../cache/servers.ts'
import { readAsked } from '../../retrieval/asked.ts'
import { openedByProduct } from '../../retrieval/opened.ts'
import { pgbench } from '../../retrieval/pgbench.ts'
import type { Question } from '../../retrieval/questions.ts'
import { defaultFolder, openBenchDatabase, openServer } from '../../retrieval/server.ts'
import { databaseOf, model } from '../../retrieval/sizes.ts'
import { takeDown } from '../../retrieval/statements.ts'
import { interleaved } from '../../support/interleave.ts'
import { curveOf, lineOf, p50, perSecond, ratioOf, shotOf, shotsOf } from '../shots.ts'
import { loaded } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'
import { allCores, nothingKept } from '../world.ts'

const execute = promisify(execFile)
const loading = fileURLToPath(new URL('../../retrieval/load.ts', import.meta.url))
const vectors = fileURLToPath(new URL('../known-vectors.ts', import.meta.url))

const connections = 8
/** Of 2,000, whose vectors the service knows after the warm-up. */
const questions = 100

/** The collections of bench/retrieval, made if they are not there: cold and warm questions over HTTP beside pgbench of the same SQL. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const before = postmaster()
  const port = await openServer(defaultFolder)
  const now = postmaster()
  if (now !== null && now !== before) t.teardown(() => process.kill(now, 'SIGINT'))
  // It was started by a process that keeps off the measured core.
  if (now !== null && hasTaskset) execFileSync('taskset', ['-acp', allCores, String(now)], { stdio: 'ignore' })
  const outcomes: Outcome[] = []
  for (const size of world.sizes) {
    if (!existsSync(join(defaultFolder, `index-${size}.json`)))
      await execute(process.execPath, [loading, '--sizes', size], { maxBuffer: 1e8 })
    outcomes.push(await measured(size, await openBenchDatabase(port, databaseOf(size)), { world, t }))
  }
  return {
    tables: outcomes.flatMap(({ tables }) => tables),
    claims: outcomes.flatMap(({ claims = [] }) => claims),
    figures: outcomes.flatMap(({ figures = [] }) => figures),
    curves: outcomes.flatMap(({ curves = [] }) => curves),
  }
}

/** Who found the server running leaves it so. */
function postmaster(): number | null {
  const file = join(defaultFolder, 'data', 'postmaster.pid')
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : null
}

async function measured(
  size: string,
  url: string,
  { world, t }: { readonly world: World; readonly t: Keeper },
): Promise<Outcome> {
  const { collection, settings } = await openedByProduct(url, databaseOf(size))
  const asked = readAsked(defaultFolder, size, collection).slice(0, questions)
  const { hybrid } = await takeDown(url, asked)
  const own = createKeeper()
  t.teardown(own.end)
  const port = String(await freePort())
  const file = join(defaultFolder, `questions-${size}.jsonl`)
  await untilServing(startProgram(own, { args: [vectors, port, file], cores: otherCores }), `http://127.0.0.1:${port}/`)
  const all = {
    ...world.settings(t),
    ...nothingKept,
    DATABASE_URL: url,
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    EMBEDDING_MODEL: model.name,
  }
  const [cold, warm] = [
    await serveAskwell(own, all, { cores: allCores }),
    await serveAskwell(own, { ...all, EMBEDDING_CACHE_MB: '32' }, { cores: allCores }),
  ]
  const bodies = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .slice(0, questions)
    .map(line =>
      JSON.stringify({ question: (JSON.parse(line) as Question).question, collection: databaseOf(size), mode: 'fast' }),
    )
  const load = { connections, seconds: world.seconds }
  const others = [loaded('cold', cold, () => bodies, load), loaded('warm', warm, () => bodies, load)]
  const name = 'pgbench, the same SQL'
  const seconds = Math.ceil(world.seconds) // pgbench takes whole ones
  const control = {
    name,
    shoot: async () =>
      shotOf((await pgbench(url, hybrid, { clients: connections, seconds, settings })).latencies, seconds),
  }
  for (const { shoot } of [...others, control]) await shoot()
  const turns = await interleaved(control, others, Math.min(3, world.turns))
  const warmRatio = ratioOf(turns, 'warm', perSecond, {
    name: `sizes: requests a second warm at ${size}, of pgbench`,
    better: 'more',
  })
  const title = `${size} chunks, ${connections} connections`
  await own.end()
  return {
    tables: [{ title, rows: [undefined, 'cold', 'warm'].map(each => lineOf(each ?? name, shotsOf(turns, each))) }],
    claims:
      size === '100k'
        ? [
            atLeast(
              'cold retrieval + extractive at 100k chunks (vectors known), of pgbench of the same SQL',
              median(warmRatio.turns),
              0.5,
            ),
            atLeast(
              'the same with an embedding request each',
              median(ratioOf(turns, 'cold', perSecond, { name: '', better: 'more' }).turns),
              0.5,
            ),
          ]
        : [],
    figures: [
      warmRatio,
      ratioOf(turns, 'cold', perSecond, {
        name: `sizes: requests a second cold at ${size}, of pgbench`,
        better: 'more',
      }),
      ratioOf(turns, 'warm', p50, { name: `sizes: p50 warm at ${size}, of pgbench`, better: 'less' }),
    ],
    curves: [undefined, 'cold', 'warm'].map(each => curveOf(title, each ?? name, shotsOf(turns, each))),
  }
}

export const sizes: Scenario = {
  about: 'larger corpora, beside pgbench of the same SQL',
  fullSeconds: 110,
  needs: 'postgres',
  run,
}
