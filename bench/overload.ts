import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort } from '../test/support/server-process.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { askAll, counted, createClient, type Asked, type Client } from './cache/asking.ts'
import { load, notice, notices } from './cache/documents.ts'
import { atLeast, atMost, quantile, rounded } from './cache/figures.ts'
import { createKeeper, type Keeper } from './cache/keeper.ts'
import { cpuMsOf, residentBytesOf, startProgram, untilServing } from './cache/program.ts'
import { serveAskwell, type Served, type Settings } from './cache/servers.ts'

/**
 * Three times more fresh questions than can be answered, at a fixed rate whatever the replies take: what is still
 * answered, in time, and what the rest costs that hears no. A real Postgres, and a model that takes 100 ms to its first word;
 * this process makes the load. All of them share the machine's cores, so the load is part of what is overloaded.
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    times: { type: 'string', default: '3' },
    json: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
  },
})
const modelMs = 100
/** What each question gives itself. */
const timeoutMs = 10_000
const documents = 5000
let questions = 0

interface Phase extends Timed {
  readonly asked: readonly Asked[]
}

interface Timed {
  readonly seconds: number
}

const t = createKeeper()
try {
  const served = await open(t)
  const client = createClient(served.address)
  t.teardown(client.close)
  await closedLoop(client, 16, 6)
  const turns = []
  for (const connections of [16, 24, 32, 48]) turns.push({ connections, ...(await closedLoop(client, connections, 5)) })
  const peak = Math.max(...turns.map(goodput))
  // As a proxy has them: libuv accepts one connection an iteration of the loop, so new ones wait where it is busy.
  await closedLoop(client, 256, 3)
  await sleep(2000)
  const normal = await openLoop(client, peak / 2, 10)
  const before = await memoryOf(served)
  const linesBefore = served.program.output().length
  const memory: Promise<Memory>[] = []
  const watching = setInterval(() => memory.push(memoryOf(served)), 1000)
  const own = monitorEventLoopDelay({ resolution: 1 })
  own.enable()
  const overload = await openLoop(client, peak * Number(options.times), Number(options.seconds))
  own.disable()
  clearInterval(watching)
  const lines = linesOf(served.program.output().slice(linesBefore))
  const admission = await admissionOf(served)
  const after = await openLoop(client, peak / 2, 10)
  const calm = await memoryOf(served)
  console.table([
    ...turns.map(turn => line(`${turn.connections} at once`, turn)),
    line('half the peak', normal),
    line(`${options.times} × the peak`, overload),
    line('half the peak, after', after),
  ])
  console.table([before, ...(await Promise.all(memory)).filter((_, at) => at % 5 === 4), calm])
  console.log(admission)
  console.log(
    `this process was late itself: p50 ${rounded(own.percentile(50) / 1e6, 1)} ms, p99 ${rounded(own.percentile(99) / 1e6, 1)} ms`,
  )
  console.log('log lines during the overload, by message:', JSON.stringify(lines))
  const refusedMs = refused(overload)
  console.log(
    `refused after a wait of more than a second: ${rounded((100 * refusedMs.filter(ms => ms > 1000).length) / Math.max(1, refusedMs.length), 1)} %`,
  )
  const claims = [
    atLeast('goodput of the peak, %', (100 * goodput(overload)) / peak, 95, 1),
    atMost('answered after their deadline', good(overload).filter(ms => ms > timeoutMs).length, 0),
    atMost(
      'log lines a second that say how many were refused',
      (lines['overloaded: questions rejected'] ?? 0) / overload.seconds,
      1.1,
      1,
    ),
    atMost(
      'neither answered nor refused',
      overload.asked.filter(({ status }) => status !== 200 && status !== 503).length,
      0,
    ),
    atMost('heap after by before', calm.heapMb / before.heapMb, 1.2, 2),
  ]
  console.table(
    claims.map(({ what, measured, wanted, isReached }) => ({
      what,
      measured,
      wanted,
      '': isReached ? '' : 'NOT REACHED',
    })),
  )
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  if (options.json)
    writeFileSync(
      options.json,
      `${JSON.stringify({ date: new Date().toISOString(), commit, cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, options, peak, claims }, null, 2)}\n`,
    )
} finally {
  await t.end()
}

