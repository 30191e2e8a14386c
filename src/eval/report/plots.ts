import type { Calibration } from '../answers/calibration.ts'
import type { Selection, SignalFigures } from '../answers/selection.ts'
import { escaped } from './escaped.ts'
import { signalWord } from './tables.ts'

/**
 * Plots as SVG for a page: the page's style has the colours, so that light, dark and paper work. Lines also differ by
 * their dashes. Each has a title and a description for those who cannot see it.
 */

const width = 520
const height = 320
const inner = { left: 54, right: 16, top: 14, bottom: 46 }
export const lineStyles = 5

export interface Line {
  readonly name: string
  readonly points: readonly Point[]
}

type Point = readonly [x: number, y: number]

export interface Plot {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly Line[]
  /** Points of their own, with a label. */
  readonly marks: readonly { readonly label: string; readonly at: Point }[]
}

interface Axis {
  readonly label: string
  readonly max: number
}

/** Right answers over false ones as the threshold falls, with the point that the product takes. */
export function rightFalsePlot(id: string, name: string, selection: Selection): Plot {
  const { signals, chosen, answerable, unanswerable } = selection
  return {
    id,
    title: `${name}: right over false answers`,
    description: `Each line is one figure to abstain by, over all thresholds; further up and left is better. At its own threshold the product gives ${chosen.right} right answers of ${answerable} and ${chosen.false} false ones of ${unanswerable}.`,
    x: { label: 'false answers', max: unanswerable },
    y: { label: 'right answers', max: answerable },
    lines: signals.map(signal => lineOf(signal, selection, point => [point.false, point.right])),
    marks: [{ label: 'default', at: [chosen.false, chosen.right] }],
  }
}

/** Share of the given answers that are not right, over the share of questions answered. */
export function riskCoveragePlot(id: string, name: string, selection: Selection): Plot {
  return {
    id,
    title: `${name}: risk over coverage`,
    description:
      'Share of the given answers that are not right, over the share of all questions that are answered; lower is better.',
    x: { label: 'coverage', max: 1 },
    y: { label: 'risk', max: 1 },
    lines: selection.signals.map(signal =>
      lineOf({ ...signal, curve: signal.curve.slice(1) }, selection, point => [point.coverage, point.risk]),
    ),
    marks: [],
  }
}

/** Share of what came true over the confidence that was stated. */
export function reliabilityPlot(id: string, name: string, calibration: Calibration): Plot {
  return {
    id,
    title: `${name}: how far the confidence can be taken at its word`,
    description: `Share of answerable questions over the stated confidence, in bins; on the diagonal it is exact. Expected calibration error ${calibration.ece.value?.toFixed(3) ?? 'unknown'}.`,
    x: { label: 'confidence', max: 1 },
    y: { label: 'share answerable', max: 1 },
    lines: [
      { name: 'measured', points: calibration.bins.map(bin => [bin.confidence, bin.share] as const) },
      { name: 'exact', points: [[0, 0] as const, [1, 1] as const] },
    ],
    marks: [],
  }
}

function lineOf(
  { signal, curve }: SignalFigures,
  selection: Selection,
  pointOf: (point: SignalFigures['curve'][number]) => Point,
): Line {
  return { name: signalWord(signal, selection), points: curve.map(pointOf) }
}

export function svgOf({ id, title, description, x, y, lines, marks }: Plot): string {
  const at = ([px, py]: Point): Point => [
    inner.left + (px / Math.max(x.max, 1e-9)) * (width - inner.left - inner.right),
    height - inner.bottom - (py / Math.max(y.max, 1e-9)) * (height - inner.top - inner.bottom),
  ]
  const grid = ticksTo(y.max).map(value => {
    const [, row] = at([0, value])
    return `<line class="grid" x1="${inner.left}" x2="${width - inner.right}" y1="${round(row)}" y2="${round(row)}"/><text x="${inner.left - 6}" y="${round(row + 4)}" text-anchor="end">${label(value)}</text>`
  })
  const ticks = ticksTo(x.max).map(
    value =>
      `<text x="${round(at([value, 0])[0])}" y="${height - inner.bottom + 18}" text-anchor="middle">${label(value)}</text>`,
  )
  const paths = lines.map(
    ({ name, points }, number) =>
      `<polyline class="l${number % lineStyles}" points="${points.map(point => at(point).map(round).join(',')).join(' ')}"><title>${escaped(name)}</title></polyline>`,
  )
  const dots = marks.map(({ label: text, at: point }) => {
    const [cx, cy] = at(point)
    return `<circle class="mark" cx="${round(cx)}" cy="${round(cy)}" r="5"/><text class="marked" x="${round(cx + 9)}" y="${round(cy + 18)}">${escaped(text)}</text>`
  })
  const labels = `<text x="${width - inner.right}" y="${height - 8}" text-anchor="end">${escaped(x.label)}</text><text transform="translate(13 ${inner.top + 4}) rotate(-90)" text-anchor="end">${escaped(y.label)}</text>`
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${escaped(title)}</title><desc id="${id}-desc">${escaped(description)}</desc>${grid.join('')}${ticks.join('')}${paths.join('')}${dots.join('')}${labels}</svg>${legendOf(lines)}`
}

function legendOf(lines: readonly Line[]): string {
  const items = lines.map(
    ({ name }, number) =>
      `<li><svg class="key" viewBox="0 0 28 8" aria-hidden="true"><polyline class="l${number % lineStyles}" points="0,4 28,4"/></svg>${escaped(name)}</li>`,
  )
  return `<ul class="legend">${items.join('')}</ul>`
}

/** About five round values from 0 on. */
function ticksTo(max: number): number[] {
  const rough = max / 5
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)))
  const step = [1, 2, 5, 10].map(each => each * power).find(each => each >= rough * 0.999) ?? rough
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, index) => index * step)
}

function label(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
