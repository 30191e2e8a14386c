import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dashboards } from '../../deploy/grafana/dashboards.ts'
import { dashboardJson } from '../../deploy/grafana/panels.ts'
import { alertCases, type AlertCase } from '../support/alert-cases.ts'
import { prometheusSkipReason, promtool, readRules, rulesFolder } from '../support/prometheus.ts'
import { settings } from '../../src/config/settings.ts'

/** What deploy/ has for operators: alert rules that fire when they should, their runbook sections, and dashboards. */

const skip = prometheusSkipReason()
const rules = ['recording-rules.yaml', 'alert-rules.yaml'].flatMap(file =>
  readRules(file).flatMap(group => group.rules),
)
const alerts = rules.filter(rule => rule.alert !== undefined)
const deploy = new URL('../../deploy/', import.meta.url)
const textOf = (path: string) => readFileSync(new URL(path, deploy), 'utf8')
const runbook = readFileSync(new URL('../docs/operations/runbook.md', deploy), 'utf8')

t.test('promtool finds nothing wrong with configuration and rules', { skip }, async t => {
  for (const args of [
    ['config', 'prometheus.yaml'],
    ['rules', 'recording-rules.yaml'],
    ['rules', 'alert-rules.yaml'],
  ]) {
    const { code, text } = await promtool(['check', args[0]!, join(rulesFolder, args[1]!)])
    t.equal(code, 0, text)
  }
})

t.test('each alert fires for what it is there for, and not for what looks like it', { skip }, async t => {
  t.same(Object.keys(alertCases).sort(), alerts.map(({ alert }) => alert).sort(), 'each has a case')
  const { code, text } = await promtool(['test', 'rules', writeTests(t)])
  t.equal(code, 0, text)
})

function writeTests(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-rules-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { AskwellAbsent, ...others } = alertCases
  // Each in a job of its own, all in one storage: making one takes half a second. `AskwellAbsent` knows its job by name.
  const tests = [
    ruleTests(others),
    ruleTests({ AskwellAbsent: { ...AskwellAbsent!, quiet: {} } }, 'askwell'),
    ruleTests({ AskwellAbsent: { ...AskwellAbsent!, fires: {} } }, 'askwell'),
  ]
  const file = join(folder, 'tests.yaml')
  writeFileSync(
    file,
    JSON.stringify({
      rule_files: ['recording-rules.yaml', 'alert-rules.yaml'].map(each => join(rulesFolder, each)),
      evaluation_interval: '1m',
      tests,
    }),
  )
  return file
}

/** A case without series is left out. */
function ruleTests(cases: Readonly<Record<string, AlertCase>>, job?: string): object {
  const all = Object.entries(cases)
    .flatMap(([alert, { fires, quiet, at = '20m' }]) => [
      { alert, at, series: fires, isFiring: true, job: job ?? `${alert} fires` },
      { alert, at, series: quiet, isFiring: false, job: job ?? `${alert} is quiet` },
    ])
    .filter(({ series }) => Object.keys(series).length > 0)
  return {
    interval: '1m',
    input_series: all.flatMap(each =>
      Object.entries(each.series).map(([name, values]) => ({ series: ofJob(name, each.job), values })),
    ),
    promql_expr_test: all.map(each => ({
      expr: `count(ALERTS{alertname="${each.alert}",alertstate="firing",job="${each.job}"})`,
      eval_time: each.at,
      exp_samples: each.isFiring ? [{ labels: '{}', value: 1 }] : [],
    })),
  }
}

function ofJob(series: string, job: string): string {
  const own = `job="${job}",instance="a"`
  return series.includes('{') ? series.replace('{', `{${own},`) : `${series}{${own}}`
}

t.test('each alert says how bad it is, whose fault, what it means, and where to read on', async t => {
  for (const { alert, labels, annotations } of alerts) {
    t.match(labels, { severity: /^(critical|warning|info)$/, culprit: String }, alert!)
    t.match(
      annotations,
      { summary: /./, description: /./, runbook_url: `docs/operations/runbook.md#${alert!.toLowerCase()}` },
      alert!,
    )
  }
})

