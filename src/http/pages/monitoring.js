// @ts-check

/**
 * The script of the monitoring page: polls the two endpoints below it and shows their replies. It allows for missing
 * figures, because the service may be updated while the page is open.
 *
 * @typedef {import('../routes/performance-metrics.ts').PerformanceMetrics} Figures
 * @typedef {import('../routes/pool-status-body.ts').PoolStatusBody} PoolStatus
 * @typedef {import('../../ask/terms/run.ts').StageName} StageName
 * @typedef {keyof Figures['windows']} WindowLength
 * @typedef {Figures['windows'][WindowLength]} Shown The figures of one window.
 *
 * @typedef {number | null | undefined} Value
 * @typedef {'good' | 'warn' | 'bad' | 'off' | 'info'} Kind
 * @typedef {Readonly<Record<string, string | number | boolean>>} Attributes
 * @typedef {{ readonly tag: string, readonly attributes: Attributes, readonly children: readonly Child[] }} Tree
 * @typedef {Tree | string | number} Child
 * @typedef {Child | null | undefined | false | readonly Children[]} Children Nothing is rendered for null and false.
 *
 * @typedef {{ readonly name: string, readonly look: string, readonly values: readonly Value[], readonly area?: boolean }} Line
 * @typedef {readonly [name: string, value: Value]} Limit
 * @typedef {{ readonly ticks: readonly number[], readonly top: number, readonly y: (value: number) => number }} Scale
 * @typedef {(value: Value) => string} Format
 * @typedef {object} Chart
 * @property {string} title
 * @property {string} [note]
 * @property {Format} say
 * @property {number} [least] The least value at the top of the scale.
 * @property {boolean} [isLog]
 * @property {boolean} [bars]
 * @property {readonly Line[]} lines
 * @property {readonly Limit[]} [limits]
 * @property {readonly (readonly [name: string, values: readonly Value[], format: Format])[]} [extra]
 */

const pollMs = 3000
const timeoutMs = 8000
const staleMs = 15_000
const slots = 90
const width = 900
const height = 100
const seconds = { '1m': 60, '5m': 300, '15m': 900 }
const lengths = /** @type {const} */ (['1m', '5m', '15m'])

/** @type {(id: string) => HTMLElement} */
function $(id) {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`the page has no #${id}`)
  return element
}

const secret = /** @type {HTMLInputElement} */ ($('secret'))
const look = /** @type {HTMLInputElement} */ ($('look'))
const when = /** @type {HTMLOutputElement} */ ($('when'))

/**
 * @type {{
 *   key: string, figures: Figures | null, pool: PoolStatus | null, at: number, hasAnswer: boolean, fault: Fault | null,
 *   window: WindowLength, isPaused: boolean, look: number, hover: number | null
 * }}
 */
const state = {
  key: storedKey(),
  figures: null,
  pool: null,
  at: 0,
  hasAnswer: false,
  fault: null,
  window: '5m',
  isPaused: false,
  look: 0,
  hover: null,
}

// Element trees are patched into the page in place, which keeps focus, selection and scroll position. Text is never
// parsed as markup.

/** @type {(tag: string, attributes: Attributes | null, ...children: readonly Children[]) => Tree} */
function h(tag, attributes, ...children) {
  return {
    tag,
    attributes: attributes ?? {},
    children: flat(children),
  }
}

/** @type {(children: Children) => Child[]} */
function flat(children) {
  if (children === null || children === undefined || children === false) return []
  return typeof children === 'object' && !('tag' in children) ? children.flatMap(flat) : [children]
}

/** @type {(parent: Element, children: readonly Child[]) => void} */
function patch(parent, children) {
  children.forEach((child, at) => {
    const old = parent.childNodes[at]
    if (typeof child === 'object') {
      const isFit = old instanceof Element && old.localName === child.tag
      const node = isFit ? old : place(createElement(child.tag, parent), old, parent)
      setAttributes(node, child.attributes)
      patch(node, child.children)
    } else {
      const node = old instanceof Text ? old : place(document.createTextNode(''), old, parent)
      if (node.data !== String(child)) node.data = String(child)
    }
  })
  while (parent.childNodes.length > children.length) parent.lastChild?.remove()
}

/**
 * Puts a node where another one is, or at the end.
 *
 * @template {Element | Text} T
 * @param {T} node
 * @param {ChildNode | undefined} old
 * @param {Element} parent
 * @returns {T}
 */
function place(node, old, parent) {
  if (old) old.replaceWith(node)
  else parent.append(node)
  return node
}

/** @type {(tag: string, parent: Element) => Element} */
function createElement(tag, parent) {
  const space =
    tag === 'svg' || parent.namespaceURI?.endsWith('svg')
      ? 'http://www.w3.org/2000/svg'
      : 'http://www.w3.org/1999/xhtml'
  return document.createElementNS(space, tag)
}

/** @type {(node: Element, attributes: Attributes) => void} */
function setAttributes(node, attributes) {
  for (const name of node.getAttributeNames()) if (!(name in attributes)) node.removeAttribute(name)
  for (const [name, value] of Object.entries(attributes))
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value))
}

/** @type {(id: string, ...children: readonly Children[]) => void} */
function show(id, ...children) {
  patch($(id), flat(children))
}

// Numbers with their units.

const nothing = '–'
const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/**
 * @param {Value} value
 * @returns {value is number}
 */
function isNumber(value) {
  return typeof value === 'number' && Number.isFinite(value)
}

/** @type {Format} */
function count(value) {
  if (!isNumber(value)) return nothing
  return Math.abs(value) < 10_000 ? plain.format(value) : compact.format(value)
}

/** @type {Format} */
function ms(value) {
  if (!isNumber(value)) return nothing
  if (value < 10) return `${plain.format(value)}\u00a0ms`
  if (value < 999.5) return `${Math.round(value)}\u00a0ms`
  return span(value / 1000)
}

