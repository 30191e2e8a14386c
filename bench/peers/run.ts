import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../test/support/postgres.ts'
import { notices } from '../cache/documents.ts'
import { atLeast, atMost, rounded } from '../cache/figures.ts'
import { createKeeper, type Keeper } from '../cache/keeper.ts'
import { documentCount } from './asked.ts'
import { check, type Checked } from './check.ts'
import {
  compare,
  lineOf,
  measure,
  warmUp,
  type Compared,
  type Figures,
  type Scenario,
  type Subject,
} from './measure.ts'
import {
  loadAll,
  peerNames,
  serveModel,
  serveSystem,
  type PeerName,
  type Surroundings,
  type SystemName,
} from './systems.ts'

/**
 * `npm run bench:peers -- [peer…] [--rounds 5 --seconds 6 --dimensions 1536 --pool 20 --ef-search 100 --only NAME --json FILE]`:
 * Askwell beside what a team would otherwise write; half an hour. All of a scenario are up at once and take turns, so that what
 * slows the machine for a while slows all of them.
 */
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '6' },
    dimensions: { type: 'string', default: '1536' },
    pool: { type: 'string', default: '20' },
    /** pgvector's own default is 40, with which an index finds half of these documents; 100 is Askwell's. */
    'ef-search': { type: 'string', default: '100' },
    /** Scenarios with this in their name. */
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const packages = new URL('node_modules', import.meta.url)
if (!existsSync(packages)) {
  console.error(
    "The peers' packages are not installed: npm ci --prefix bench/peers\n(They are kept apart, so that the product does not have them.)",
  )
  process.exit(1)
}
const unknown = positionals.filter(name => !peerNames.includes(name as PeerName))
if (unknown.length > 0) throw new Error(`no peer ${unknown.join(', ')}; there are ${peerNames.join(', ')}`)
const peers = positionals.length > 0 ? (positionals as PeerName[]) : peerNames

const cold = (connections: number, chatMs: number): Scenario => ({
  name: `cold, model ${chatMs} ms, ${connections} at once`,
  mix: 'cold',
  chatMs,
  embeddingMs: 0,
  connections,
})
const scenarios: readonly Scenario[] = [
  ...[1, 10, 50].map(connections => cold(connections, 0)),
  ...[1, 10, 50].map(connections => cold(connections, 50)),
  ...[0, 50].flatMap(chatMs =>
    (['zipf', 'zipf again'] as const).map((mix): Scenario => ({
      name: `${mix}, model ${chatMs} ms, 10 at once`,
      mix,
      chatMs,
      embeddingMs: 0,
      connections: 10,
    })),
  ),
].filter(({ name }) => name.includes(options.only))

const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)]
const checks: Record<string, Checked> = {}
const results: Record<string, Compared[]> = {}
const begin = performance.now()
const tell = (what: string) =>
  console.error(`${String(Math.round((performance.now() - begin) / 1000)).padStart(5)} s  ${what}`)

const t = createKeeper()
// What it started would go on without it.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void t.end().finally(() => process.exit(1)))
try {
  // Room for everybody's vectors: a buffer that is too small would measure which system comes after which.
  const postgres = await startPostgres(t, {
    settings: { shared_buffers: '1GB', 'hnsw.ef_search': options['ef-search'] },
  })
  const around: Surroundings = {
    adminUrl: postgres.adminUrl,
    dimensions: Number(options.dimensions),
    poolSize: Number(options.pool),
  }
  await loadAll(['askwell', ...peers], around, notices(documentCount), tell)
  for (const scenario of scenarios) await alone(scenario, around, postgres.pid)
} finally {
  await t.end()
}
console.table(checks)
const bars = barsOf(results)
console.table(
  bars.map(({ what, measured, wanted, isReached }) => ({ what, measured, wanted, '': isReached ? '' : 'NOT REACHED' })),
)
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const report = {
  date: new Date().toISOString(),
  commit,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  load: loadavg(),
  options,
  packages: versions(),
  checks,
  results,
  bars,
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)

async function alone(scenario: Scenario, around: Surroundings, postmaster: number): Promise<void> {
  const own = createKeeper()
  t.teardown(own.end)
  try {
    const subjects = await served(own, scenario, around)
    const compared = compare(await inTurns(subjects, scenario, postmaster))
    results[scenario.name] = compared
    console.log(
      `\n${scenario.name}; load of the machine ${loadavg()
        .map(load => rounded(load))
        .join(' ')}`,
    )
    console.table(compared.map(lineOf))
  } finally {
    await own.end()
  }
}

/** Each answers fifty questions first: speed says little of whoever does not find the documents. */
async function served(own: Keeper, { mix, chatMs, embeddingMs }: Scenario, around: Surroundings): Promise<Subject[]> {
  const modelUrl = await serveModel(own, chatMs, embeddingMs)
  const subjects: Subject[] = []
  for (const name of [
    ...(mix === 'cold' ? (['askwell', 'askwell quoting'] as const) : (['askwell cached'] as const)),
    ...peers,
  ] as const satisfies readonly SystemName[]) {
    const subject = { name, served: await serveSystem(own, name, around, { modelUrl }) }
    subjects.push(subject)
    if (checks[name] === undefined) tell(said(name, (checks[name] = await check(subject.served.address))))
  }
  return subjects
}

function said(name: SystemName, { asked, found, right }: Checked): string {
  const warning = found <= asked / 2 ? ': NOT MOST OF THEM' : ''
  return `${name}: of ${asked} questions the right document came first for ${found}, the answer was right for ${right}${warning}`
}

/** Once to warm up, then round by round. */
async function inTurns(
  subjects: readonly Subject[],
  scenario: Scenario,
  postmaster: number,
): Promise<Map<SystemName, Figures[]>> {
  const all = new Map<SystemName, Figures[]>(subjects.map(({ name }) => [name, []]))
  for (const subject of subjects) await warmUp(subject, scenario)
  for (let round = 1; round <= rounds; round++) {
    for (const subject of subjects) {
      const figures = await measure(subject, scenario, seconds, postmaster)
      all.get(subject.name)!.push(figures)
      tell(
        `${scenario.name}, round ${round} of ${rounds}, ${subject.name}: ${rounded(figures.perSecond, 0)} a second, p99 ${rounded(figures.p99)} ms`,
      )
    }
  }
  return all
}

function barsOf(all: Readonly<Record<string, Compared[]>>) {
  return Object.entries(all).flatMap(([name, compared]) => {
    const [askwell, langchain] = [compared[0], compared.find(each => each.name === 'langchain')]
    if (!askwell || !langchain) return []
    if (name.startsWith('zipf'))
      return [atLeast(`${name}: times LangChain's requests a second`, langchain.times, 20, 1)]
    if (!name.includes('model 0 ms')) return []
    return [
      atLeast(`${name}: times LangChain's requests a second`, langchain.times, 3, 2),
      atMost(`${name}: p99 by LangChain's`, askwell.p99 / langchain.p99, 1 / 3, 2),
    ]
  })
}

function versions(): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return dependencies
}
