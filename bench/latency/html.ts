import { isFailure } from './compare.ts'
import { breakdownPlot, escaped, latencyPlot, sweepPlot } from './plots.ts'
import { claimsOf, figuresOf, machineOf, type Report } from './report.ts'
import { headlineOf } from './summary.ts'
import { comparedLine, figureLine } from './table.ts'

/** One file that asks for nothing outside itself: readable from a disk, on a phone, in the dark. */
export function htmlOf(report: Report): string {
  const title = `Askwell: latency at ${report.commit}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style}</style>
<main>
<h1>${escaped(title)}</h1>
<p>${escaped(report.date.slice(0, 16).replace('T', ' '))} UTC · ${escaped(machineOf(report))} · <code>${escaped(report.command)}</code></p>
<p>${escaped(sentence(headlineOf(report)))}</p>
${barsOf(report)}
${comparisonOf(report)}
${latenciesOf(report)}
${throughputOf(report)}
${stagesOf(report)}
${tablesOf(report)}
</main>
</html>
`
}

function barsOf(report: Report): string {
  const rows = claimsOf(report).map(({ what, measured, wanted, isReached }) => ({
    what,
    measured: String(measured),
    wanted,
    '': isReached ? 'reached' : 'NOT REACHED',
  }))
  return rows.length === 0 ? '' : section('Bars', table(rows))
}

function comparisonOf(report: Report): string {
  const { compared } = report
  if (compared === null) return section('Ratios to the controls', table(figuresOf(report).map(figureLine)))
  return section(
    'Beside the baseline',
    table(
      compared.map(comparedLine),
      compared.map(each => (isFailure(each) ? 'bad' : '')),
    ),
  )
}

function latenciesOf({ outcomes }: Report): string {
  const groups = grouped(
    Object.values(outcomes)
      .flatMap(({ curves = [] }) => curves)
      .filter(({ points }) => points.length > 0),
  )
  return groups.length === 0
    ? ''
    : section('Latency', figures(groups.map(([title, curves]) => [title, latencyPlot(curves)])))
}

function throughputOf({ outcomes }: Report): string {
  const groups = grouped(Object.values(outcomes).flatMap(({ sweeps = [] }) => sweeps))
  return groups.length === 0
    ? ''
    : section('Throughput over concurrency', figures(groups.map(([title, sweeps]) => [title, sweepPlot(sweeps)])))
}

function stagesOf({ outcomes }: Report): string {
  const breakdowns = Object.values(outcomes).flatMap(({ breakdowns: all = [] }) => all)
  return breakdowns.length === 0
    ? ''
    : section(
        'Stages',
        `<p>One question at a time, medians of what the service says in <code>timings_ms</code>.</p>${figures([['', breakdownPlot(breakdowns)]])}`,
      )
}

function tablesOf({ outcomes }: Report): string {
  return Object.entries(outcomes)
    .map(([name, { tables }]) =>
      section(name, tables.map(({ title, rows }) => `<h3>${escaped(title)}</h3>${table(rows.map(texts))}`).join('')),
    )
    .join('\n')
}

function grouped<Each extends { readonly title: string }>(all: readonly Each[]): [string, Each[]][] {
  return Object.entries(Object.groupBy(all, ({ title }) => title)) as [string, Each[]][]
}

function figures(all: readonly (readonly [title: string, plot: string])[]): string {
  return `<div class="plots">${all.map(([title, plot]) => `<figure>${title === '' ? '' : `<figcaption>${escaped(title)}</figcaption>`}${plot}</figure>`).join('')}</div>`
}

function section(title: string, content: string): string {
  return `<section><h2>${escaped(title)}</h2>${content}</section>`
}

function texts(row: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'number' && !Number.isFinite(value) ? '' : String(value),
    ]),
  )
}

type Cell = string | number

/** Numbers to the right. A table too wide for the screen scrolls by itself. */
function table(rows: readonly Readonly<Record<string, Cell>>[], classes: readonly string[] = []): string {
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))]
  const cell = (value: Cell | undefined) => {
    const text = String(value ?? '')
    return `<td${/^[+−-]?[\d.]+( %)?$/.test(text) ? ' class="n"' : ''}>${escaped(text)}</td>`
  }
  const lines = rows.map(
    (row, number) =>
      `<tr${classes[number] ? ` class="${classes[number]}"` : ''}>${names.map(name => cell(row[name])).join('')}</tr>`,
  )
  return `<div class="wide" tabindex="0"><table><thead><tr>${names.map(name => `<th>${escaped(name)}</th>`).join('')}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

const colours = [
  ['#1f6fb2', '#6cb6ff'],
  ['#c2410c', '#ff9a5c'],
  ['#2e7d32', '#7fd183'],
  ['#7b3fa0', '#d2a8ff'],
  ['#8a6d00', '#e3c341'],
  ['#b0305c', '#ff8fb3'],
] as const

const style = `
:root{--fg:#1c1e21;--bg:#fff;--soft:#5c6470;--line:#d9dde3;--bad:#fbe4e4;${colours.map(([light], number) => `--s${number}:${light};`).join('')}}
@media (prefers-color-scheme:dark){:root{--fg:#e6e8eb;--bg:#15181c;--soft:#a0a8b3;--line:#343a43;--bad:#4a2226;${colours.map(([, dark], number) => `--s${number}:${dark};`).join('')}}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
main{max-width:1360px;margin:0 auto;padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:.95rem;margin:1rem 0 .3rem}
p{margin:.3rem 0;color:var(--soft);overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td:first-child{min-width:11rem}th{font-weight:600;white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-nums}
tr.bad td{background:var(--bad)}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:1rem}
figure{margin:0;min-width:0}figcaption{font-size:.85rem;font-weight:600}
svg{width:100%;height:auto;display:block}svg text{font-size:13px;fill:var(--soft)}
.grid{stroke:var(--line);stroke-width:1}polyline{fill:none;stroke-width:2}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;margin:.2rem 0;padding:0;font-size:.8rem}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}
${colours.map((_, number) => `.l${number}{stroke:var(--s${number})}.d${number},.f${number}{fill:var(--s${number})}.b${number}{background:var(--s${number})}`).join('\n')}
`