/** @type {Format} */
function span(s) {
  if (!isNumber(s)) return nothing
  if (s < 9.995) return `${s.toFixed(Number.isInteger(s) ? 0 : 2)}\u00a0s`
  if (s < 119.5) return `${Math.round(s)}\u00a0s`
  if (s < 7200) return `${Math.round(s / 60)}\u00a0min`
  return s < 172_800 ? `${plain.format(s / 3600)}\u00a0h` : `${plain.format(s / 86_400)}\u00a0days`
}

/** @type {Format} */
function share(value) {
  if (!isNumber(value)) return nothing
  const percent = value * 100
  if (percent > 0 && percent < 0.1) return '<0.1\u00a0%'
  return `${percent < 10 || (percent > 99 && percent < 100) ? plain.format(Math.floor(percent * 10) / 10) : Math.round(percent)}\u00a0%`
}

/** @type {Format} */
function rate(value) {
  return isNumber(value) ? `${value < 100 ? plain.format(value) : count(Math.round(value))}\u00a0/s` : nothing
}

/** @type {(price: NonNullable<Shown['models']['cost']>) => string} */
function money({ amount, currency }) {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency, maximumSignificantDigits: 3 }).format(amount)
  } catch {
    return `${count(amount)} ${currency}`
  }
}

/** @type {(some: number, all: number) => number | null} */
const part = (some, all) => (all > 0 ? some / all : null)
/** @type {(name: string) => string} */
const words = name => String(name).replaceAll('_', ' ')
/** @type {(value: Value, unit: string) => string} */
const withUnit = (value, unit) => (isNumber(value) ? `${count(value)}\u00a0${unit}` : nothing)

// Requests to the service, and their failures.

class Fault extends Error {
  /**
   * @param {'key' | keyof typeof outages} kind
   * @param {string} message
   */
  constructor(kind, message) {
    super(message)
    this.kind = kind
  }
}

/**
 * @param {string} path
 * @returns {Promise<any>} The body, in the format that the caller expects of this path.
 */
async function get(path) {
  const reply = await replyFrom(path)
  if (reply.ok) return await reply.json().catch(() => fail('refused', 'The reply was cut off or is not JSON.'))
  const problem = await reply.json().catch(() => ({}))
  if (reply.status === 401)
    fail(
      'key',
      state.key
        ? 'The service does not accept this key.'
        : 'The key is stored in this tab only, and deleted when the tab closes.',
    )
  if (reply.status === 403) fail('key', 'The key is valid but lacks the “monitoring” scope.')
  if (reply.status === 404) fail('refused', 'Monitoring data is not served on this port; try MONITORING_PORT.')
  if (problem.code === 'starting') fail('starting', 'The service is starting.')
  if (problem.code === 'draining') fail('draining', 'The service is shutting down.')
  fail('refused', `The service replied ${reply.status}${problem.title ? `: ${problem.title}` : ''}.`)
}

/** @type {(path: string) => Promise<Response>} */
async function replyFrom(path) {
  try {
    return await fetch(path, {
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
      headers: state.key ? { authorization: `Bearer ${state.key}` } : {},
    })
  } catch (error) {
    fail(
      'gone',
      error instanceof DOMException && error.name === 'TimeoutError'
        ? `The service did not reply within ${timeoutMs / 1000} s.`
        : 'The service cannot be reached.',
    )
  }
}

/**
 * @param {Fault['kind']} kind
 * @param {string} message
 * @returns {never}
 */
function fail(kind, message) {
  throw new Fault(kind, message)
}

let isPolling = false
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer

async function poll() {
  clearTimeout(timer)
  if (isPolling || document.hidden || state.isPaused) return
  isPolling = true
  const startedAt = Date.now()
  const replies = await Promise.allSettled([get('monitoring/performance-metrics'), get('monitoring/pool-status')])
  const [figures, pool] = replies.map(reply => (reply.status === 'fulfilled' ? reply.value : null))
  isPolling = false
  state.fault = replies.find(reply => reply.status === 'rejected')?.reason ?? null
  if (figures) state.figures = figures
  if (pool) state.pool = pool
  state.hasAnswer = Boolean(figures ?? pool)
  if (state.hasAnswer) state.at = Date.now()
  // Failed keys count towards the rate limit, so polling stops until another key is entered.
  if (state.fault?.kind !== 'key') timer = setTimeout(poll, Math.max(500, pollMs - (Date.now() - startedAt)))
  try {
    render()
  } catch (error) {
    warn(
      `This page cannot display the reply of the service: ${error instanceof Error ? error.message : String(error)}.`,
    )
  }
}

function storedKey() {
  try {
    return sessionStorage.getItem('askwell-monitoring-key') ?? ''
  } catch {
    return ''
  }
}

/** @type {(key: string) => void} */
function storeKey(key) {
  state.key = key
  try {
    sessionStorage.setItem('askwell-monitoring-key', key)
  } catch {
    // Without session storage the key stays in memory until the page is closed.
  }
}

// Verdict, findings, recommendations.

/** @type {Readonly<Record<string, string>>} */
const culprits = {
  database: 'Postgres',
  pool: 'Connection pool',
  redis: 'Redis',
  chat: 'Chat model',
  embeddings: 'Embedding model',
  rerank: 'Reranker',
  limits: 'Limits',
  process: 'This process',
  clients: 'Clients',
  traffic: 'Traffic',
}
/** @type {Readonly<Record<string, Kind>>} */
const kinds = {
  ok: 'good',
  up: 'good',
  ready: 'good',
  closed: 'good',
  off: 'off',
  none: 'off',
  unknown: 'off',
  info: 'info',
  degraded: 'warn',
  strained: 'warn',
  'half-open': 'warn',
  connecting: 'warn',
  connect: 'warn',
  reconnecting: 'warn',
  wait: 'warn',
  starting: 'warn',
  warning: 'warn',
}
/** @type {(name: string) => Kind} */
const kindOf = name => kinds[name] ?? 'bad'
const ranks = ['critical', 'warning', 'info']

