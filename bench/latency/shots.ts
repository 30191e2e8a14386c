import { msAt, type LoadResult } from '../cache/load.ts'
import { percentiles } from '../cache/cannon.ts'
import { median, rounded } from '../cache/figures.ts'
import type { Turn } from '../support/interleave.ts'
import type { Curve, Figure } from './terms.ts'

/** One measurement: as autocannon's worker gives it, or made of latencies that something else took down. */
export type Shot = Pick<LoadResult, 'perSecond' | 'cpuUs' | 'curve' | 'statuses'>

export type Of = (shot: Shot) => number

export const perSecond: Of = shot => shot.perSecond
export const cpuUs: Of = shot => shot.cpuUs
export const p50: Of = shot => msAt(shot, 50)
export const p99: Of = shot => msAt(shot, 99)

export function shotOf(latenciesMs: readonly number[], seconds: number): Shot {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (percentile: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor((percentile / 100) * sorted.length))]!
  const curve = sorted.length === 0 ? [] : percentiles.map(percentile => [percentile, at(percentile)] as const)
  return { perSecond: sorted.length / seconds, cpuUs: NaN, curve, statuses: { 200: sorted.length } }
}

/** All shots of one name; of the control without one. */
export function shotsOf(turns: readonly Turn<Shot>[], name?: string): Shot[] {
  if (name === undefined) return [...turns.map(turn => turn.before), ...turns.slice(-1).map(turn => turn.after)]
  return turns.map(turn => turn.shots[name]!)
}

/** Turn by turn: the subject's by the mean of the control's just before and just after. */
export function ratioOf(
  turns: readonly Turn<Shot>[],
  name: string,
  of: Of,
  described: Pick<Figure, 'name' | 'better'>,
): Figure {
  const ratios = turns.map(({ before, after, shots }) => (2 * of(shots[name]!)) / (of(before) + of(after)))
  return { ...described, turns: ratios, controls: shotsOf(turns).map(of) }
}

/** Milliseconds that the subject takes longer than the control around it: the median of the turns. */
export function addedOf(turns: readonly Turn<Shot>[], name: string, of: Of): number {
  return median(turns.map(({ before, after, shots }) => of(shots[name]!) - (of(before) + of(after)) / 2))
}

/** Medians of the turns. */
export function lineOf(what: string, shots: readonly Shot[]): Record<string, unknown> {
  const of = (value: Of, digits: number) => rounded(median(shots.map(value)), digits)
  const ms = (percentile: number) => of(shot => msAt(shot, percentile), 3)
  const refused = shots.reduce(
    (sum, shot) =>
      sum +
      Object.entries(shot.statuses)
        .filter(([status]) => status !== '200')
        .reduce((all, [, count]) => all + count, 0),
    0,
  )
  const all = {
    what,
    'a second': of(perSecond, 1),
    'p50, ms': ms(50),
    'p90, ms': ms(90),
    'p99, ms': ms(99),
    'p99.9, ms': ms(99.9),
    'CPU µs': of(cpuUs, 1),
    'not 200': refused,
  }
  // pgbench has no processor time, and what was refused altogether no latency.
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, Number.isNaN(value) ? '' : value]))
}

/** Percentile by percentile, the median of the turns. */
export function curveOf(title: string, name: string, shots: readonly Shot[]): Curve {
  const points = percentiles.map(percentile => [percentile, median(shots.map(shot => msAt(shot, percentile)))] as const)
  return { title, name, points: points.filter(([, ms]) => Number.isFinite(ms)) }
}
