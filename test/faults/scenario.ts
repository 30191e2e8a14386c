import t, { type Test } from 'tap'
import { atLeast } from '../support/at-least.ts'
import { startLoad, type Asked, type Load } from '../support/load.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { redisSkipReason } from '../support/redis.ts'
import { clientOf } from '../support/service.ts'
import { until } from '../support/until.ts'
import { keepRow, partOf, type Row } from './table.ts'
import { watchMachine } from './machine.ts'
import { judge, saysBusy, startWitness, type Expected } from './witness.ts'
import { fresh, isWhole, known, openWorld, type World } from './world.ts'

/** A fault that happens and heals under load, and what must hold meanwhile. */
export interface Scenario {
  readonly name: string
  readonly settings?: Readonly<Record<string, string>>
  /** Postgres is spoken to over TLS. */
  readonly isEncrypted?: boolean
  /** Processes of the service; by default as many as the run has. */
  readonly workers?: number
  /** How long the fault lasts, where that is longer than usual. */
  readonly seconds?: number
  /** What each question gives itself. */
  readonly timeoutMs?: number
  /** Begins the fault; what it starts and does not wait for ends with the signal, before the fault is healed. */
  readonly harm: (world: World, fault: Underway) => unknown
  readonly heal?: (world: World) => unknown
  readonly bar: Bar
  /** Whom the monitoring must blame meanwhile, and the log; null: nobody. */
  readonly found: Expected | null
  /** What else must hold once all is over. */
  readonly afterwards?: (t: Test, world: World) => unknown
}

export interface Underway {
  readonly t: Test
  /** Aborts when it is to end. */
  readonly signal: AbortSignal
  readonly load: Load
}

/** What does not hold of the questions that were sent during the fault, in words. */
export type Bar = (during: readonly Asked[], settled: readonly Asked[]) => readonly string[]

/** Seconds before, during and after the fault, and questions a second. Few in CI; `FAULTS=long` for figures. */
const pace =
  process.env['FAULTS'] === 'long'
    ? { before: 10, during: 20, after: 10, perSecond: 40 }
    : { before: 2, during: 7, after: 3, perSecond: 25 }

/** Ends a scenario that never recovers; the bar is 5 s, the machine may be slow, and the figure is in the table. */
const recoveryLimitMs = 180_000
/** So long must all be well again. */
const calmMs = 1500
const questionMs = 2500

export function runScenario(scenario: Scenario): void {
  const skip = postgresSkipReason() || redisSkipReason()
  t.test(scenario.name, { skip }, t => play(t, scenario))
}

async function play(t: Test, scenario: Scenario): Promise<void> {
  const world = await openWorld(t, scenario)
  for (const question of known) await clientOf(world.url).ask({ question })
  const load = startLoad({
    url: world.url,
    perSecond: pace.perSecond,
    known,
    fresh,
    timeoutMs: scenario.timeoutMs ?? questionMs,
    isWhole,
  })
  t.teardown(load.stop)
  await atLeast(1000) // a process that has just started is slow
  const beganAt = performance.now()
  await atLeast(pace.before * 1000)
  const brokenAt = performance.now()
  const machine = watchMachine()
  const witness = startWitness(world)
  const ending = new AbortController()
  const harming = (async () => await scenario.harm(world, { t, signal: ending.signal, load }))()
  harming.catch(() => {}) // awaited below; it may fail before
  await atLeast(Math.max(pace.during, scenario.seconds ?? 0) * 1000)
  // It lasts until it is found; what never is, the judgement says.
  await until('the monitoring has found it', () => witness.hasFound(scenario.found)).catch(() => {})
  const looks = await witness.stop()
  ending.abort()
  await harming
  await scenario.heal?.(world)
  const healedAt = performance.now()
  const recoverySeconds = await recovery(load, healedAt)
  await atLeast(Math.max(0, healedAt + pace.after * 1000 - performance.now()))
  await load.stop()
  const isProvoked = scenario.found?.culprit === 'process'
  const isBusy = machine.stop() || (!isProvoked && saysBusy(looks))

  const witnessed = judge(looks, witness.log(), scenario.found)
  // Where the machine gave nobody time, what came late is no fault of the service.
  const judged = load.asked.filter(({ outcome }) => !(isBusy && outcome === 'late'))
  if (judged.length < load.asked.length)
    t.comment(`the machine was busy: ${load.asked.length - judged.length} late ones are not counted`)
  const between = (from: number, to: number) => judged.filter(({ at }) => at >= from && at < to)
  // Those that were under way when it broke belong to neither side; they too may not fail.
  const before = between(beganAt, brokenAt).filter(({ at, ms }) => at + ms < brokenAt)
  const during = between(brokenAt, healedAt)
  const settled = between((brokenAt + healedAt) / 2, healedAt)
  const after = between(healedAt, Infinity)
  const broken = [
    ...answered('before the fault', before),
    ...nothingFails(between(beganAt, Infinity)),
    ...scenario.bar(during, settled),
    ...(recoverySeconds === null ? [`it did not recover within ${recoveryLimitMs / 1000} s: ${summary(after)}`] : []),
    ...faultsOfProcess(world),
    ...witnessed.broken,
  ]
  keepRow({
    scenario: scenario.name,
    before: partOf(before),
    during: partOf(during),
    settled: partOf(settled),
    after: partOf(after),
    recoverySeconds,
    witnessed,
    broken,
  } satisfies Row)
  for (const fault of broken) t.fail(fault)
  t.equal(broken.length, 0, 'everything holds that must')
  await scenario.afterwards?.(t, world)
  t.equal((await clientOf(world.url).send('GET', '/readyz')).status, 200, 'it is ready')
}