/** @type {Readonly<Record<Kind, readonly (readonly [tag: string, attributes: Attributes])[]>>} */
const shapes = {
  good: [
    ['circle', { cx: 8, cy: 8, r: 7.5 }],
    ['path', { class: 'on', d: 'M4.6 8.4l2.3 2.3 4.5-5' }],
  ],
  warn: [
    ['path', { d: 'M8 .8l7.8 14H.2z' }],
    ['path', { class: 'on', d: 'M8 5.8v4m0 2.6v.1' }],
  ],
  bad: [
    ['path', { d: 'M4.8.5h6.4l4.3 4.3v6.4l-4.3 4.3H4.8L.5 11.2V4.8z' }],
    ['path', { class: 'on', d: 'M5.3 5.3l5.4 5.4m0-5.4l-5.4 5.4' }],
  ],
  info: [
    ['circle', { cx: 8, cy: 8, r: 7.5 }],
    ['path', { class: 'on', d: 'M8 7.6v4m0-7.2v.1' }],
  ],
  off: [['circle', { class: 'ring', cx: 8, cy: 8, r: 6 }]],
}

/** @type {(kind: Kind) => Tree} */
function icon(kind) {
  return h(
    'svg',
    { class: `icon ${kind}`, viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    shapes[kind].map(([tag, attributes]) => h(tag, attributes)),
  )
}

/** @type {(name: string) => Tree} */
function badge(name) {
  return h('span', { class: `badge ${kindOf(name)}` }, icon(kindOf(name)), words(name))
}

function findings() {
  const all = [state.figures?.findings, state.pool?.service?.findings, state.pool?.reasons].flatMap(each => each ?? [])
  const once = new Map(all.map(finding => [`${finding.culprit} ${finding.code}`, finding]))
  return [...once.values()].sort((a, b) => ranks.indexOf(a.severity) - ranks.indexOf(b.severity))
}

/** @type {Readonly<Record<'gone' | 'refused' | 'starting' | 'draining', { readonly kind: Kind, readonly word: string }>>} */
const outages = {
  gone: { kind: 'bad', word: 'No reply' },
  refused: { kind: 'bad', word: 'No data' },
  starting: { kind: 'warn', word: 'Starting' },
  draining: { kind: 'warn', word: 'Stopping' },
}

const poolVerdicts = /** @type {const} */ ({ ok: 'ok', strained: 'degraded', exhausted: 'failing', down: 'failing' })

/** The worst verdict on the whole service, or that on the pool if there is no other. */
function knownVerdict() {
  const verdicts = [state.figures?.verdict, state.pool?.service?.verdict]
  const worst = /** @type {const} */ (['failing', 'degraded', 'ok']).find(word => verdicts.includes(word))
  return worst ?? (state.pool ? poolVerdicts[state.pool.verdict] : undefined)
}

const sentences = {
  ok: 'No known problems.',
  degraded: 'Questions are answered, but some answers are slow or limited.',
  failing: 'Questions fail.',
}

/**
 * A word, its kind, and a sentence without numbers, so that screen readers announce it only when the state changes.
 *
 * @returns {{ readonly kind: Kind, readonly word: string, readonly sentence: string }}
 */
function verdict() {
  const known = knownVerdict()
  const { fault } = state
  if (fault?.kind === 'key')
    return { kind: 'off', word: 'Key required', sentence: 'Enter a monitoring key to see the data of this service.' }
  if (fault && !state.hasAnswer)
    return { ...outages[fault.kind], sentence: known ? `The last verdict was “${known}”.` : 'No data has arrived yet.' }
  if (!known) return { kind: 'off', word: 'Loading…', sentence: 'Waiting for the first data.' }
  const culpritNames = [
    ...new Set(
      findings()
        .filter(({ severity }) => severity !== 'info')
        .map(({ culprit }) => culprits[culprit] ?? culprit),
    ),
  ]
  return {
    kind: kindOf(known),
    word: known === 'ok' ? 'OK' : known.charAt(0).toUpperCase() + known.slice(1),
    sentence: `${sentences[known]}${culpritNames.length > 0 ? ` Check: ${culpritNames.join(', ')}.` : ''}`,
  }
}

function renderVerdict() {
  const { kind, word, sentence } = verdict()
  $('verdict').className = kind
  show('word', icon(kind), h('div', null, h('h2', null, word), h('p', null, sentence)))
  show('mini', icon(kind), ` ${word}`)
  $('mini').className = kind
  show(
    'findings',
    findings().map(({ culprit, severity, code, detail }) =>
      h(
        'li',
        null,
        icon(kindOf(severity)),
        h(
          'div',
          null,
          h('span', { class: 'unseen' }, `${severity}: `),
          h('strong', null, `${culprits[culprit] ?? culprit}: `),
          detail,
          ' ',
          h('code', { class: 'quiet' }, code),
        ),
      ),
    ),
  )
  document.title = `${word} – Askwell monitoring`
  const [colour, shape] = tabIcons[kind]
  document
    .querySelector('link[rel=icon]')
    ?.setAttribute(
      'href',
      `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path fill='%23${colour}' d='${shape}'/></svg>`,
    )
}

/** @type {Readonly<Record<Kind, readonly [colour: string, shape: string]>>} */
const tabIcons = {
  good: ['0a8a4d', 'M8 0l8 8-8 8-8-8z'],
  warn: ['d98200', 'M8 1l8 14H0z'],
  bad: ['d1293d', 'M1 1h14v14H1z'],
  off: ['80868c', 'M5 5h6v6H5z'],
  info: ['80868c', 'M5 5h6v6H5z'],
}

function renderHeadline() {
  const { figures } = state
  const minute = figures?.windows?.['1m']
  $('headline').hidden = !minute
  if (!minute) return
  show(
    'headline',
    figure('Requests', rate(minute.per_second), 'in the last minute'),
    figure('Failed', share(minute.error_ratio), `${count(minute.errors)} of ${count(minute.requests)}`),
    figure('Latency, p95', ms(minute.latency_ms?.all?.p95), `p50 ${ms(minute.latency_ms?.all?.p50)}`),
    cacheFigure(minute.caches?.answer),
    limiterFigure(figures.limiter),
  )
}

/** @type {(answers: Shown['caches']['answer'] | undefined) => Tree} */
function cacheFigure(answers) {
  return figure('Cache hit ratio', share(answers?.hit_ratio), `${count(answers?.hits)} hits`)
}

/** @type {(limiter: Figures['limiter'] | undefined) => Tree} */
function limiterFigure(limiter) {
  const { in_flight: inFlight, limit, queued } = limiter ?? {}
  return figure('In flight', `${count(inFlight)} of ${count(limit)}`, `${count(queued)} queued`)
}

/** @type {(name: string, value: string, note: string) => Tree} */
function figure(name, value, note) {
  return h('div', null, h('dt', null, name), h('dd', null, value, h('span', { class: 'note' }, note)))
}

function renderAdvice() {
  const all = state.figures?.recommendations ?? []
  if (all.length === 0) return show('advice', h('p', { class: 'quiet' }, 'No recommendations.'))
  show(
    'advice',
    h(
      'ul',
      { class: 'advice' },
      all.map(({ severity, setting, title, evidence, action }) =>
        h(
          'li',
          { class: severity === 'warning' ? 'warn' : 'note' },
          h('p', null, h('strong', null, title), setting ? [' ', h('code', { class: 'chip' }, setting)] : null),
          h('p', { class: 'quiet' }, evidence),
          h('p', null, action),
        ),
      ),
    ),
  )
}

// Charts: the SVG is stretched, lines keep their width, and labels are HTML next to it.

/** @type {Readonly<Record<StageName, string>>} */
const stageLooks = {
  generate: 's0',
  retrieve: 's1 d1',
  embed: 's2 d2',
  rerank: 's3 d3',
  understand: 's4 d4',
  remember: 's5 d2',
  extract: 's3 d1',
  ground: 's1 d2',
  admit: 's4 d2',
}

/** @type {(figures: Figures) => Chart[]} */
function charts({ series, limiter, pool }) {
  /** @type {(values: readonly Value[]) => Value[]} */
  const perSecond = values => (values ?? []).map(value => (isNumber(value) ? value / series.step_s : null))
  const hits = series.cache_hits ?? []
  const ratios = hits.map((hit, at) => part(hit, hit + (series.cache_misses[at] ?? 0)))
  return [
    {
      title: 'Request rate',
      say: rate,
      least: 1,
      lines: [
        { name: 'requests', look: 's0', values: perSecond(series.requests), area: true },
        { name: 'degraded', look: 's2 d1', values: perSecond(series.degraded) },
        { name: 'failed', look: 's5 d2', values: perSecond(series.errors) },
        { name: 'rejected', look: 's1 d3', values: perSecond(series.refused) },
      ],
    },
    {
      title: 'Latency',
      say: ms,
      least: 10,
      lines: [
        { name: 'p95', look: 's1', values: series.p95_ms },
        { name: 'p50', look: 's0 d1', values: series.p50_ms },
      ],
    },
    {
      title: 'Latency by stage, p95',
      note: 'logarithmic',
      say: ms,
      isLog: true,
      lines: slowestStages(series.stages_p95_ms ?? {}),
    },
    {
      title: 'Answer cache',
      say: count,
      least: 10,
      bars: true,
      extra: [['hit ratio', ratios, share]],
      lines: [
        { name: 'hits', look: 's0', values: hits },
        { name: 'misses', look: 's1', values: series.cache_misses },
      ],
    },
    {
      title: 'Database connections',
      say: count,
      least: 4,
      limits: [
        ['pool size', pool?.size],
        ['maximum', pool && pool.size + pool.max_overflow],
      ],
      lines: [
        { name: 'in use', look: 's0', values: series.pool_checked_out, area: true },
        { name: 'waiting', look: 's5 d1', values: series.pool_waiting },
      ],
    },
    {
      title: 'Questions in flight',
      say: count,
      least: 4,
      limits: [['limit', limiter?.limit]],
      lines: [{ name: 'in flight', look: 's3', values: series.in_flight, area: true }],
    },
  ]
}

/** @type {(stages: Figures['series']['stages_p95_ms']) => Line[]} */
function slowestStages(stages) {
  /** @type {(values: readonly Value[]) => number} */
  const worst = values => Math.max(0, ...values.filter(isNumber))
  return Object.entries(stages)
    .sort(([, a], [, b]) => worst(b) - worst(a))
    .slice(0, 6)
    .map(([name, values]) => ({ name, look: stageLooks[/** @type {StageName} */ (name)] ?? 's4', values }))
}

/**
 * Fits values to the slots, ending with the last complete step; slots without data are null.
 *
 * @type {(figures: Figures, values?: readonly Value[]) => Value[]}
 */
function fitted({ at, series: { from, step_s, requests } }, values = []) {
  const isPartial = Date.parse(from) + requests.length * step_s * 1000 > Date.parse(at)
  const whole = isPartial ? values.slice(0, -1) : values
  return [...Array(Math.max(0, slots - whole.length)).fill(null), ...whole.slice(-slots)]
}

function renderCharts() {
  const { figures } = state
  if (!figures?.series) return
  const at = slots - 1 + (state.hover ?? state.look)
  patch(
    $('charts'),
    charts(figures).map(chart => figureOf(chart, figures, at)),
  )
  const ago = (slots - 1 - at) * figures.series.step_s
  const text = ago === 0 ? 'now' : `${clock.format(state.at - ago * 1000)}, ${span(ago)} ago`
  if (when.value !== text) when.value = text
  look.setAttribute('aria-valuetext', text)
}

/** @type {(chart: Chart, figures: Figures, at: number) => Tree} */
function figureOf({ title, note, say, lines, limits = [], extra = [], ...chart }, figures, at) {
  const fit = lines.map(line => ({ ...line, values: fitted(figures, line.values) }))
  const known = limits.flatMap(([name, value]) => (isNumber(value) ? [/** @type {const} */ ([name, value])] : []))
  const scale = chart.isLog ? logScale(fit) : linearScale(fit, known, chart)
  const prefix = at === slots - 1 ? '' : 'at that time '
  return h(
    'figure',
    { class: 'card' },
    h('h3', null, title, note && h('span', { class: 'quiet small' }, note)),
    h(
      'div',
      { class: 'plot', 'aria-hidden': 'true' },
      h(
        'div',
        { class: 'ticks' },
        scale.ticks.map(tick => h('span', null, say(tick))),
      ),
      h(
        'svg',
        { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none' },
        marks({ ...chart, lines: fit }, known, scale, at),
      ),
      h(
        'div',
        { class: 'times' },
        ['15 min ago', '10', '5', 'now'].map(text => h('span', null, text)),
      ),
    ),
    h(
      'figcaption',
      null,
      h('span', { class: 'unseen' }, `${title}: ${prefix}`),
      h(
        'ul',
        { class: 'key' },
        fit.map(({ name, look, values }, index) =>
          keyItem(name, say(values[at]), chart.bars ? swatch(look, index) : line(look)),
        ),
        extra.map(([name, values, format]) =>
          keyItem(name, format(fitted(figures, values)[at]), h('svg', { 'aria-hidden': 'true' })),
        ),
        known.map(([name, value]) => keyItem(name, say(value), line('limit'))),
      ),
    ),
  )
}

/** @type {(name: string, value: string, sample: Tree) => Tree} */
function keyItem(name, value, sample) {
  return h('li', null, sample, h('span', null, name), ' ', h('b', null, value))
}

/** @type {(look: string) => Tree} */
function line(look) {
  return h('svg', { viewBox: '0 0 24 10', 'aria-hidden': 'true' }, h('path', { class: look, d: 'M1 5h22' }))
}

/** @type {(look: string, index: number) => Tree} */
function swatch(look, index) {
  return h(
    'svg',
    { viewBox: '0 0 24 10', 'aria-hidden': 'true', class: look },
    h('rect', { class: `bar${index > 0 ? ' hollow' : ''}`, x: 6, y: 1, width: 12, height: 8 }),
  )
}

/** @typedef {readonly (readonly [name: string, value: number])[]} KnownLimits */

/** @type {(lines: readonly Line[], limits: KnownLimits, chart: Pick<Chart, 'least' | 'bars'>) => Scale} */
function linearScale(lines, limits, { least = 0, bars }) {
  const sums = Array.from({ length: slots }, (_, at) =>
    lines.reduce((sum, { values }) => (bars ? sum + (values[at] ?? 0) : Math.max(sum, values[at] ?? 0)), 0),
  )
  const most = Math.max(least, ...sums)
  const top = round(
    Math.max(
      most,
      ...limits
        .map(([, value]) => value)
        .filter(value => value <= Math.max(10, most * 3))
        .map(value => value * 1.05),
    ),
  )
  return { ticks: [top, top / 2, 0], y: value => height - Math.min(1, value / top) * height, top }
}

/**
 * Rounds up to 1, 2, 4, 6, 8 or 10 times a power of ten, so that half of it is round too.
 *
 * @type {(most: number) => number}
 */
function round(most) {
  const power = 10 ** Math.floor(Math.log10(most))
  return [1, 2, 4, 6, 8, 10].map(step => step * power).find(step => step >= most * 0.999) ?? power * 10
}

/** @type {(lines: readonly Line[]) => Scale} */
function logScale(lines) {
  const all = lines.flatMap(({ values }) => values.filter(isNumber).filter(value => value > 0))
  const top = Math.ceil(Math.log10(Math.max(100, ...all)))
  const bottom = Math.max(-1, Math.min(top - 2, Math.floor(Math.log10(Math.min(10, ...all)))))
  const ticks = Array.from({ length: top - bottom + 1 }, (_, at) => 10 ** (top - at))
  return {
    ticks,
    y: value => height - Math.max(0, (Math.log10(Math.max(value, 1e-9)) - bottom) / (top - bottom)) * height,
    top: 10 ** top,
  }
}

/** @type {(at: number) => number} */
const x = at => ((at + 0.5) / slots) * width
/** @type {(at: number, y: number) => string} */
const point = (at, y) => `${x(at).toFixed(1)} ${y.toFixed(1)}`

/** @type {(chart: Pick<Chart, 'lines' | 'bars'>, limits: KnownLimits, scale: Scale, at: number) => Children} */
function marks({ lines, bars }, limits, { y, ticks, top }, at) {
  const inWindow = (seconds[state.window] / 900) * width
  return [
    h('rect', { class: 'band', x: width - inWindow, y: 0, width: inWindow, height }),
    ticks.map(tick => h('line', { class: 'rule', x1: 0, x2: width, y1: y(tick), y2: y(tick) })),
    bars
      ? stacked(lines, y)
      : lines.flatMap(({ values, look, area }) => [
          area && h('path', { class: `area ${look}`, d: pathOf(values, y, true) }),
          h('path', { class: look, d: pathOf(values, y) }),
        ]),
    limits
      .filter(([, value]) => value <= top)
      .map(([, value]) => h('line', { class: 'limit', x1: 0, x2: width, y1: y(value), y2: y(value) })),
    at === slots - 1 ? null : h('line', { class: 'cursor', x1: x(at), x2: x(at), y1: 0, y2: height }),
  ]
}

/**
 * Draws consecutive values as a line, a single value as a dot, and missing values as a gap.
 *
 * @type {(values: readonly Value[], y: Scale['y'], isArea?: boolean) => string}
 */
function pathOf(values, y, isArea = false) {
  return runsOf(values)
    .map(({ start, run }) => {
      const along = run.map((value, index) => point(start + index, y(value))).join('L')
      return isArea
        ? `M${point(start, height)}L${along}L${point(start + run.length - 1, height)}z`
        : `M${along}${run.length === 1 ? 'h0' : ''}`
    })
    .join('')
}

/** @type {(values: readonly Value[]) => { readonly start: number, readonly run: number[] }[]} */
function runsOf(values) {
  /** @type {{ readonly start: number, readonly run: number[] }[]} */
  const runs = []
  values.forEach((value, at) => {
    if (!isNumber(value)) return
    if (at === 0 || !isNumber(values[at - 1])) runs.push({ start: at, run: [] })
    runs.at(-1)?.run.push(value)
  })
  return runs
}

/** @type {(lines: readonly Line[], y: Scale['y']) => Children} */
function stacked([below, above], y) {
  if (!below || !above) return null
  /** @type {(from: number, to: number, at: number) => string} */
  const box = (from, to, at) =>
    `M${(x(at) - 3.6).toFixed(1)} ${y(from).toFixed(1)}V${y(to).toFixed(1)}h7.2V${y(from).toFixed(1)}z`
  /** @type {(values: readonly Value[], base: (at: number) => number) => string} */
  const boxes = (values, base) =>
    values.map((value, at) => (isNumber(value) && value > 0 ? box(base(at), base(at) + value, at) : '')).join('')
  return [
    h('path', { class: `bar ${below.look}`, d: boxes(below.values, () => 0) }),
    h('path', { class: `bar hollow ${above.look}`, d: boxes(above.values, at => below.values[at] ?? 0) }),
  ]
}

// Components in their current state.

/** @type {(name: string, verdict: string | null, rows: readonly (readonly [term: string, value: Children])[]) => Tree} */
function card(name, verdict, rows) {
  return h(
    'div',
    { class: 'card' },
    h('h3', null, name, verdict && badge(verdict)),
    h(
      'dl',
      { class: 'rows' },
      rows.map(([term, value]) => h('div', null, h('dt', null, term), h('dd', null, value))),
    ),
  )
}

function renderParts() {
  const { figures, pool } = state
  patch($('parts'), [
    ...(pool ? [postgresCard(pool), poolCard(pool)] : []),
    ...(figures ? [breakersCard(figures), limiterCard(figures), modelsCard(figures), processCard(figures)] : []),
    ...(figures?.budgets?.length ? [budgetsCard(figures.budgets)] : []),
  ])
}

/** @type {(status: PoolStatus) => Tree} */
function postgresCard({ database, server, redis }) {
  return card('Postgres and Redis', null, [
    ['Postgres', badge(database)],
    [
      'connections',
      server
        ? `${count(server.max_connections - server.reserved - server.free)} of ${count(server.max_connections - server.reserved)}`
        : 'unknown',
    ],
    ['free · ours', server ? `${count(server.free)} · ${count(server.ours)}` : nothing],
    ['active · idle', server ? `${count(server.connections.active)} · ${count(server.connections.idle)}` : nothing],
    [
      'idle in transaction · other',
      server ? `${count(server.connections.idle_in_transaction)} · ${count(server.connections.other)}` : nothing,
    ],
    ['updated', server ? `${span(Math.round(server.age_s))} ago` : nothing],
    ['Redis', badge(redis?.state ?? 'off')],
  ])
}

/** @type {(status: PoolStatus) => Tree} */
function poolCard({ pool, verdict: word }) {
  const held = Object.entries(pool.holders ?? {}).filter(([, number]) => number > 0)
  const { totals } = pool
  return card('Connection pool', word, [
    ['in use', `${count(pool.checked_out)} of ${count(pool.size)} + ${count(pool.max_overflow)}`],
    ['open · overflow', `${count(pool.open)} · ${count(pool.overflow)}`],
    ['waiting', `${count(pool.waiting)} of ${count(pool.max_waiting)}`],
    ['longest wait · use', `${ms(pool.longest_wait_ms)} · ${ms(pool.longest_hold_ms)}`],
    ['wait p50 · p95', `${ms(pool.wait_ms?.p50)} · ${ms(pool.wait_ms?.p95)}`],
    ['use p50 · p95', `${ms(pool.hold_ms?.p50)} · ${ms(pool.hold_ms?.p95)}`],
    ['used by', held.length > 0 ? held.map(([name, number]) => `${words(name)} ${number}`).join(', ') : 'none'],
    ['rejected · timed out', `${count(totals?.refused)} · ${count(totals?.timeouts)}`],
    [
      'cancelled · overdue · lost',
      `${count(totals?.cancels)} · ${count(totals?.overdue)} · ${count(totals?.invalidated)}`,
    ],
  ])
}

/** @type {(figures: Figures) => Tree} */
function breakersCard({ breakers }) {
  const all = Object.entries(breakers ?? {})
  return card(
    'Circuit breakers',
    null,
    all.length > 0
      ? all.map(([name, breaker]) => [culprits[name] ?? words(name), badge(breaker)])
      : [['none', nothing]],
  )
}

/** @type {(figures: Figures) => Tree} */
function limiterCard({ limiter, windows }) {
  return card('Admission', null, [
    ['in flight · limit', `${count(limiter?.in_flight)} · ${count(limiter?.limit)}`],
    ['queued', count(limiter?.queued)],
    ['rejected in 1 min', count(windows?.['1m']?.refused)],
    ['rejected in 15 min', count(windows?.['15m']?.refused)],
    ['retries in 15 min', count(windows?.['15m']?.retries)],
  ])
}

/** @type {(figures: Figures) => Tree} */
function modelsCard({ windows, model_calls: now }) {
  const models = windows?.['15m']?.models
  return card('Models, 15 min', null, [
    [
      'calls now · limit',
      now ? `${count(now.in_flight)} · ${count(now.limit)}${now.saturated ? ' (saturated)' : ''}` : 'no model',
    ],
    ['queued', count(now?.queued)],
    ['calls', count(models?.calls)],
    ['calls per request', count(models?.calls_per_request)],
    ['tokens in', count(models?.prompt_tokens)],
    ['tokens out', count(models?.completion_tokens)],
    ['cost', models?.cost ? money(models.cost) : 'no prices set'],
  ])
}

/** @type {(budgets: NonNullable<Figures['budgets']>) => Tree} */
function budgetsCard(budgets) {
  return card(
    'Daily budgets',
    null,
    budgets.map(({ scope, name, unit, used, limit }) => [
      name === null ? 'service' : `${scope} ${name}`,
      `${count(used)} of ${count(limit)} ${unit} (${share(part(used, limit))})`,
    ]),
  )
}

/** @type {(figures: Figures) => Tree} */
function processCard({ process, uptime_s: uptime, version }) {
  return card('Process', null, [
    ['event loop usage', share(process?.event_loop_utilization)],
    ['event loop delay, p99', ms(process?.event_loop_delay_p99_ms)],
    ['memory', withUnit(process?.rss_mb && Math.round(process.rss_mb), 'MB')],
    [
      'heap',
      `${count(process?.heap_mb && Math.round(process.heap_mb))} of ${withUnit(process?.heap_limit_mb && Math.round(process.heap_limit_mb), 'MB')}`,
    ],
    ['uptime', span(uptime)],
    ['version', String(version ?? nothing)],
  ])
}

// Tables of the selected window.

/**
 * The roles repeat those of the elements, for browsers that drop them when CSS changes the layout of a table.
 *
 * @param {Children} caption
 * @param {readonly Head[]} heads
 * @param {readonly (readonly Children[])[]} rows
 * @param {{ empty?: string, look?: string }} options
 */
function table(caption, heads, rows, { empty = '', look = 'flat' } = {}) {
  if (rows.length === 0)
    return h(
      'div',
      null,
      h(
        'table',
        null,
        h('caption', null, caption),
        h('tbody', null, h('tr', null, h('td', { class: 'quiet' }, empty))),
      ),
    )
  /** @type {(tag: string, role: string, at: number, content: Children) => Tree} */
  const cell = (tag, role, at, content) =>
    h(
      tag,
      {
        role,
        ...(tag === 'th' && { scope: role === 'rowheader' ? 'row' : 'col' }),
        ...(heads[at]?.[1] && { class: heads[at][1] }),
      },
      content,
    )
  /** @type {(cells: readonly Children[]) => Tree} */
  const row = cells => h('tr', { role: 'row' }, cells)
  return h(
    'div',
    { class: 'wide' },
    h(
      'table',
      { role: 'table', class: look },
      h('caption', null, caption),
      h('thead', { role: 'rowgroup' }, row(heads.map(([head], at) => cell('th', 'columnheader', at, head)))),
      h(
        'tbody',
        { role: 'rowgroup' },
        rows.map(cells =>
          row(
            cells.map((content, at) =>
              at === 0 ? cell('th', 'rowheader', at, content) : cell('td', 'cell', at, content),
            ),
          ),
        ),
      ),
    ),
  )
}

/** @typedef {readonly [name: string, look?: string]} Head */

/** @type {readonly Head[]} */
const timeHeads = [['count'], ['p50'], ['p95'], ['p99'], ['max', 'extra']]
/** @type {(of: Shown['search_ms'] | undefined) => string[]} */
const times = of => [count(of?.count), ms(of?.p50), ms(of?.p95), ms(of?.p99), ms(of?.max)]
/** @type {(of?: Readonly<Record<string, number>>) => Children[][]} */
const counted = (of = {}) =>
  Object.entries(of)
    .filter(([, number]) => number > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, number]) => [h('code', null, name), count(number)])