async function open(owner: Keeper): Promise<Served> {
  const postgres = await startPostgres(owner)
  const port = String(await freePort())
  const all = `0-${cpus().length - 1}`
  const model = startProgram(owner, {
    args: [
      fileURLToPath(new URL('../test/support/model.ts', import.meta.url)),
      '--port',
      port,
      '--first-token',
      String(modelMs),
    ],
    cores: all,
  })
  await untilServing(model, `http://127.0.0.1:${port}/v1/models`)
  const own = Object.fromEntries(options.set.map(each => each.split('=') as [string, string]))
  // Caches so small that they are full before anything is measured.
  const settings: Settings = {
    DATABASE_URL: postgres.url,
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    OPENAI_API_KEY: 'any',
    CHAT_MODEL: 'test-chat',
    EMBEDDING_MODEL: 'test-embedding',
    RATE_LIMIT: '1000000',
    ANSWER_CACHE_MB: '2',
    EMBEDDING_CACHE_MB: '1',
    ...own,
  }
  const served = await serveAskwell(owner, settings, { cores: all })
  await load(served.address, 'default', notices(documents))
  return served
}

/** Asked by nobody before, unless it was refused: three questions of each document. */
function fresh(): object {
  const number = questions++
  const name = noticeName(number % documents)
  const asks = [
    `How much does the ${name} permit cost?`,
    `Where do I apply for the ${name} permit?`,
    `Within how many working days is the ${name} permit ready?`,
  ]
  return { question: asks[Math.floor(number / documents) % asks.length], timeout_ms: timeoutMs }
}

function noticeName(number: number): string {
  return notice(number).source.replace('permits/', '')
}

async function closedLoop(client: Client, connections: number, seconds: number): Promise<Phase> {
  const end = performance.now() + seconds * 1000
  const bodies = (function* () {
    while (performance.now() < end) yield fresh()
  })()
  return { seconds, asked: await askAll(client, bodies, connections) }
}

/** Sends what is due, then lets the replies in: a generator that catches up without a pause would make them late itself. */
async function openLoop({ ask }: Client, perSecond: number, seconds: number): Promise<Phase> {
  const begin = performance.now()
  const asked: Promise<Asked>[] = []
  while (asked.length < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, ((performance.now() - begin) / 1000) * perSecond)
    for (let burst = 0; burst < 20 && asked.length < due; burst++) asked.push(ask(fresh()))
    await sleep(1)
  }
  return { seconds, asked: await Promise.all(asked) }
}

function good({ asked }: Phase): number[] {
  return asked.filter(({ status }) => status === 200).map(({ ms }) => ms)
}

function refused({ asked }: Phase): number[] {
  return asked.filter(({ status }) => status === 503).map(({ ms }) => ms)
}

/** How many lines of a log say what. */
function linesOf(output: string): Record<string, number> {
  const lines = output.split('\n').filter(line => line.startsWith('{') && line.endsWith('}'))
  return counted(lines.map(line => (JSON.parse(line) as { readonly msg: string }).msg))
}

function goodput(phase: Phase): number {
  return good(phase).length / phase.seconds
}

function line(what: string, phase: Phase): object {
  const [p50, p99, no50, no99] = [
    quantile(good(phase), 0.5),
    quantile(good(phase), 0.99),
    quantile(refused(phase), 0.5),
    quantile(refused(phase), 0.99),
  ].map(ms => rounded(ms, 1))
  return {
    what,
    'answered a second': rounded(goodput(phase), 1),
    'p50, ms': p50,
    'p99, ms': p99,
    'refused p50, ms': no50,
    'refused p99, ms': no99,
    statuses: JSON.stringify(counted(phase.asked.map(({ status }) => status))),
  }
}

interface Memory {
  /** Milliseconds of processor time so far, and by how much the loop was late since the last look. */
  readonly cpuMs: number
  readonly lateP99Ms: number
  readonly heapMb: number
  readonly residentMb: number
}

async function memoryOf({ address, program }: Served): Promise<Memory> {
  const text = await (await fetch(`${address}/metrics`)).text()
  const valueOf = (name: string) => Number(new RegExp(`^askwell_${name} (\\S+)`, 'm').exec(text)?.[1])
  return {
    cpuMs: cpuMsOf(program.pid),
    lateP99Ms: rounded(1000 * valueOf('nodejs_eventloop_lag_p99_seconds'), 1),
    heapMb: rounded(valueOf('nodejs_heap_size_used_bytes') / 1e6, 1),
    residentMb: rounded(residentBytesOf(program.pid) / 1e6, 1),
  }
}

async function admissionOf({ address }: Served): Promise<string> {
  const text = await (await fetch(`${address}/metrics`)).text()
  return text
    .split('\n')
    .filter(each => each.startsWith('askwell_admission'))
    .join('\n')
}
