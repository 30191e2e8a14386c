import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { median, spread } from '../retrieval/summary.ts'
import type { Figure } from './terms.ts'

/** The ratios of a run, by name; written with `--write-baseline`. Absolute figures belong to their machine and are not in it. */
export interface Baseline {
  readonly commit: string
  readonly date: string
  readonly figures: Readonly<Record<string, BaselineFigure>>
}

export interface BaselineFigure {
  readonly better: Figure['better']
  readonly ratio: number
  /** The least and the most of the turns. */
  readonly least: number
  readonly most: number
}

/**
 * `lost`: worse by more than is allowed, and by more than the noise. `noisy`: worse by more than is allowed, but the
 * noise is larger still: nobody can tell. `missing`: in the baseline and not measured any more.
 */
export type Verdict = 'kept' | 'better' | 'lost' | 'noisy' | 'missing' | 'new'

export interface Compared {
  readonly name: string
  readonly verdict: Verdict
  readonly before: BaselineFigure | null
  readonly now: BaselineFigure | null
  /** Share by which it got worse; below nought: better. NaN where one of the two is not there. */
  readonly loss: number
  /** Share that the figure swings by itself: what a loss must exceed to be believed. */
  readonly noise: number
}

/** The control may swing so far around its median (least to most) while the ratios are still believed by their own spread alone. */
export const calmSpread = 0.6

export function figureOf({ better, turns }: Figure): BaselineFigure {
  return { better, ratio: median(turns), least: Math.min(...turns), most: Math.max(...turns) }
}

/** `maxLoss` is a share. Of the baseline only the scenarios that were measured now are looked at. */
export function compare(
  before: Baseline,
  now: readonly Figure[],
  scenarios: readonly string[],
  maxLoss: number,
): Compared[] {
  const known = new Set(now.map(({ name }) => name))
  const missing = Object.entries(before.figures).filter(
    ([name]) => scenarios.includes(scenarioOf(name)) && !known.has(name),
  )
  return [
    ...now.map(figure => compared(before.figures[figure.name] ?? null, figure, maxLoss)),
    ...missing.map(([name, figure]) => ({
      name,
      verdict: 'missing' as const,
      before: figure,
      now: null,
      loss: NaN,
      noise: NaN,
    })),
  ]
}

function compared(before: BaselineFigure | null, figure: Figure, maxLoss: number): Compared {
  const now = figureOf(figure)
  const noise = Math.max(swing(now), before === null ? 0 : swing(before), controlNoise(figure))
  if (before === null) return { name: figure.name, verdict: 'new', before, now, loss: NaN, noise }
  // Both ways as a share of the better value: half as much and twice as long are both a loss of one half.
  const loss = now.better === 'more' ? 1 - now.ratio / before.ratio : 1 - before.ratio / now.ratio
  return { name: figure.name, verdict: verdictOf(loss, noise, maxLoss), before, now, loss, noise }
}

function verdictOf(loss: number, noise: number, maxLoss: number): Verdict {
  if (!Number.isFinite(loss)) return 'missing'
  if (loss > maxLoss) return loss > noise ? 'lost' : 'noisy'
  return loss < -Math.max(maxLoss, noise) ? 'better' : 'kept'
}

/** Half of what lies between the least and the most turn. */
function swing({ ratio, least, most }: BaselineFigure): number {
  return (most - least) / 2 / ratio
}

/** A control that swings is what the turns are there for; one that swings wildly leaves no turn to trust. */
function controlNoise({ controls }: Figure): number {
  const apart = controls.length === 0 ? 0 : spread(controls)
  return apart > calmSpread ? apart / 2 : 0
}

export function isFailure({ verdict }: Compared): boolean {
  return verdict === 'lost' || verdict === 'missing'
}

export function scenarioOf(name: string): string {
  return name.split(':')[0] ?? name
}

export function readBaseline(path: string): Baseline {
  const baseline = JSON.parse(readFileSync(path, 'utf8')) as Partial<Baseline> | null
  if (typeof baseline?.figures !== 'object') throw new Error(`${path} is no baseline: --write-baseline makes one`)
  return baseline as Baseline
}

/** Figures of scenarios that were not measured now stay as they are. */
export function writeBaseline(path: string, baseline: Baseline, scenarios: readonly string[]): void {
  const before = existsSync(path) ? readBaseline(path).figures : {}
  const others = Object.entries(before).filter(([name]) => !scenarios.includes(scenarioOf(name)))
  const figures = { ...Object.fromEntries(others), ...baseline.figures }
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value)
  writeFileSync(path, `${JSON.stringify({ ...baseline, figures }, rounded, 2)}\n`)
}