const answerKinds = /** @type {const} */ (['all', 'fast', 'smart', 'cached', 'fresh'])

function renderFigures() {
  const shown = state.figures?.windows?.[state.window]
  if (!shown) return
  const length = span(Math.round(shown.seconds))
  show(
    'figures',
    h('dl', { class: 'headline' }, requestFigures(shown), modelFigures(shown.models)),
    h(
      'p',
      { class: 'quiet small' },
      shown.seconds < seconds[state.window] * 0.98
        ? `The service started recently: this covers ${length}.`
        : `Covers the last ${length}.`,
    ),
    h('div', { class: 'pair' }, latencyTables(shown)),
    cacheTable(shown.caches),
    h(
      'div',
      { class: 'pair' },
      table('Rejected or failed, by code', [['Code'], ['requests']], counted(shown.errors_by_code), { empty: 'None.' }),
      table('Degraded, by reason', [['Reason'], ['answers']], counted(shown.degraded_by_reason), { empty: 'None.' }),
    ),
  )
}

/** @type {(shown: Shown) => Children} */
function requestFigures(shown) {
  return [
    figure('Requests', count(shown.requests), rate(shown.per_second)),
    figure('Failed', share(shown.error_ratio), `${count(shown.errors)} requests`),
    figure('Rejected', count(shown.refused), 'overloaded or rate limited'),
    figure('Degraded', count(shown.degraded), share(part(shown.degraded, shown.requests))),
    figure('Abstained', count(shown.abstained), share(part(shown.abstained, shown.requests))),
    figure('First token, p95', ms(shown.first_token_ms?.p95), `p50 ${ms(shown.first_token_ms?.p50)}`),
  ]
}

