import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { frozen } from './frozen.ts'
import { hot } from './hot.ts'
import { createKeeper } from './keeper.ts'
import { million } from './million.ts'
import { monitoring } from './monitoring.ts'
import { redis } from './redis.ts'
import { refused } from './refused.ts'
import { thousand } from './thousand.ts'
import { traces } from './traces.ts'
import { openWorld, type Outcome, type Scenario, type World } from './world.ts'
import { zipf } from './zipf.ts'

const scenarios: Readonly<Record<string, Scenario>> = {
  hot,
  redis,
  refused,
  thousand,
  zipf,
  frozen,
  million,
  traces,
  monitoring,
}

/** `node bench/cache/run.ts hot zipf --quick --json cache.json`: what the caches do; without names, all. Some nine minutes, quick two. */
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
})
const names = positionals.length > 0 ? positionals : Object.keys(scenarios)
const unknown = names.filter(name => !(name in scenarios))
if (unknown.length > 0)
  throw new Error(`no scenario ${unknown.join(', ')}; there are ${Object.keys(scenarios).join(', ')}`)

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const outcomes: Record<string, Outcome> = {}
const t = createKeeper()
try {
  const world = await openWorld(t, options.quick)
  for (const name of names) outcomes[name] = await alone(name, world)
} finally {
  await t.end()
}
const claims = Object.values(outcomes).flatMap(outcome => outcome.claims)
console.table(
  claims.map(({ what, measured, wanted, isReached }) => ({
    what,
    measured,
    wanted,
    '': isReached ? '' : 'NOT REACHED',
  })),
)
const report = {
  date: new Date().toISOString(),
  commit,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  options,
  outcomes,
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)

/** With a keeper of its own: nothing of one scenario runs beside the next. */
async function alone(name: string, world: World): Promise<Outcome> {
  const own = createKeeper()
  const started = performance.now()
  try {
    const outcome = await scenarios[name]!(world, own)
    console.log(`\n${name}, ${Math.round((performance.now() - started) / 1000)} s`)
    for (const { title, rows } of outcome.tables) {
      console.log(title)
      console.table(rows)
    }
    return outcome
  } finally {
    await own.end()
  }
}
