import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Asked, Outcome } from '../support/load.ts'
import type { Witnessed } from './witness.ts'

/** What a scenario gave, in figures: made by its file, printed by run.ts when all have ended. */

export interface Part {
  readonly asked: number
  readonly counts: Readonly<Record<Outcome, number>>
  /** Milliseconds, of fresh questions that had a reply (those asked before take one or two); null: none had. */
  readonly p50: number | null
  readonly p99: number | null
  /** The same of those that were refused. */
  readonly refusedIn: { readonly p50: number; readonly p99: number } | null
}

export interface Row {
  readonly scenario: string
  readonly before: Part
  readonly during: Part
  /** Those of the second half of the fault: by then it is known to the service. */
  readonly settled: Part
  readonly after: Part
  /** Seconds from the fault's end to the last question that was not answered well; null: it never was well again. */
  readonly recoverySeconds: number | null
  /** What the monitoring and the log said meanwhile. */
  readonly witnessed: Witnessed
  /** What did not hold. */
  readonly broken: readonly string[]
}

export function partOf(asked: readonly Asked[]): Part {
  const counts = { well: 0, degraded: 0, refused: 0, late: 0, broken: 0, failed: 0 }
  for (const { outcome } of asked) counts[outcome]++
  const fresh = asked.filter(({ isKnown, status }) => !isKnown && status !== null)
  const { p50 = null, p99 = null } = timesOf(fresh) ?? {}
  return {
    asked: asked.length,
    counts,
    p50,
    p99,
    refusedIn: timesOf(fresh.filter(({ outcome }) => outcome === 'refused')),
  }
}

function timesOf(asked: readonly Asked[]): Part['refusedIn'] {
  const times = asked.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] as number
  return times.length === 0 ? null : { p50: at(0.5), p99: at(0.99) }
}

/** Where the rows of one run are gathered: its files are processes of their own. */
export const rowsVariable = 'ASKWELL_FAULTS_ROWS'

export function keepRow(row: Row): void {
  const file = process.env[rowsVariable]
  if (file === undefined) console.error(tableOf([row]))
  else appendFileSync(file, `${JSON.stringify(row)}\n`)
}

export function keptRows(file: string): Row[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Row)
}

const heads = [
  'scenario',
  'asked',
  'well',
  'degraded',
  'refused',
  'late',
  'broken off',
  'failed',
  'before',
  'during',
  '2nd half',
  'after',
  'refused in',
  'back after',
  'verdict',
  'blamed first',
  'logged',
  'holds',
]

/** Counts are of the time of the fault; times are p50/p99 of fresh questions, in milliseconds; `refused in` those of the second half. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [heads, ...rows.map(cellsOf)]
  const widths = heads.map((_, column) => Math.max(...lines.map(line => line[column]!.length)))
  return lines
    .map(line =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n')
}

function cellsOf({ scenario, before, during, settled, after, recoverySeconds, witnessed, broken }: Row): string[] {
  const { well, degraded, refused, late, broken: brokenOff, failed } = during.counts
  const counts = [during.asked, well, degraded, refused, late, brokenOff, failed].map(String)
  const back = recoverySeconds === null ? 'never' : `${recoverySeconds.toFixed(1)} s`
  return [
    scenario,
    ...counts,
    ...[before, during, settled, after].map(times),
    times(settled.refusedIn ?? none),
    back,
    witnessed.verdict,
    witnessed.first ?? '–',
    witnessed.logged ?? '–',
    broken.length === 0 ? 'yes' : 'NO',
  ]
}

const none = { p50: null, p99: null }

function times({ p50, p99 }: Pick<Part, 'p50' | 'p99'>): string {
  return p50 === null || p99 === null ? '–' : `${Math.round(p50)}/${Math.round(p99)}`
}
