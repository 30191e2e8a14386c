import type { Breakdown, Curve, Sweep } from './terms.ts'

/** Plots as SVG that stands in a page: colours and type come from the page's style (`--s1`…), so that light and dark both work. */

const width = 480
const height = 270
const inner = { left: 46, right: 20, top: 26, bottom: 44 }
const lineColours = 6

interface Axis {
  readonly at: (value: number) => number
  readonly ticks: readonly (readonly [value: number, label: string])[]
  readonly label: string
}

interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** Latency over percentile: the right end is drawn out, as most of what matters is there. */
export function latencyPlot(curves: readonly Curve[]): string {
  const shown = curves.map(({ name, points }) => ({
    name,
    points: points.filter(([percentile]) => percentile >= 10 && percentile <= 99.9),
  }))
  const all = shown.flatMap(({ points }) => points.map(([, ms]) => ms))
  const nines = (percentile: number) => -Math.log10(1 - percentile / 100)
  const x = {
    at: scaled([nines(10), nines(99.9)], [inner.left, width - inner.right], nines),
    ticks: [10, 50, 90, 99, 99.9].map(value => [value, String(value)] as const),
    label: 'percentile',
  }
  return plot(shown, x, { ...logAxis(all, [height - inner.bottom, inner.top]), label: 'ms' })
}

/** Requests a second over connections, both by powers. */
export function sweepPlot(sweeps: readonly Sweep[]): string {
  const lines = sweeps.map(({ name, points }) => ({
    name,
    points: points
      .filter(({ perSecond }) => perSecond > 0)
      .map(({ connections, perSecond }) => [connections, perSecond] as const),
  }))
  const [xs, ys] = [0, 1].map(place => lines.flatMap(({ points }) => points.map(point => point[place]!)))
  const x = {
    ...logAxis(xs!, [inner.left, width - inner.right]),
    ticks: [...new Set(xs)].map(value => [value, String(value)] as const),
    label: 'connections',
  }
  return plot(lines, x, { ...logAxis(ys!, [height - inner.bottom, inner.top]), label: 'a second' })
}

/** Stacked bars, one a request, all to one scale. */
export function breakdownPlot(breakdowns: readonly Breakdown[]): string {
  const names = stageNames(breakdowns)
  const total = ({ stages }: Breakdown) => Object.values(stages).reduce((sum, ms) => sum + ms, 0)
  const longest = Math.max(...breakdowns.map(total), 0.001)
  const row = 46
  const bars = breakdowns.map((breakdown, number) => {
    let left = 0
    const parts = names.map((name, place) => {
      const ms = breakdown.stages[name] ?? 0
      const part = `<rect x="${round(left)}" y="${number * row + 18}" width="${round((ms / longest) * width)}" height="20" class="f${place % lineColours}"><title>${escaped(name)}: ${round(ms)} ms</title></rect>`
      left += (ms / longest) * width
      return part
    })
    return `<text x="0" y="${number * row + 12}">${escaped(breakdown.name)}: ${round(total(breakdown))} ms</text>${parts.join('')}`
  })
  return `<svg viewBox="0 0 ${width} ${breakdowns.length * row}" role="img" aria-label="what each stage takes">${bars.join('')}</svg>${legend(names)}`
}

export function stageNames(breakdowns: readonly Breakdown[]): string[] {
  return [...new Set(breakdowns.flatMap(({ stages }) => Object.keys(stages)))].filter(name =>
    breakdowns.some(({ stages }) => (stages[name] ?? 0) > 0),
  )
}

function plot(lines: readonly Line[], x: Axis, y: Axis): string {
  const across = y.ticks.map(
    ([value, label]) =>
      `<line class="grid" x1="${inner.left}" x2="${width - inner.right}" y1="${round(y.at(value))}" y2="${round(y.at(value))}"/><text x="${inner.left - 6}" y="${round(y.at(value) + 4)}" text-anchor="end">${label}</text>`,
  )
  const down = x.ticks.map(
    ([value, label]) =>
      `<text x="${round(x.at(value))}" y="${height - inner.bottom + 18}" text-anchor="middle">${label}</text>`,
  )
  const drawn = lines.map(({ name, points }, number) => {
    const path = points.map(([px, py]) => `${round(x.at(px))},${round(y.at(py))}`).join(' ')
    const dots = points.map(
      ([px, py]) =>
        `<circle class="d${number % lineColours}" cx="${round(x.at(px))}" cy="${round(y.at(py))}" r="2.5"><title>${escaped(name)}, ${px} ${x.label}: ${Number(py.toPrecision(4))} ${y.label}</title></circle>`,
    )
    return `<polyline class="l${number % lineColours}" points="${path}"/>${dots.join('')}`
  })
  const labels = `<text x="${width - inner.right}" y="${height - 6}" text-anchor="end">${x.label}</text><text x="0" y="12">${y.label}</text>`
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(lines.map(({ name }) => name).join(', '))}: ${y.label} over ${x.label}">${across.join('')}${down.join('')}${drawn.join('')}${labels}</svg>${legend(lines.map(({ name }) => name))}`
}

function legend(names: readonly string[]): string {
  return `<ul class="legend">${names.map((name, number) => `<li><i class="b${number % lineColours}"></i>${escaped(name)}</li>`).join('')}</ul>`
}

/** From a power of ten to a power of ten, with 2 and 5 between where there is room. */
function logAxis(values: readonly number[], onto: readonly [number, number]): Pick<Axis, 'at' | 'ticks'> {
  const known = values.filter(value => value > 0)
  const [least, most] = [Math.min(...known, 1e6), Math.max(...known, 1e-3)]
  const powers = Array.from({ length: 12 }, (_, number) => 10 ** (number - 4))
  const steps = Math.log10(most / least) > 2.5 ? [1] : [1, 2, 5]
  const all = powers.flatMap(power => steps.map(step => step * power))
  const [from, to] = [all.findLast(value => value <= least) ?? least, all.find(value => value >= most) ?? most]
  const ticks = all.filter(value => value >= from * 0.999 && value <= to * 1.001)
  return {
    at: scaled([Math.log10(from), Math.log10(Math.max(to, from * 10 ** 0.01))], onto, Math.log10),
    ticks: ticks.map(value => [value, label(value)] as const),
  }
}

function label(value: number): string {
  return value >= 1000 ? `${value / 1000}k` : String(Number(value.toPrecision(2)))
}

function scaled(
  [from, to]: readonly [number, number],
  [onto, end]: readonly [number, number],
  by: (value: number) => number,
) {
  return (value: number) => onto + ((by(value) - from) / (to - from)) * (end - onto)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
