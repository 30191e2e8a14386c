/** The content of a panel. Its position and the rest of what Grafana needs are computed below. */
export interface Panel {
  readonly title: string
  /** What a reader learns from it. */
  readonly about: string
  /** Grafana's unit name: s, percentunit, reqps, bytes, short. */
  readonly unit: string
  /** One expression and legend per line in the graph. */
  readonly queries: readonly (readonly [expr: string, legend: string])[]
  /** Above these values the panel is yellow or red. */
  readonly thresholds?: readonly [warning: number, critical: number]
  /** Alerts in runbook.md whose cause this panel shows. */
  readonly alerts?: readonly string[]
  readonly kind?: 'timeseries' | 'stat'
  readonly isStacked?: boolean
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly about: string
  readonly rows: readonly Row[]
}

/** A variable, because a relative URL does not work in a dashboard. */
const runbook = '${runbook}'
const source = { type: 'prometheus', uid: '${datasource}' }
const [perRow, height, width] = [3, 8, 8]

/** In the import format of Grafana 10 and later. */
export function dashboardJson({ uid, title, about, rows }: Dashboard): object {
  return {
    uid,
    title,
    description: about,
    tags: ['askwell'],
    timezone: 'browser',
    editable: true,
    schemaVersion: 39,
    version: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    links: [
      { title: 'Runbook', type: 'link', url: runbook, targetBlank: true },
      { title: 'Askwell', type: 'dashboards', tags: ['askwell'], asDropdown: true },
    ],
    templating: { list: variables },
    annotations: { list: [] },
    panels: laidOut(rows),
  }
}

const query = (name: string, expr: string) => ({
  name,
  type: 'query',
  datasource: source,
  definition: expr,
  query: { query: expr, refId: name },
  refresh: 2,
  includeAll: true,
  multi: true,
  current: { text: 'All', value: '$__all' },
  allValue: '.*',
})

const variables = [
  { name: 'datasource', type: 'datasource', query: 'prometheus', current: {}, label: 'Data source' },
  {
    name: 'runbook',
    type: 'textbox',
    label: 'Runbook',
    query: '/public/runbook.md',
    current: { text: '/public/runbook.md', value: '/public/runbook.md' },
  },
  query('job', 'label_values(askwell_build_info, job)'),
  query('instance', 'label_values(askwell_build_info{job=~"$job"}, instance)'),
]

function laidOut(rows: readonly Row[]): object[] {
  const all: object[] = []
  let y = 0
  for (const { title, panels } of rows) {
    all.push({
      id: all.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    })
    panels.forEach((panel, i) =>
      all.push(
        panelJson(panel, all.length + 1, {
          x: (i % perRow) * width,
          y: y + 1 + Math.floor(i / perRow) * height,
          w: width,
          h: height,
        }),
      ),
    )
    y += 1 + Math.ceil(panels.length / perRow) * height
  }
  return all
}

function panelJson(
  { title, about, unit, queries, thresholds, alerts = [], kind = 'timeseries', isStacked = false }: Panel,
  id: number,
  gridPos: object,
): object {
  return {
    id,
    type: kind,
    title,
    description: about,
    gridPos,
    datasource: source,
    links: alerts.map(alert => ({ title: alert, url: `${runbook}#${alert.toLowerCase()}`, targetBlank: true })),
    targets: queries.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode(65 + i),
      expr,
      legendFormat,
      datasource: source,
      exemplar: expr.includes('_bucket'),
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...thresholdsJson(thresholds),
        custom: kind === 'timeseries' ? lines(thresholds !== undefined, isStacked) : {},
      },
      overrides: [],
    },
    options:
      kind === 'timeseries'
        ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
        : { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value' },
  }
}

function thresholdsJson(thresholds: Panel['thresholds']): object {
  const [warning, critical] = thresholds ?? []
  const above =
    warning === undefined
      ? []
      : [
          { color: 'yellow', value: warning },
          { color: 'red', value: critical },
        ]
  return { thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }, ...above] } }
}

function lines(hasThresholds: boolean, isStacked: boolean): object {
  return {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: isStacked ? 40 : 8,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: isStacked ? 'normal' : 'none' },
    thresholdsStyle: { mode: hasThresholds ? 'dashed' : 'off' },
  }
}