t.test('the runbook has a section for each alert, whole, and none for what is no alert', async t => {
  const sections = runbook
    .split(/^### /m)
    .slice(1)
    .map(section => ({ name: section.split('\n', 1)[0]!, section }))
  t.same(sections.map(({ name }) => name).sort(), alerts.map(({ alert }) => alert!).sort())
  for (const { name, section } of sections)
    for (const part of ['Means', 'Users see', 'Check', 'Do']) t.ok(section.includes(`**${part}:**`), `${name}: ${part}`)
})

t.test('the runbook repeats the severity and the summary of each alert', async t => {
  for (const { alert, labels, annotations } of alerts) {
    const { severity = '' } = labels ?? {}
    const summary = annotations?.['summary']
      ?.replace(/\{\{ \$labels\.(\w+) \}\}/g, '`$1`')
      .replace('{{ $value | humanizeDuration }}', '`duration`')
    const line = `${severity.charAt(0).toUpperCase()}${severity.slice(1)}: ${summary}.`
    t.ok(runbook.includes(`### ${alert}\n\n${line}\n`), `${alert}: ${line}`)
  }
})

t.test('the settings and panels that the runbook names exist', async t => {
  const text = runbook
  const named = [...new Set(Array.from(text.matchAll(/`([A-Z]+_[A-Z_]+)`/g), ([, name]) => name!))]
  const known = new Set(Object.values(settings).map(({ name }) => name))
  t.same(
    named.filter(name => !known.has(name)),
    [],
  )
  const titles = new Set(
    Object.values(dashboards).flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.map(({ title }) => title))),
  )
  const panels = Array.from(text.matchAll(/[Pp]anels? ((?:"[^"]+"(?:, | and )?)+)/g), ([, list]) =>
    Array.from(list!.matchAll(/"([^"]+)"/g), ([, title]) => title!),
  ).flat()
  t.ok(panels.length > 20)
  t.same(
    panels.filter(title => !titles.has(title)),
    [],
  )
})

t.test('dashboards', async t => {
  const files = globSync('grafana/dashboards/*.json', { cwd: deploy.pathname })
  t.same(files.map(file => file.split('/').at(-1)).sort(), Object.keys(dashboards).sort())
  for (const [file, dashboard] of Object.entries(dashboards)) {
    t.same(
      JSON.parse(textOf(`grafana/dashboards/${file}`)),
      dashboardJson(dashboard),
      `${file} is what dashboards.ts says: node deploy/grafana/make.ts`,
    )
  }
  const panels = Object.values(dashboards).flatMap(({ rows }) => rows.flatMap(row => row.panels))
  const known = new Set(alerts.map(({ alert }) => alert))
  for (const { title, alerts: shown = [] } of panels)
    t.same(
      shown.filter(alert => !known.has(alert)),
      [],
      `${title}: its alerts exist`,
    )
  const shown = new Set(panels.flatMap(({ alerts: each = [] }) => each))
  t.same(
    [...known].filter(alert => !shown.has(alert!)),
    [],
    'each alert has a panel that shows its cause',
  )
})

t.test('expressions of dashboards are PromQL', { skip }, async t => {
  const exprs = Object.values(dashboards).flatMap(({ rows }) =>
    rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(([expr]) => expr))),
  )
  const plain = exprs.map(expr => expr.replaceAll('$__rate_interval', '1m'))
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-panels-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'rules.yaml')
  writeFileSync(
    file,
    JSON.stringify({ groups: [{ name: 'panels', rules: plain.map((expr, i) => ({ record: `panel:${i}`, expr })) }] }),
  )
  const { code, text } = await promtool(['check', 'rules', file])
  t.equal(code, 0, text)
})
