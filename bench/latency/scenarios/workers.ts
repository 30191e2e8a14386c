import { childrenOf } from '../../../test/support/processes.ts'
import { until } from '../../../test/support/until.ts'
import { clientOf } from '../../../test/support/service.ts'
import { hotQuestion } from '../../cache/documents.ts'
import { atLeast, atMost, median, rounded } from '../../cache/figures.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { allGood, firedBy, type Job } from '../../cache/load.ts'
import { cpuMsOf } from '../../cache/program.ts'
import { serveAskwell, type Served } from '../../cache/servers.ts'
import { interleaved, warmed, type Subject } from '../../support/interleave.ts'
import { cpuUs, lineOf, ratioOf, shotsOf, type Shot } from '../shots.ts'
import type { Outcome, Scenario, World } from '../terms.ts'
import { allCores } from '../world.ts'

const connections = 50
const count = 2

interface WorkersShot extends Shot {
  /** Processor time of the busiest worker, of the idlest. */
  readonly unevenness: number
}

/**
 * Cached answers from one process and from two workers, in turns: what a request costs in processor time, with
 * connections that stay and with a new one per request. The load runs on the same cores, so requests per second say
 * nothing about what more cores would give.
 */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const one = await serve(t, world, 1)
  const two = await serve(t, world, count)
  const stay = await measured(world, one, two, {})
  const fresh = await measured(world, one, two, { headers: { connection: 'close' } })
  const ratios = [
    ratioOf(stay, name, cpuUs, { name: 'workers: processor time, of one process', better: 'less' }),
    ratioOf(fresh, name, cpuUs, {
      name: 'workers: processor time with a connection per request, of one process',
      better: 'less',
    }),
  ]
  const unevenness = median(stay.map(({ shots }) => (shots[name] as WorkersShot).unevenness))
  return {
    tables: [
      { title: `cached answers, ${connections} connections that stay`, rows: rowsOf(stay) },
      { title: 'cached answers, a new connection per request', rows: rowsOf(fresh) },
    ],
    claims: [
      atMost('workers: processor time, of one process', median(ratios[0]!.turns), 1.1, 2),
      atLeast('workers: processor time of the idlest, of the busiest', 1 / unevenness, 0.8, 2),
    ],
    figures: ratios,
  }
}

const name = `${count} workers`

type Turns = Awaited<ReturnType<typeof measured>>

async function measured(world: World, one: Served, two: Served, form: Form) {
  const others = [subjectOf(name, two, world, form)]
  const control = subjectOf('one process', one, world, form)
  await warmed([control, ...others])
  return await interleaved(control, others, world.turns)
}

function rowsOf(turns: Turns): Record<string, unknown>[] {
  const all = shotsOf(turns, name) as WorkersShot[]
  const uneven = rounded(median(all.map(({ unevenness }) => unevenness)), 2)
  return [
    { ...lineOf('one process', shotsOf(turns)), 'busiest of idlest': '' },
    { ...lineOf(name, all), 'busiest of idlest': uneven },
  ]
}

/** Every worker has the answer in its memory. */
async function serve(t: Keeper, world: World, workers: number): Promise<Served> {
  const served = await serveAskwell(t, { ...world.settings(t), WORKERS: String(workers) }, { cores: allCores })
  const { send } = clientOf(served.address)
  const isReady = async () =>
    workers === 1 || /^askwell_worker_processes\{state="ready"\} 2$/m.test((await send('GET', '/metrics')).text)
  await until('all workers are ready', isReady, { ended: served.program.hasEnded })
  return served
}

type Form = Pick<Job, 'headers'>

/** The processor time is that of the primary and its workers together. */
function subjectOf(what: string, { address, program }: Served, world: World, form: Form): Subject<WorkersShot> {
  const job = { url: `${address}/ask`, connections, seconds: world.seconds, bodies: [JSON.stringify(hotQuestion)] }
  async function shoot(): Promise<WorkersShot> {
    const workers = childrenOf(program.pid)
    const pids = [program.pid, ...workers]
    const before = pids.map(cpuMsOf)
    const fired = allGood(await firedBy({ ...job, ...form }), what)
    const spentMs = pids.map((pid, at) => cpuMsOf(pid) - before[at]!)
    const replies = fired.statuses['200'] ?? 0
    const ofWorkers = spentMs.slice(1)
    return {
      ...fired,
      cpuUs: (1000 * spentMs.reduce((sum, ms) => sum + ms, 0)) / replies,
      perSecond: replies / fired.seconds,
      unevenness: Math.max(...ofWorkers) / Math.min(...ofWorkers),
    }
  }
  return { name: what, shoot }
}

export const workers: Scenario = {
  about: 'cached answers from two workers, beside one process',
  fullSeconds: 110,
  needs: 'postgres',
  run,
}
