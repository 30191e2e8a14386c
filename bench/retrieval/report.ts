import type { Recall } from './recall.ts'
import { median, medians, rounded, spread, type Measured } from './summary.ts'

export interface SizeReport {
  readonly size: string
  readonly chunks: number
  readonly efSearch: number | null
  readonly recall: Recall
  /** By way of measuring ("hybrid, pgbench, 8"), a run a repetition. */
  readonly runs: Readonly<Record<string, readonly Measured[]>>
  readonly load: unknown
  readonly megabytes: Readonly<Record<string, number>>
}

/** Repetitions further apart than this say more of the machine than of the program. */
const noisy = 0.25

export function printReport(reports: readonly SizeReport[]): void {
  console.table(
    reports.flatMap(({ size, runs }) =>
      Object.entries(runs).map(([name, each]) => ({ size, 'measured, clients': name, ...line(each) })),
    ),
  )
  for (const { size, recall, runs } of reports) {
    console.log(
      `${size}: recall@10 ${rounded(recall.at10, 3)}, recall@50 ${rounded(recall.at50, 3)} of ${recall.questions} questions`,
    )
    for (const [name, ratio, each] of ratios(runs))
      console.log(
        `${size}: ${name}: ${rounded(ratio * 100, 0)} % of the vector arm alone by pgbench (${each.map(one => rounded(one * 100, 0)).join(', ')})`,
      )
  }
  printGrowth(reports)
}

function line(runs: readonly Measured[]) {
  const { perSecond, p50, p95, p99, serverCpu } = medians(runs)
  const apart = spread(runs.map(run => run.perSecond))
  return {
    'a second': rounded(perSecond, 0),
    'p50, ms': rounded(p50, 2),
    'p95, ms': rounded(p95, 2),
    'p99, ms': rounded(p99, 2),
    'server CPU, ms': rounded(serverCpu, 2),
    'spread, %': rounded(apart * 100, 0),
    noise: apart > noisy ? 'machine too noisy' : '',
  }
}

/** Turn by turn, so that both sides of a ratio met the same machine. */
function ratios(runs: SizeReport['runs']): [string, number, number[]][] {
  return Object.entries(runs)
    .filter(([name]) => name.startsWith('hybrid'))
    .map(([name, each]) => {
      const base = runs[`vector arm, pgbench, ${name.split(', ').at(-1)}`] ?? []
      const all = each.map((run, turn) => run.perSecond / base[turn]!.perSecond)
      return [name, median(all), all]
    })
}

function printGrowth(reports: readonly SizeReport[]): void {
  const [first, last] = [reports[0], reports.at(-1)]
  if (!first || !last || first === last) return
  for (const [name, runs] of Object.entries(last.runs)) {
    const before = first.runs[name]
    if (before)
      console.log(
        `${first.size} → ${last.size}: p50 of ${name} grows ${rounded(medians(runs).p50 / medians(before).p50, 2)}×`,
      )
  }
}
