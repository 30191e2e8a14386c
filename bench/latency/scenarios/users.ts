import { setTimeout as sleep } from 'node:timers/promises'
import { administer } from '../../../test/support/postgres.ts'
import { counted } from '../../cache/asking.ts'
import { atLeast, atMost, exactly, median, quantile, rounded } from '../../cache/figures.ts'
import { createKeeper, type Keeper } from '../../cache/keeper.ts'
import { fire } from '../../cache/load.ts'
import type { Outcome, Scenario, World } from '../terms.ts'
import {
  askedBetween,
  countsOf,
  isAnswered,
  isQuoted,
  repliedBetween,
  rowOf,
  startCrowd,
  type Told,
} from '../users/crowd.ts'
import { startService, type Service } from '../users/service.ts'

/** So many that the rate limit refuses nobody. */
const unlimited = 1_000_000

/** Each part has a service of its own: what one of them teaches the limits is not known to the next. */
async function run(world: World): Promise<Outcome> {
  const parts = [slowModel, defaultLimits, closedLoops, freshProcess, suddenlySlow, silentQueue, refusals]
  const outcomes: Outcome[] = []
  for (const part of parts) {
    const t = createKeeper()
    try {
      outcomes.push(await part(world, t))
    } finally {
      await t.end()
    }
  }
  return {
    tables: outcomes.flatMap(({ tables }) => tables),
    claims: outcomes.flatMap(({ claims = [] }) => claims),
  }
}

/** 200 users who think half a second, a refused one a second; and a model that gets slow and quick again. */
async function slowModel(world: World, t: Keeper): Promise<Outcome> {
  const service = await startService(t, world, { rateLimit: unlimited })
  const { model, figure } = service
  const seconds = world.isQuick ? 10 : 30
  const crowd = startCrowd({ ...service, world, count: 200, thinkMs: 500, refusedMs: 1000 })
  const phases: { readonly what: string; readonly from: number; readonly limits: Record<string, number> }[] = []
  for (const delayMs of [500, 2000, 5000, 500]) {
    await model.behave({ delayMs })
    const from = performance.now()
    await sleep(seconds * 1000)
    phases.push({ what: `${delayMs} ms${phases.length === 3 ? ' again' : ''}`, from, limits: await limitsOf(figure) })
  }
  const end = performance.now()
  await crowd.stop()
  const rows = phases.map(({ what, from, limits }, at) => ({
    ...rowOf(what, askedBetween(crowd.told, from, phases[at + 1]?.from ?? end), seconds),
    ...limits,
  }))
  const { refused, failed, quoted } = countsOf(crowd.told)
  return {
    tables: [{ title: `200 users behind one key, a model that gets slow, ${seconds} s each`, rows }],
    claims: [
      exactly('200 users, a model that gets slow: refused', refused, 0),
      exactly('200 users, a model that gets slow: failed', failed, 0),
      exactly('200 users, a model that gets slow: quoted', quoted, 0),
    ],
  }
}

/** The same 200 users ask up to 200 questions a second, twice as many as a key may by default: the rest wait. */
async function defaultLimits(world: World, t: Keeper): Promise<Outcome> {
  const service = await startService(t, world)
  const seconds = world.isQuick ? 15 : 30
  await service.model.behave({ delayMs: 500 })
  const crowd = startCrowd({ ...service, world, count: 200, thinkMs: 500, refusedMs: 1000 })
  await sleep(seconds * 1000)
  await crowd.stop()
  const { refused, failed } = countsOf(crowd.told)
  const waits = await service.figure('rate_limit_waits_total')
  return {
    tables: [
      {
        title: `200 users behind one key with default limits, ${seconds} s`,
        rows: [{ ...rowOf('500 ms', crowd.told, seconds), 'waited for the next window': waits }],
      },
    ],
    claims: [
      exactly('200 users behind one key with default limits: refused', refused, 0),
      exactly('200 users behind one key with default limits: failed', failed, 0),
    ],
  }
}

async function limitsOf(figure: Service['figure']): Promise<Record<string, number>> {
  return { 'model calls, limit': await figure('model_calls_limit'), 'searches, limit': await figure('admission_limit') }
}

