import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { urlOf } from '../../test/support/postgres.ts'
import { readAsked, type Asked } from './asked.ts'
import { relationSizes } from './indexes.ts'
import { openedByProduct } from './opened.ts'
import { mostScripts, pgbench, type Done } from './pgbench.ts'
import { throughProduct, warmUp } from './product.ts'
import { recallOf } from './recall.ts'
import { printReport, type SizeReport } from './report.ts'
import { withServerCpu } from './server-cpu.ts'
import { defaultFolder, openServer } from './server.ts'
import { databaseOf, say } from './sizes.ts'
import { takeDown } from './statements.ts'
import { measured, type Measured } from './summary.ts'

/** `node bench/retrieval/run.ts --sizes 10k,100k --clients 8`: speed and recall of retrieval from the collections that load.ts made. */
const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10k,100k,1m' },
    clients: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '15' },
    repeat: { type: 'string', default: '3' },
    questions: { type: 'string', default: '100' },
    folder: { type: 'string', default: defaultFolder },
    out: { type: 'string' },
  },
})
const clientCounts = [1, Number(options.clients)]
const seconds = Number(options.seconds)
const sampled = 200

const port = await openServer(options.folder)
const reports: SizeReport[] = []
for (const size of options.sizes.split(',')) reports.push(await measureSize(size))
printReport(reports)
const out = options.out ?? join(options.folder, 'results.json')
mkdirSync(dirname(out), { recursive: true })
writeFileSync(
  out,
  `${JSON.stringify({ date: new Date().toISOString(), cpu: cpus()[0]?.model, cores: cpus().length, options, reports }, null, 2)}\n`,
)
say(`written to ${out}`)

async function measureSize(size: string): Promise<SizeReport> {
  const url = urlOf(port, databaseOf(size))
  const { collection, settings } = await openedByProduct(url, databaseOf(size))
  const questions = readAsked(options.folder, size, collection)
  say(`${size}: recall of ${sampled} questions against the exact scan`)
  const recall = await recallOf(url, questions.slice(0, sampled), options.folder, size)
  say(
    `${size}: recall@10 ${recall.at10.toFixed(3)}, recall@50 ${recall.at50.toFixed(3)}, ef_search ${collection.efSearch ?? 'not tuned'}`,
  )
  await warmUp(url, questions, Number(options.clients))
  const statements = await takeDown(url, questions.slice(0, Math.min(mostScripts, Number(options.questions))))
  const runs = await repeated(size, waysToMeasure({ url, questions, statements, settings }))
  return {
    size,
    chunks: collection.chunkCount,
    efSearch: collection.efSearch,
    recall,
    runs,
    load: loadReport(size),
    megabytes: await sizesIn(url),
  }
}

type Way = () => Promise<Done>

interface Subject {
  readonly url: string
  readonly questions: readonly Asked[]
  readonly statements: Awaited<ReturnType<typeof takeDown>>
  readonly settings: Readonly<Record<string, string>>
}

function waysToMeasure({ url, questions, statements: { vector, hybrid }, settings }: Subject): Record<string, Way> {
  return Object.fromEntries(
    clientCounts.flatMap(
      clients =>
        [
          [`vector arm, pgbench, ${clients}`, () => pgbench(url, vector, { clients, seconds, settings })],
          [`hybrid, pgbench, ${clients}`, () => pgbench(url, hybrid, { clients, seconds, settings })],
          [`hybrid, product, ${clients}`, () => throughProduct(url, questions, { clients, seconds })],
        ] as [string, Way][],
    ),
  )
}

/** Every way once, then every way again: what slows the machine for a while slows all of them. */
async function repeated(size: string, ways: Record<string, Way>): Promise<Record<string, Measured[]>> {
  const runs: Record<string, Measured[]> = Object.fromEntries(Object.keys(ways).map(name => [name, []]))
  for (let turn = 1; turn <= Number(options.repeat); turn++) {
    for (const [name, way] of Object.entries(ways)) {
      const one = await measure(way)
      runs[name]!.push(one)
      say(
        `${size}, turn ${turn}: ${name}: ${one.perSecond.toFixed(0)}/s, p50 ${one.p50.toFixed(1)} ms, p95 ${one.p95.toFixed(1)} ms, ${one.serverCpu.toFixed(2)} ms of the server's processors`,
      )
    }
  }
  return runs
}

async function measure(way: Way): Promise<Measured> {
  const { result, cpuMs } = await withServerCpu(options.folder, way)
  return { ...measured(result.latencies, seconds), serverCpu: cpuMs === null ? NaN : cpuMs / result.queries }
}

function loadReport(size: string): unknown {
  const file = join(options.folder, `load-${size}.json`)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}

async function sizesIn(url: string): Promise<Record<string, number>> {
  const sql = postgres(url, { max: 1 })
  const sizes = await relationSizes(sql)
  await sql.end()
  return sizes
}