/** @type {(models: Partial<Shown['models']> | undefined) => Children} */
function modelFigures({ calls, calls_per_request: perRequest, prompt_tokens, completion_tokens, cost } = {}) {
  const price = cost ? `, ${money(cost)}` : ''
  return [
    figure('Model calls', count(calls), `${count(perRequest)} per request`),
    figure(
      'Tokens',
      count(Number(prompt_tokens) + Number(completion_tokens)),
      `${count(prompt_tokens)} in, ${count(completion_tokens)} out${price}`,
    ),
  ]
}

/** @type {(shown: Shown) => Children} */
function latencyTables({ stages_ms: stages, latency_ms: latency, ...shown }) {
  return [
    table(
      'Latency by stage',
      [['Stage'], ...timeHeads],
      Object.entries(stages ?? {})
        .filter(([, of]) => of?.count > 0)
        .map(([name, of]) => [name, ...times(of)]),
      { empty: 'No questions.' },
    ),
    table(
      'Latency by kind of answer',
      [['Answers'], ...timeHeads],
      [
        ...answerKinds.map(name => [name, ...times(latency?.[name])]),
        ['first token', ...times(shown.first_token_ms)],
        ['connection wait', ...times(shown.pool_wait_ms)],
        ['connection use', ...times(shown.pool_hold_ms)],
      ],
    ),
  ]
}