/** Users who do not think, and a model of 0 ms: the machine itself is what is scarce. */
async function closedLoops(world: World, t: Keeper): Promise<Outcome> {
  const seconds = world.isQuick ? 5 : 15
  const outcomes: { readonly count: number; readonly told: readonly Told[] }[] = []
  let refusedFirst = 0
  for (const count of [50, 200]) {
    const service = await startService(t, world, { rateLimit: unlimited })
    // The first answers of a process take longer, and all users have asked at the same moment.
    refusedFirst += countsOf(await closedLoop(service, { world, count, seconds: 4 })).refused
    outcomes.push({ count, told: await closedLoop(service, { world, count, seconds }) })
    await service.served.program.end()
  }
  return {
    tables: [
      {
        title: `without thinking, a model of 0 ms, ${seconds} s`,
        rows: outcomes.map(({ count, told }) => ({
          ...rowOf(`${count} users`, told, seconds),
          ...p99Of(count, told, seconds),
        })),
      },
    ],
    claims: outcomes.flatMap(({ count, told }) => {
      const p99 = p99Of(count, told, seconds)
      return [
        exactly(`closed loop of ${count}: refused`, countsOf(told).refused + refusedFirst, 0),
        atMost(`closed loop of ${count}: p99 of users / throughput`, p99['p99 of users / throughput'], 2, 2),
      ]
    }),
  }
}

/** By Little's law the mean time of an answer is users / throughput. */
function p99Of(count: number, told: readonly Told[], seconds: number) {
  const times = told.filter(isAnswered).map(({ ms }) => ms)
  const meanMs = (1000 * count * seconds) / times.length
  return { 'p99 of users / throughput': rounded(quantile(times, 0.99) / meanMs, 2) }
}

interface LoopOptions {
  readonly world: World
  readonly count: number
  readonly seconds: number
}

/** Who is refused asks again at once. */
async function closedLoop(service: Service, { world, count, seconds }: LoopOptions): Promise<readonly Told[]> {
  const crowd = startCrowd({ ...service, world, count, thinkMs: 0, refusedMs: 0 })
  await sleep(seconds * 1000)
  await crowd.stop()
  return crowd.told
}

/** 50 at once from the first moment of a process, and then 10 at once. */
async function freshProcess(world: World): Promise<Outcome> {
  const seconds = world.isQuick ? 5 : 15
  const rows: Record<string, unknown>[] = []
  const ratios: number[] = []
  for (let round = 1; round <= 3; round++) {
    const t = createKeeper()
    try {
      const service = await startService(t, world, { rateLimit: unlimited })
      const many = await closedLoop(service, { world, count: 50, seconds })
      const few = await closedLoop(service, { world, count: 10, seconds })
      rows.push(rowOf(`${round}: 50 at once, fresh`, many, seconds), rowOf(`${round}: 10 at once, then`, few, seconds))
      ratios.push(countsOf(many).answered / countsOf(few).answered)
    } finally {
      await t.end()
    }
  }
  return {
    tables: [{ title: `a fresh process, the refused ask again at once, ${seconds} s`, rows }],
    claims: [atLeast('50 at once in a fresh process, of 10 at once: answered', median(ratios), 0.95, 2)],
  }
}

/** A model of 0 ms takes a second from now on, 50 at once. */
async function suddenlySlow(world: World, t: Keeper): Promise<Outcome> {
  const service = await startService(t, world, { rateLimit: unlimited })
  const crowd = startCrowd({ ...service, world, count: 50, thinkMs: 0, refusedMs: 1000 })
  await sleep(world.isQuick ? 5000 : 15_000)
  await service.model.behave({ delayMs: 1000 })
  const turnedAt = performance.now()
  await sleep(15_000)
  const limits = await limitsOf(service.figure)
  await crowd.stop()
  const span = (from: number, to: number) => repliedBetween(crowd.told, turnedAt + from * 1000, turnedAt + to * 1000)
  const settled = span(5, 15)
  const perSecond = Array.from({ length: 15 }, (_, second) => span(second, second + 1).filter(isAnswered).length)
  return {
    tables: [
      {
        title: 'an instant model takes 1 s from now on, 50 at once',
        rows: [
          rowOf(
            'instant',
            crowd.told.filter(({ at, ms }) => at + ms < turnedAt),
            world.isQuick ? 5 : 15,
          ),
          { ...rowOf('1 s, seconds 5 to 15', settled, 10), ...limits },
        ],
      },
      { title: 'answered in each second after it', rows: [Object.fromEntries(perSecond.entries())] },
    ],
    claims: [
      atLeast('an instant model takes 1 s, 50 at once: answered a second', countsOf(settled).answered / 10, 45, 1),
    ],
  }
}

const hurriedMs = 10_000

