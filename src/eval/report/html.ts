import type { Selection } from '../answers/selection.ts'
import { escaped } from './escaped.ts'
import { lineStyles, reliabilityPlot, rightFalsePlot, riskCoveragePlot, svgOf, type Plot } from './plots.ts'
import type { Examples, Report } from './report.ts'
import type { TextTable } from './tables.ts'

/** One file that requests nothing: readable from a disk, on a phone, in the dark and on paper. */
export function htmlOf(report: Report): string {
  const { title, facts, tables, examples } = report
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<dl class="facts">${facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>
<p>Intervals are 95 %: of Wilson for shares, by bootstrap for the rest.</p>
${plotsOf(report)}
${tables.map(table => `<section><h2>${escaped(table.title)}</h2>${tableOf(table)}</section>`).join('\n')}
${examples.length === 0 ? '' : `<section><h2>What went wrong</h2>${examples.map(examplesOf).join('\n')}</section>`}
</main>
</body>
</html>
`
}

function plotsOf({ sets }: Report): string {
  const plots = sets.flatMap(({ name, selection }, index) =>
    selection ? plotsOfSet(name, `p${index}`, selection) : [],
  )
  if (plots.length === 0) return ''
  const figures = plots.map(plot => `<figure><figcaption>${escaped(plot.title)}</figcaption>${svgOf(plot)}</figure>`)
  return `<section><h2>Curves</h2><div class="plots">${figures.join('')}</div></section>`
}

function plotsOfSet(name: string, id: string, selection: Selection): Plot[] {
  return [
    rightFalsePlot(`${id}-right`, name, selection),
    riskCoveragePlot(`${id}-risk`, name, selection),
    ...(selection.calibration ? [reliabilityPlot(`${id}-ece`, name, selection.calibration.answerable)] : []),
  ]
}

function examplesOf({ title, total, shown }: Examples): string {
  const rows = shown.map(each => [each.question, each.kind, each.answer, each.wanted])
  const columns = ['question', 'kind', 'answer', 'wanted']
  return `<details><summary>${escaped(title)}: ${shown.length} of ${total}</summary>${tableOf({ title, columns, rows })}</details>`
}

/** Figures to the right. A table that is too wide scrolls by itself, also with the keyboard. */
function tableOf({ title, columns, rows }: TextTable): string {
  const cell = (text: string, column: number) => {
    if (column === 0) return `<th scope="row">${escaped(text)}</th>`
    return `<td${/^[+−\d–]/.test(text) && text.length < 24 ? ' class="n"' : ''}>${escaped(text)}</td>`
  }
  const head = columns.map(column => `<th scope="col">${escaped(column)}</th>`).join('')
  const body = rows.map(row => `<tr>${row.map(cell).join('')}</tr>`).join('')
  return `<div class="wide" tabindex="0" role="region" aria-label="${escaped(title)}"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

const colours = [
  ['#1f5fa8', '#6cb6ff', '0'],
  ['#b3400a', '#ff9a5c', '7 4'],
  ['#2e7031', '#7fd183', '2 3'],
  ['#7b3fa0', '#d2a8ff', '10 3 2 3'],
  ['#7a5f00', '#e3c341', '4 2'],
] as const satisfies { length: typeof lineStyles }

const style = `
:root{--fg:#1c1e21;--bg:#fff;--soft:#545c68;--line:#d9dde3;${colours.map(([light], i) => `--l${i}:${light};`).join('')}}
@media (prefers-color-scheme:dark){:root{--fg:#e6e8eb;--bg:#15181c;--soft:#a6aeb9;--line:#343a43;${colours.map(([, dark], i) => `--l${i}:${dark};`).join('')}}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
main{max-width:1400px;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}
p,dt{color:var(--soft)}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:0}.facts dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{white-space:nowrap}tbody th{font-weight:500;min-width:11rem}
td{overflow-wrap:anywhere;min-width:4rem}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
details{margin:.5rem 0}summary{cursor:pointer}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:1.5rem}
figure{margin:0;min-width:0}figcaption{font-size:.9rem;font-weight:600}
figure>svg{width:100%;height:auto;display:block}svg text{font-size:13px;fill:var(--soft)}svg text.marked{fill:var(--fg);font-weight:600}
.grid{stroke:var(--line);stroke-width:1}polyline{fill:none;stroke-width:2}
.mark{fill:var(--bg);stroke:var(--fg);stroke-width:2.5}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;margin:.2rem 0;padding:0;font-size:.8rem}
.key{width:28px;height:8px;margin-right:.4em;vertical-align:middle}
${colours.map(([, , dashes], i) => `.l${i}{stroke:var(--l${i});stroke-dasharray:${dashes}}`).join('\n')}
@media print{:root{--fg:#000;--bg:#fff;--soft:#333;--line:#bbb;${colours.map(([light], i) => `--l${i}:${light};`).join('')}}main{max-width:none;padding:0}.wide{overflow:visible}table{font-size:.7rem}figure,tr{break-inside:avoid}details:not([open])>*{display:block}}
`