/** @type {(caches: Shown['caches'] | undefined) => Tree} */
function cacheTable(caches) {
  return table(
    'Caches',
    [['Cache'], ['hits'], ['misses'], ['hit ratio'], ['semantic', 'extra'], ['stale', 'extra'], ['shared']],
    Object.entries(caches ?? {}).map(([name, of]) => [
      name,
      count(of.hits),
      count(of.misses),
      share(of.hit_ratio),
      count(of.near),
      count(of.stale),
      count(of.coalesced),
    ]),
    { empty: 'No cache lookups.' },
  )
}

function renderSlow() {
  const at = Date.parse(state.figures?.at ?? '')
  const rows = (state.figures?.slow_questions ?? []).map(slow => [
    [
      h('code', null, slow.fingerprint),
      slow.question ? [' ', slow.question] : null,
      h(
        'div',
        { class: 'quiet small' },
        [slow.mode, slow.language, slow.trace_id && `trace ${slow.trace_id}`].filter(Boolean).join(' · '),
      ),
    ],
    ms(slow.max_ms),
    slow.slowest_stage ?? nothing,
    count(slow.count),
    `${span(Math.max(0, Math.round((at - Date.parse(slow.last_at)) / 1000)))} ago`,
  ])
  show(
    'slow',
    table(
      h('span', { class: 'unseen' }, 'Slow questions'),
      [['Question'], ['slowest'], ['stage'], ['count', 'extra'], ['last']],
      rows,
      { empty: 'None.', look: 'tall' },
    ),
  )
}

