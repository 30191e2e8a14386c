import { fileURLToPath } from 'node:url'
import { work } from '../support/worker.ts'
import type { Fired, Job } from './cannon.ts'
import { cpuMsOf } from './program.ts'
import type { Served } from './servers.ts'

export type { Fired, Job }

const cannon = fileURLToPath(new URL('cannon.ts', import.meta.url))

export interface LoadResult extends Fired {
  /** Replies with 200. */
  readonly perSecond: number
  /** Microseconds of the server's processor a reply: neighbours on the machine disturb it less than they disturb speed. */
  readonly cpuUs: number
}

/** autocannon in a process and on cores of its own. `pid`: of whose processor time is taken. */
export async function fire(job: Job, pid: number): Promise<LoadResult> {
  const before = cpuMsOf(pid)
  const fired = await firedBy(job)
  const cpuMs = cpuMsOf(pid) - before
  return { ...fired, perSecond: (fired.statuses['200'] ?? 0) / fired.seconds, cpuUs: (cpuMs * 1000) / repliesOf(fired) }
}

/** The load alone, where the server is more than one process. */
export async function firedBy(job: Job): Promise<Fired> {
  return await work<Fired>(cannon, job)
}

export interface LoadForm {
  readonly connections?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** 50 connections, or as many as are said, ask the same over and over. Every reply must be a 200. */
export async function underLoad(
  { address, program }: Served,
  body: object,
  seconds: number,
  { connections = 50, headers = {} }: LoadForm = {},
): Promise<LoadResult> {
  return allGood(
    await fire({ url: `${address}/ask`, connections, seconds, bodies: [JSON.stringify(body)], headers }, program.pid),
    address,
  )
}

export function allGood<Result extends Fired>(result: Result, what: string): Result {
  const { errors, timeouts, statuses } = result
  const others = Object.entries(statuses).filter(([status]) => status !== '200')
  if (errors + timeouts + others.length > 0)
    throw new Error(`${what}: ${errors} errors, ${timeouts} time-outs, replies ${JSON.stringify(statuses)}`)
  return result
}

function repliesOf({ statuses }: Fired): number {
  return Object.values(statuses).reduce((sum, count) => sum + count, 0)
}

/** Milliseconds at a percentile that cannon.ts takes down; NaN where nothing was answered. */
export function msAt({ curve }: Pick<Fired, 'curve'>, percentile: number): number {
  return curve.find(([at]) => at === percentile)?.[1] ?? NaN
}
