import { setImmediate as turn } from 'node:timers/promises'
import { Refused, type Limiter, type RefusedBy } from '../../src/resilience/limiter.ts'
import type { Priority } from '../../src/priority.ts'
import { manualClock, type ManualClock } from './clock.ts'

export interface Simulated {
  readonly clock: ManualClock
  /** Duration of a run on its own … */
  baseMs: number
  /** … which grows in proportion when more than this many run concurrently. */
  knee: number
}

export function simulated(baseMs: number, knee: number): Simulated {
  return { clock: manualClock(), baseMs, knee }
}

export interface Load {
  readonly perSecond: number
  readonly seconds: number
  readonly priority?: Priority
  readonly timeoutMs?: number
  /** Every n-th run is aborted in the middle. */
  readonly abortEvery?: number
  /** Every n-th run fails immediately. */
  readonly failEvery?: number
}

export interface Outcome {
  done: number
  refused: Record<RefusedBy, number>
  /** Times from arrival to end, of completed runs. */
  readonly ms: number[]
  /** Times from arrival to rejection. */
  readonly refusedMs: number[]
  mostInFlight: number
}

/** Starts runs at a fixed rate, whatever their outcome. It uses a simulated clock, so a minute takes a moment. */
export async function load(
  server: Simulated,
  limiter: Limiter,
  {
    perSecond,
    seconds,
    priority = 'interactive',
    timeoutMs = 30_000,
    abortEvery = Infinity,
    failEvery = Infinity,
  }: Load,
): Promise<Outcome> {
  const { clock } = server
  const outcome: Outcome = {
    done: 0,
    refused: { queue: 0, wait: 0, time: 0, evicted: 0, overdue: 0 },
    ms: [],
    refusedMs: [],
    mostInFlight: 0,
  }
  const [begin, total] = [clock.now(), perSecond * seconds]
  for (let come = 0; clock.now() - begin < seconds * 1000; clock.advance(1)) {
    for (; come < total && come < ((clock.now() - begin) * perSecond) / 1000; come++) void arrive(come)
    // Admitted and rejected runs are notified before time advances.
    await turn()
  }
  return outcome

  async function arrive(number: number): Promise<void> {
    const arrivedAt = clock.now()
    const controller = new AbortController()
    if (number % abortEvery === 0) clock.setTimeout(() => controller.abort(new Error('left')), server.baseMs / 2)
    try {
      const place = await limiter.enter({ priority, signal: controller.signal, deadline: arrivedAt + timeoutMs })
      outcome.mostInFlight = Math.max(outcome.mostInFlight, limiter.status().inFlight)
      const isWell = number % failEvery !== 0 && (await served(controller.signal))
      place.leave(isWell ? 'run' : null)
      if (isWell) outcome.ms.push(clock.now() - arrivedAt)
      if (isWell) outcome.done++
    } catch (error) {
      if (!(error instanceof Refused)) return
      outcome.refused[error.reason]++
      outcome.refusedMs.push(clock.now() - arrivedAt)
    }
  }

  function served(signal: AbortSignal): Promise<boolean> {
    const ms = server.baseMs * Math.max(1, limiter.status().inFlight / server.knee)
    return new Promise(resolve => {
      const timer = clock.setTimeout(() => resolve(true), ms)
      signal.addEventListener('abort', () => (clock.clearTimeout(timer as never), resolve(false)), { once: true })
    })
  }
}