// The whole page.

function render() {
  const { fault } = state
  const hasData = state.figures !== null || state.pool !== null
  renderVerdict()
  renderHeadline()
  renderBanner()
  $('key').hidden = fault?.kind !== 'key'
  $('rest').hidden = !hasData
  $('rest').classList.toggle('stale', isStale())
  $('headline').classList.toggle('stale', isStale())
  $('findings').classList.toggle('stale', isStale())
  if (fault?.kind === 'key') askForKey(fault.message)
  renderAge()
  if (!hasData) return
  for (const part of [renderAdvice, renderCharts, renderParts, renderFigures, renderSlow]) part()
  const { version, uptime_s: uptime } = state.figures ?? {}
  if (version) show('build', `${version}, up ${span(uptime)}`)
}

function renderBanner() {
  const { fault, at, hasAnswer } = state
  $('banner').hidden = true
  if (fault === null || fault.kind === 'key') return
  const age = hasAnswer
    ? 'Some of the data below is older. '
    : at > 0
      ? `The data below is from ${clock.format(at)}. `
      : ''
  warn(`${fault.message} ${age}Retrying every ${pollMs / 1000} s.`, outages[fault.kind].kind)
}

/** @type {(text: string, kind?: Kind) => void} */
function warn(text, kind = 'bad') {
  $('banner').hidden = false
  $('banner').className = kind
  show('banner', text)
}

