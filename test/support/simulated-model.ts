import { setImmediate as turn } from 'node:timers/promises'
import type { CallEnd } from '../../src/resilience/call-capacity.ts'
import { InVain, type CallLimit, type CallPlace, type CallTerms } from '../../src/resilience/call-limit.ts'
import type { Priority } from '../../src/priority.ts'
import type { ManualClock } from './clock.ts'

export interface SimulatedModel {
  /** Time of one call that does not wait. */
  callMs: number
  /** Calls that it works on at a time; the others wait in silence, first come, first served. */
  atOnce: number
  /** Each call takes up to this share more or less; 0 when absent. */
  spread?: number
  /** Share of that time after which it sends the first token. When absent, nothing shows that it works on a call. */
  firstToken?: number
  /** Of the generator of call times; not 0. */
  seed?: number
  /** Calls above this number are refused at once … */
  refusesAbove?: number
  /** … and those above so many in a second, … */
  refusesAbovePerSecond?: number
  /** … and asked to come back after this time. */
  retryAfterMs?: number
  /** Its caller gives up a call that it does not begin to work on within this time. */
  silenceMs?: number
}

export interface Users {
  readonly count: number
  /** Time between an answer and the next question. */
  readonly thinkMs: number
  readonly timeoutMs: number
  readonly caller?: string
  readonly priority?: Priority
  /** Every n-th of their questions, the user leaves after this time. */
  readonly leaves?: { readonly every: number; readonly afterMs: number }
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
  /** Calls that the model refused. */
  refusedByModel: number
  /** Questions whose third call was refused. */
  gaveUp: number
  left: number
  mostInFlight: number
}

const late = 'late'
const isLate = (signal: AbortSignal) => (signal.reason as Error | undefined)?.message === late

const noTalk = (): Talk => ({
  answered: 0,
  answeredMs: [],
  quoted: 0,
  quotedMs: [],
  late: 0,
  refusedByModel: 0,
  gaveUp: 0,
  left: 0,
  mostInFlight: 0,
})

/** Users who ask again and again, behind a limit of calls to a simulated model. A minute takes a moment. */
export function simulateModel(clock: ManualClock, limit: CallLimit, model: SimulatedModel) {
  const queue: (() => void)[] = []
  let working = 0
  let random = model.seed ?? 1
  let talks: Talk[] = []

  /** A small generator with a fixed seed, so that a failed run can be repeated. */
  function nextRandom(): number {
    random = (random * 16_807) % 2_147_483_647
    return random / 2_147_483_647
  }

  function call(signal: AbortSignal, place: CallPlace): Promise<CallEnd> {
    return new Promise(resolve => {
      let timer: unknown
      let tokenTimer: unknown
      let isOver = false
      const begin = () => {
        working++
        clock.clearTimeout(timer as never)
        const ms = model.callMs * (1 + (model.spread ?? 0) * (2 * nextRandom() - 1))
        timer = clock.setTimeout(() => end('ok'), ms)
        if (model.firstToken !== undefined) tokenTimer = clock.setTimeout(place.begin, model.firstToken * ms)
      }
      const end = (how: CallEnd) => {
        if (isOver) return // both were due at the same time
        isOver = true
        signal.removeEventListener('abort', onAbort)
        const at = queue.indexOf(begin)
        if (at >= 0) queue.splice(at, 1)
        else working--
        clock.clearTimeout(timer as never)
        clock.clearTimeout(tokenTimer as never)
        while (working < model.atOnce && queue.length > 0) queue.shift()?.()
        resolve(how)
      }
      const onAbort = () => end(isLate(signal) ? 'late' : 'none')
      signal.addEventListener('abort', onAbort, { once: true })
      if (working < model.atOnce) return begin()
      queue.push(begin)
      if (model.silenceMs !== undefined) timer = clock.setTimeout(() => end('silent'), model.silenceMs)
    })
  }

  /** Calls that were accepted in the last second, by the times when they were sent. */
  let sent: number[] = []

  function refuses(inFlight: number): boolean {
    sent = sent.filter(at => at > clock.now() - 1000)
    if (inFlight > (model.refusesAbove ?? Infinity) || sent.length >= (model.refusesAbovePerSecond ?? Infinity))
      return true
    sent.push(clock.now())
    return false
  }

  let asked = 0

  async function ask(group: number, { timeoutMs, caller, priority = 'interactive', leaves }: Users): Promise<void> {
    const askedAt = clock.now()
    const controller = new AbortController()
    const timers = [clock.setTimeout(() => controller.abort(new Error(late)), timeoutMs)]
    if (leaves && ++asked % leaves.every === 0)
      timers.push(clock.setTimeout(() => controller.abort(new Error('left')), leaves.afterMs))
    const { signal } = controller
    const ended = await tried(group, { priority, caller, signal, deadline: askedAt + timeoutMs })
    for (const timer of timers) clock.clearTimeout(timer as never)
    // Counted where it ends, not where it began.
    const talk = talks[group]!
    if (ended === 'silent') talk.late++
    else talk[ended]++
    if (ended === 'answered' || ended === 'quoted') talk[`${ended}Ms`].push(clock.now() - askedAt)
  }

  type Ended = 'answered' | 'quoted' | 'late' | 'silent' | 'left' | 'gaveUp'

  /** As the guards of the language model do it. */
  async function tried(group: number, terms: CallTerms): Promise<Ended> {
    const cut = () => (isLate(terms.signal) ? 'late' : 'left')
    for (let attempt = 1; attempt <= 3; attempt++) {
      const place = await limit.enter(terms).catch((error: unknown) => error)
      if (place instanceof InVain) return 'quoted'
      if (place instanceof Error) return cut()
      const { inFlight } = limit.status()
      talks[group]!.mostInFlight = Math.max(talks[group]!.mostInFlight, inFlight)
      if (refuses(inFlight)) {
        talks[group]!.refusedByModel++
        limit.busy(model.retryAfterMs ?? 0)
        ;(place as CallPlace).leave('none')
        continue
      }
      const end = await call(terms.signal, place as CallPlace)
      ;(place as CallPlace).leave(end)
      return end === 'ok' ? 'answered' : end === 'none' ? cut() : end
    }
    return 'gaveUp'
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
    for (const endsAt = clock.now() + seconds * 1000; clock.now() < endsAt; clock.advance(5)) await turn()
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
