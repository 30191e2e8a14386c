import { setTimeout as sleep } from 'node:timers/promises'
import type { Asked, Client } from '../../cache/asking.ts'
import { quantile, rounded } from '../../cache/figures.ts'
import type { World } from '../terms.ts'

/** A reply, and when its question was asked, by `performance.now()`. */
export interface Told extends Asked {
  readonly at: number
}

export interface CrowdOptions {
  readonly client: Client
  readonly world: Pick<World, 'fresh'>
  readonly count: number
  /** Milliseconds between a reply and the next question. */
  readonly thinkMs: number
  /** The same for one that was refused. */
  readonly refusedMs: number
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

export interface Crowd {
  /** In the order of the replies. */
  readonly told: readonly Told[]
  /** Nobody asks again; waits for the replies. */
  stop(): Promise<void>
}

/** People who ask one question after the other, each of them never asked before. */
export function startCrowd({ client, world, count, thinkMs, refusedMs, headers, timeoutMs }: CrowdOptions): Crowd {
  const told: Told[] = []
  let isOver = false
  async function converse(): Promise<void> {
    while (!isOver) {
      const at = performance.now()
      const body = { ...world.fresh(1)[0]!, ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }) }
      const asked = await client.ask(body, headers)
      told.push({ ...asked, at })
      const pauseMs = asked.status === 200 ? thinkMs : refusedMs
      if (pauseMs > 0) await sleep(pauseMs)
    }
  }
  const all = Array.from({ length: count }, converse)
  return {
    told,
    async stop() {
      isOver = true
      await Promise.all(all)
    },
  }
}

export const isAnswered = ({ status, generator }: Told) => status === 200 && generator !== 'extractive'
/** Although a model is there. */
export const isQuoted = ({ status, generator }: Told) => status === 200 && generator === 'extractive'
export const isRefused = ({ status }: Told) => status === 503 || status === 429

export interface Counts {
  readonly answered: number
  readonly quoted: number
  readonly refused: number
  readonly failed: number
}

export function countsOf(told: readonly Told[]): Counts {
  const count = (of: (each: Told) => boolean) => told.filter(of).length
  const [answered, quoted, refused] = [count(isAnswered), count(isQuoted), count(isRefused)]
  return { answered, quoted, refused, failed: told.length - answered - quoted - refused }
}

/** One row: what came of the questions, and how long answers took. */
export function rowOf(what: string, told: readonly Told[], seconds: number): Record<string, string | number> {
  const times = told.filter(isAnswered).map(({ ms }) => ms)
  const counts = countsOf(told)
  return {
    what,
    ...counts,
    'answered a second': rounded(counts.answered / seconds, 1),
    'p50, ms': rounded(quantile(times, 0.5), 0),
    'p99, ms': rounded(quantile(times, 0.99), 0),
  }
}

/** Those that were asked in a span of time. */
export function askedBetween(told: readonly Told[], from: number, to: number): Told[] {
  return told.filter(({ at }) => at >= from && at < to)
}

/** Those that were replied to in a span of time. */
export function repliedBetween(told: readonly Told[], from: number, to: number): Told[] {
  return told.filter(({ at, ms }) => at + ms >= from && at + ms < to)
}