/** Seconds until the last question that was not answered well; null when that does not come to an end. */
async function recovery(load: Load, healedAt: number): Promise<number | null> {
  for (;;) {
    await atLeast(100)
    const after = load.asked.filter(({ at }) => at >= healedAt)
    const bad = after.filter(({ outcome }) => outcome !== 'well').map(({ at }) => at)
    const waiting = [...load.underWay].filter(at => at >= healedAt && performance.now() - at > 1000)
    const lastBad = Math.max(healedAt, ...bad, ...waiting)
    if (after.some(({ at }) => at > lastBad) && performance.now() - lastBad > calmMs) return (lastBad - healedAt) / 1000
    if (performance.now() - healedAt > recoveryLimitMs) return null
  }
}

function nothingFails(asked: readonly Asked[]): string[] {
  const failed = asked.filter(({ outcome }) => outcome === 'failed')
  const ways = [...Map.groupBy(failed, ({ why }) => why)].map(([why, those]) => `${those.length} × ${why}`)
  return ways.map(way => `failed: ${way}`)
}

/** Of the whole process: it lives, and nothing happened that it did not expect. */
function faultsOfProcess({ service }: World): string[] {
  const fatal = service.log
    .filter(({ level }) => level === 'fatal' || level === 60)
    .map(({ msg }) => `fatal: ${String(msg)}`)
  return service.stderr === '' ? fatal : [...fatal, `on stderr: ${service.stderr.slice(0, 500)}`]
}

const isAnswered = ({ outcome }: Asked) => outcome === 'well' || outcome === 'degraded'

function answered(when: string, asked: readonly Asked[], share = 1): string[] {
  const good = asked.filter(isAnswered).length
  return asked.length > 0 && good >= share * asked.length
    ? []
    : [`${when} ${good} of ${asked.length} were answered: ${summary(asked)}`]
}

function summary(asked: readonly Asked[]): string {
  const kinds = Map.groupBy(
    asked.filter(each => !isAnswered(each)),
    ({ outcome, code, isKnown, isStreamed }) =>
      `${isKnown ? 'known' : 'fresh'} ${isStreamed ? 'stream' : 'json'} ${outcome} ${code ?? ''}`.trim(),
  )
  return [...kinds].map(([kind, those]) => `${those.length} × ${kind}`).join(', ')
}

/** No fault of a dependency but Postgres keeps a question from its answer, though it may lack something. */
export const allAnswered: Bar = during => answered('during the fault', during, 0.999)

/** Nobody can take words back: a stream that has begun may end with an error. */
export const allButBegunStreams: Bar = during => [
  ...answered(
    'during the fault, without streams,',
    during.filter(({ isStreamed }) => !isStreamed),
    0.999,
  ),
  ...answered(
    'during the fault, of streams that did not break off,',
    during.filter(({ isStreamed, outcome }) => isStreamed && outcome !== 'broken'),
    0.999,
  ),
]

/** Without Postgres: what is remembered is given, the rest refused; by and by at once. */
export const cachedAnswered: Bar = (during, settled) => {
  const rest = settled.filter(({ isKnown }) => !isKnown)
  const refused = rest.filter(({ outcome }) => outcome === 'refused').length
  return [
    ...knownAnswered(during, settled),
    ...(refused >= 0.9 * rest.length
      ? []
      : [`in the second half of the fault ${refused} of ${rest.length} fresh ones were refused: ${summary(rest)}`]),
  ]
}

/** What is remembered is given, the rest answered, refused, or told in time that it was not. */
export const knownAnswered: Bar = during =>
  answered(
    'during the fault, of those asked before,',
    during.filter(({ isKnown }) => isKnown),
  )

/** Those that were refused knew it, the others have their answers. */
export const answeredOrRefused: Bar = during => {
  const late = during.filter(({ outcome }) => outcome === 'late' || outcome === 'broken')
  return late.length === 0 ? [] : [`during the fault ${late.length} of ${during.length} were late: ${summary(during)}`]
}