/** A model that works on four at a time, a second each, and lets the others wait in silence. */
async function silentQueue(world: World, t: Keeper): Promise<Outcome> {
  const service = await startService(t, world, { rateLimit: unlimited })
  await service.model.behave({ delayMs: 1000, atOnce: 4 })
  const seconds = world.isQuick ? 20 : 60
  const startedAt = performance.now()
  const crowd = startCrowd({ ...service, world, count: 100, thinkMs: 500, refusedMs: 1000, timeoutMs: hurriedMs })
  await sleep(seconds * 1000)
  const limits = await limitsOf(service.figure)
  await crowd.stop()
  const quotedMs = crowd.told.filter(isQuoted).map(({ ms }) => ms)
  const late = crowd.told.filter(({ status, ms }) => status === 504 || ms > hurriedMs + 100).length
  const inTime = quotedMs.filter(ms => ms <= 2000).length / quotedMs.length
  const answered = repliedBetween(crowd.told, startedAt, startedAt + seconds * 1000).filter(isAnswered).length
  return {
    tables: [
      {
        title: `a model that works on 4 at a time in silence, 1 s each; 100 users, 10 s of time, ${seconds} s`,
        rows: [
          {
            ...rowOf('100 users', crowd.told, seconds),
            'meanwhile, a second': rounded(answered / seconds, 2),
            'past their deadline': late,
            'quoted p50, ms': rounded(quantile(quotedMs, 0.5), 0),
            'quoted p99, ms': rounded(quantile(quotedMs, 0.99), 0),
            'quoted within 2 s, %': rounded(100 * inTime, 1),
            ...limits,
          },
        ],
      },
    ],
    claims: [
      atLeast('4 at a time in silence: answers of the model a second', answered / seconds, 3.8, 2),
      exactly('4 at a time in silence: past their deadline', late, 0),
      atLeast('4 at a time in silence: quoted within 2 s, %', 100 * inTime, 99, 1),
    ],
  }
}

/** What a question costs that is refused because the queue is full. Searches wait for a lock meanwhile. */
async function refusals(world: World, t: Keeper): Promise<Outcome> {
  const full = { ADMISSION_FLOOR: '1', ADMISSION_CEILING: '1', ADMISSION_MAX_WAITING: '0' }
  const service = await startService(t, world, { rateLimit: unlimited, settings: full })
  const crowd = { ...service, world, count: 2, thinkMs: 0, refusedMs: 100 }
  const { fired, waiting } = await administer(world.databaseUrl!, sql =>
    sql.begin(async sql => {
      await sql`lock table chunks`
      const waiting = startCrowd(crowd)
      await sleep(500)
      return { fired: await refusedFor(world.isQuick ? 2 : 5, service, world), waiting }
    }),
  )
  await waiting.stop()
  const known = { url: `${service.served.address}/ask`, connections: 10, headers: service.headers }
  const bodies = [JSON.stringify(world.fresh(1)[0])]
  await fire({ ...known, bodies, seconds: 1 }, service.served.program.pid)
  const hot = await fire({ ...known, bodies, seconds: world.isQuick ? 2 : 5 }, service.served.program.pid)
  const refused = fired.statuses['503'] ?? 0
  return {
    tables: [
      {
        title: 'refused because the queue is full, 10 connections',
        rows: [
          {
            'a second': rounded(refused / fired.seconds, 0),
            'CPU µs': rounded(fired.cpuUs, 1),
            'CPU µs of a cached answer': rounded(hot.cpuUs, 1),
            'log lines a second': rounded(fired.lines.length / fired.seconds, 1),
            'of them': JSON.stringify(counted(fired.lines)),
            others: JSON.stringify({ ...fired.statuses, 503: undefined }),
          },
        ],
      },
    ],
    claims: [
      atMost('processor time of a refusal, µs', fired.cpuUs, 100, 1),
      atMost('log lines a second while all are refused', fired.lines.length / fired.seconds, 2, 1),
    ],
  }
}

async function refusedFor(seconds: number, { served, headers }: Service, world: World) {
  const { address, program } = served
  const bodies = world.fresh(2000).map(body => JSON.stringify(body))
  const job = { url: `${address}/ask`, connections: 10, bodies, headers }
  await fire({ ...job, seconds: 2 }, program.pid)
  const before = logged(program.output()).length
  const result = await fire({ ...job, seconds }, program.pid)
  return { ...result, lines: logged(program.output()).slice(before) }
}

/** What the log says, at `info` or above. */
function logged(output: string): string[] {
  const lines = output.split('\n').filter(line => line.startsWith('{') && line.endsWith('}'))
  return lines.map(line => (JSON.parse(line) as { readonly msg: string }).msg)
}

export const users: Scenario = {
  about: 'many users at once, and a model that is slow, or gets so',
  fullSeconds: 480,
  needs: 'postgres',
  run,
}
