import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median, rounded } from '../cache/figures.ts'
import { cpuMsOf } from '../cache/program.ts'
import type { Served } from '../cache/servers.ts'
import { zipfAsked, type Mix } from './asked.ts'
import type { Loaded } from './load.ts'
import { postgresCpuMs } from './postgres-cpu.ts'
import type { SystemName } from './systems.ts'

const execute = promisify(execFile)
const program = fileURLToPath(new URL('load.ts', import.meta.url))

export interface Figures {
  readonly perSecond: number
  /** Milliseconds, of answers with status 200. */
  readonly p50: number
  readonly p99: number
  readonly errors: number
  /** Milliseconds of processor time a request: of the service, and of the database. Noise disturbs these least. */
  readonly cpuMs: number
  readonly databaseCpuMs: number
}

export interface Scenario {
  readonly name: string
  readonly mix: Mix
  readonly chatMs: number
  readonly embeddingMs: number
  readonly connections: number
}

export interface Subject {
  readonly name: SystemName
  readonly served: Served
}

let turns = 0

const warmUpSeconds = 20
const warmUpQuestions = 500

/** So many questions as a compiler needs to see, however slow the system is; and what is asked again is asked once. */
export async function warmUp({ name, served }: Subject, scenario: Scenario): Promise<void> {
  const isWhole = scenario.mix === 'zipf again' && name === 'askwell cached'
  await underLoad(
    served,
    scenario,
    isWhole
      ? { seconds: wholeMixSeconds, questions: zipfAsked }
      : { seconds: warmUpSeconds, questions: warmUpQuestions },
  )
}

/** What a Zipf mix costs depends on how much of it is remembered, so Askwell has to come to its end; the rate of the others does not. */
const wholeMixSeconds = 120

/** One round of one system. A cold question is never asked again; a Zipf mix begins with questions that nobody has asked, unless it is asked again. */
export async function measure(
  { name, served }: Subject,
  scenario: Scenario,
  seconds: number,
  postmaster: number,
): Promise<Figures> {
  const cpu = () => ({ own: cpuMsOf(served.program.pid), database: postgresCpuMs(postmaster) })
  const before = cpu()
  const isCold = scenario.mix === 'cold'
  const longest = !isCold && name === 'askwell cached' ? wholeMixSeconds : seconds
  const {
    answered,
    errors,
    seconds: taken,
    p50,
    p99,
  } = await underLoad(served, scenario, { seconds: longest, questions: isCold ? Infinity : zipfAsked })
  const after = cpu()
  const each = (ms: number) => ms / Math.max(1, answered + errors)
  return {
    perSecond: answered / taken,
    p50,
    p99,
    errors,
    cpuMs: each(after.own - before.own),
    databaseCpuMs: each(after.database - before.database),
  }
}

async function underLoad(
  { address }: Served,
  { mix, connections }: Scenario,
  { seconds, questions }: { readonly seconds: number; readonly questions: number },
): Promise<Loaded> {
  const options = { address, mix, turn: mix === 'zipf again' ? 0 : ++turns, connections, seconds, questions }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  const { stdout } = await execute(process.execPath, [program, ...args])
  const loaded = JSON.parse(stdout) as Loaded
  if (loaded.answered === 0) throw new Error(`${address} answered none of its questions; ${loaded.errors} errors`)
  return loaded
}

/** Field by field over the rounds; errors of all rounds together. */
export function medianOf(rounds: readonly Figures[]): Figures {
  const of = (field: keyof Figures) => median(rounds.map(round => round[field]))
  return {
    perSecond: of('perSecond'),
    p50: of('p50'),
    p99: of('p99'),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    cpuMs: of('cpuMs'),
    databaseCpuMs: of('databaseCpuMs'),
  }
}

export interface Compared extends Figures {
  readonly name: SystemName
  /** Askwell's requests a second by this one's, round by round; the median, the least and the most. */
  readonly times: number
  readonly least: number
  readonly most: number
}

/** `rounds` has each system's figures in the order of the rounds. The first system is Askwell. */
export function compare(rounds: ReadonlyMap<SystemName, readonly Figures[]>): Compared[] {
  const [first = []] = rounds.values()
  return [...rounds].map(([name, own]) => {
    const ratios = own.map(({ perSecond }, round) => first[round]!.perSecond / perSecond)
    return { name, ...medianOf(own), times: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
  })
}

export function lineOf({
  name,
  perSecond,
  p50,
  p99,
  errors,
  cpuMs,
  databaseCpuMs,
  times,
  least,
  most,
}: Compared): object {
  return {
    system: name,
    'a second': rounded(perSecond, 1),
    'p50, ms': rounded(p50, 2),
    'p99, ms': rounded(p99, 1),
    errors,
    'CPU, ms': rounded(cpuMs, 2),
    'database CPU, ms': rounded(databaseCpuMs, 2),
    'Askwell is so many times faster': rounded(times, 2),
    rounds: `${rounded(least, 2)}–${rounded(most, 2)}`,
  }
}
