import { calmSpread, figureOf, isFailure, type Compared } from './compare.ts'
import { rounded } from '../cache/figures.ts'
import { spread } from '../retrieval/summary.ts'
import { claimsOf, figuresOf, type Report } from './report.ts'
import type { Figure, Outcome } from './terms.ts'

export function printOutcome(name: string, { tables, breakdowns = [] }: Outcome, seconds: number): void {
  console.log(`\n${name}, ${Math.round(seconds)} s`)
  for (const { title, rows } of tables) {
    console.log(title)
    console.table(rows)
  }
  for (const { name: what, stages } of breakdowns) {
    console.log(`stages, ms at the median: ${what}`)
    console.table([Object.fromEntries(Object.entries(stages).map(([stage, ms]) => [stage, rounded(ms, 2)]))])
  }
}

export function printClaims(report: Report): void {
  const figures = figuresOf(report)
  if (figures.length > 0) console.log('\nratios to the controls: medians of the turns')
  if (figures.length > 0) console.table(figures.map(figureLine))
  const claims = claimsOf(report)
  if (claims.length > 0)
    console.table(
      claims.map(({ what, measured, wanted, isReached }) => ({
        what,
        measured,
        wanted,
        '': isReached ? '' : 'NOT REACHED',
      })),
    )
}

export function figureLine(figure: Figure): Record<string, string | number> {
  const { ratio, least, most } = figureOf(figure)
  const apart = spread(figure.controls)
  return {
    what: figure.name,
    ratio: rounded(ratio, 3),
    turns: `${rounded(least, 3)}–${rounded(most, 3)}`,
    'control swings, %': rounded(apart * 100, 0),
    noise: apart > calmSpread ? 'machine too noisy' : '',
  }
}

export const verdictWords: Readonly<Record<Compared['verdict'], string>> = {
  kept: '',
  better: 'better',
  lost: 'LOST',
  noisy: 'too noisy to tell',
  missing: 'NOT MEASURED ANY MORE',
  new: 'new',
}

export function printComparison(compared: readonly Compared[]): void {
  console.log('beside the baseline')
  console.table(compared.map(each => comparedLine(each)))
  const failures = compared.filter(isFailure)
  for (const { name, before, now, noise } of failures)
    console.error(`${name}: ${told(before)} before, ${told(now)} now (noise ± ${rounded(noise * 100, 0)} %)`)
  if (compared.some(({ verdict }) => verdict === 'noisy'))
    console.error('warning: the machine was too noisy to tell in places; run it again')
}

export function comparedLine({ name, verdict, before, now, loss, noise }: Compared): Record<string, string> {
  return {
    what: name,
    before: told(before),
    now: told(now),
    change: Number.isFinite(loss) ? percent(-loss) : '',
    noise: Number.isFinite(noise) ? `± ${rounded(noise * 100, 0)} %` : '',
    '': verdictWords[verdict],
  }
}

function told(figure: Compared['now']): string {
  return figure === null ? '–' : `${rounded(figure.ratio, 3)} (${rounded(figure.least, 3)}–${rounded(figure.most, 3)})`
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${share > 0 ? '+' : ''}${rounded(share * 100, 0)} %`.replace('-', '−') : ''
}
