import { setImmediate as turn } from 'node:timers/promises'
import { InVain, type CallLimit } from '../../src/resilience/call-limit.ts'
import type { ManualClock } from './clock.ts'

export interface SimulatedModel {
  /** Time of one call that does not wait. */
  callMs: number
  /** Calls that it works on at a time; the others wait in silence, first come, first served. */
  atOnce: number
  /** Each call takes up to this share more or less; 0 when absent. */
  spread?: number
  /** Calls above this number are refused at once. */
  refusesAbove?: number
}

export interface Users {
  readonly count: number
  /** Time between an answer and the next question. */
  readonly thinkMs: number
  readonly timeoutMs: number
  readonly caller?: string
}

export interface Talk {
  answered: number
  /** Times from asking to the answer. */
  readonly answeredMs: number[]
  /** Were told at once, or after a wait, that the model cannot answer in time: they get quotations. */
  quoted: number
  readonly quotedMs: number[]
  /** Their call was cut off at its deadline. */
  late: number
  refusedByModel: number
  mostInFlight: number
}

const noTalk = (): Talk => ({
  answered: 0,
  answeredMs: [],
  quoted: 0,
  quotedMs: [],
  late: 0,
  refusedByModel: 0,
  mostInFlight: 0,
})

/** Users who ask again and again, behind a limit of calls to a simulated model. A minute takes a moment. */
export function simulateModel(clock: ManualClock, limit: CallLimit, model: SimulatedModel) {
  const queue: (() => void)[] = []
  let working = 0
  let random = 1
  let talks: Talk[] = []

  /** A small generator with a fixed seed, so that a failed run can be repeated. */
  function nextRandom(): number {
    random = (random * 16_807) % 2_147_483_647
    return random / 2_147_483_647
  }

  function call(signal: AbortSignal): Promise<'ok' | 'late'> {
    return new Promise(resolve => {
      let timer: unknown
      let isOver = false
      const start = () => {
        working++
        const ms = model.callMs * (1 + (model.spread ?? 0) * (2 * nextRandom() - 1))
        timer = clock.setTimeout(() => end('ok'), ms)
      }
      const end = (how: 'ok' | 'late') => {
        if (isOver) return // both were due at the same time
        isOver = true
        signal.removeEventListener('abort', onAbort)
        if (timer === undefined) queue.splice(queue.indexOf(start), 1)
        else working--
        clock.clearTimeout(timer as never)
        while (working < model.atOnce && queue.length > 0) queue.shift()?.()
        resolve(how)
      }
      const onAbort = () => end('late')
      signal.addEventListener('abort', onAbort, { once: true })
      if (working < model.atOnce) start()
      else queue.push(start)
    })
  }

  async function ask(group: number, { timeoutMs, caller }: Users): Promise<void> {
    // Counted where it ends, not where it began.
    const talk = () => talks[group]!
    const askedAt = clock.now()
    const controller = new AbortController()
    const timer = clock.setTimeout(() => controller.abort(new Error('late')), timeoutMs)
    try {
      const terms = { priority: 'interactive', caller, signal: controller.signal } as const
      const place = await limit.enter({ ...terms, deadline: askedAt + timeoutMs })
      const { inFlight } = limit.status()
      talk().mostInFlight = Math.max(talk().mostInFlight, inFlight)
      if (inFlight > (model.refusesAbove ?? Infinity)) {
        talk().refusedByModel++
        limit.busy(0)
        return place.leave('none')
      }
      const how = await call(controller.signal)
      place.leave(how)
      if (how === 'late') talk().late++
      else {
        talk().answered++
        talk().answeredMs.push(clock.now() - askedAt)
      }
    } catch (error) {
      if (!(error instanceof InVain)) return void talk().late++
      talk().quoted++
      talk().quotedMs.push(clock.now() - askedAt)
    } finally {
      clock.clearTimeout(timer as never)
    }
  }

  /** Users who ask until then. */
  function begin(...groups: (Users & { readonly seconds: number })[]): void {
    talks = groups.map(noTalk)
    groups.forEach((users, group) => {
      for (let user = 0; user < users.count; user++) void converse(group, users, clock.now() + users.seconds * 1000)
    })
  }

  /** What happens in the next seconds, of each group. */
  async function during(seconds: number): Promise<Talk[]> {
    const counted = talks.map(noTalk)
    talks = counted
    for (const endsAt = clock.now() + seconds * 1000; clock.now() < endsAt; clock.advance(1)) await turn()
    return counted
  }

  async function converse(group: number, users: Users, endsAt: number): Promise<void> {
    while (clock.now() < endsAt) {
      await ask(group, users)
      await new Promise<void>(resolve => clock.setTimeout(resolve, Math.max(1, users.thinkMs)))
    }
  }

  return { begin, during }
}