function isStale() {
  return (
    state.at > 0 && ((state.fault !== null && !state.hasAnswer) || (!state.isPaused && Date.now() - state.at > staleMs))
  )
}

function renderAge() {
  const age = state.at === 0 ? '' : `${span(Math.max(0, Math.round((Date.now() - state.at) / 1000)))} ago`
  show('age', state.isPaused && age ? `paused, ${age}` : age)
}

/** @type {(message: string) => void} */
function askForKey(message) {
  show('secret-note', message)
  if (document.activeElement === document.body) secret.focus()
}

/** @type {(window: WindowLength, isFocused?: boolean) => void} */
function choose(window, isFocused) {
  state.window = window
  for (const length of lengths) {
    const tab = $(`tab-${length}`)
    const isChosen = length === window
    tab.setAttribute('aria-selected', String(isChosen))
    tab.tabIndex = isChosen ? 0 : -1
    if (isChosen) $('figures').setAttribute('aria-labelledby', tab.id)
    if (isChosen && isFocused) tab.focus()
  }
  renderFigures()
  renderCharts()
}

for (const length of lengths) $(`tab-${length}`).addEventListener('click', () => choose(length))
$('tabs').addEventListener('keydown', event => {
  const at = lengths.indexOf(state.window)
  const next = { ArrowRight: lengths[(at + 1) % 3], ArrowLeft: lengths.at(at - 1), Home: lengths[0], End: lengths[2] }
  const chosen = Object.entries(next).find(([key]) => key === event.key)?.[1]
  if (chosen === undefined) return
  event.preventDefault()
  choose(chosen, true)
})
look.addEventListener('input', () => {
  state.look = Number(look.value)
  renderCharts()
})
$('charts').addEventListener('pointermove', ({ target, clientX }) => {
  const box = /** @type {Element} */ (target).closest('.plot')?.querySelector('svg')?.getBoundingClientRect()
  const at = box ? Math.floor(((clientX - box.left) / box.width) * slots) : slots
  state.hover = at >= 0 && at < slots ? at - slots + 1 : null
  renderCharts()
})
$('charts').addEventListener('pointerleave', () => {
  state.hover = null
  renderCharts()
})
$('key').addEventListener('submit', event => {
  event.preventDefault()
  const key = secret.value.trim()
  if (!/^[\x21-\x7e]+$/.test(key)) return askForKey('A key contains only printable ASCII characters.')
  storeKey(key)
  secret.value = ''
  void poll()
})
$('pause').addEventListener('click', () => {
  state.isPaused = !state.isPaused
  $('pause').setAttribute('aria-pressed', String(state.isPaused))
  renderAge()
  void poll()
})
document.addEventListener('visibilitychange', poll)
setInterval(() => {
  if (document.hidden) return
  renderAge()
  if (isStale() && !$('rest').classList.contains('stale')) render()
}, 1000)
choose('5m')
render()
void poll()
