import Fastify, { type FastifyInstance } from 'fastify'
import { registerMonitoringPage } from '../../src/http/routes/monitoring-page.ts'
import { securityHeaders } from '../../src/http/edge/security-headers.ts'
import type { Owner } from './server-process.ts'

/**
 * The monitoring page with made-up figures in the format of the contract, for states that a real service is only in for
 * a moment, or under more load than a test can generate.
 */

export type Health = 'calm' | 'busy' | 'redis gone' | 'postgres frozen' | 'model failing' | 'overload'
export type Silence = 'starting' | 'locked' | 'broken'
export type Condition = Health | Silence

export const healths: readonly Health[] = ['calm', 'busy', 'redis gone', 'postgres frozen', 'model failing', 'overload']

export interface Figures {
  readonly url: string
  readonly asked: number
  /** Authorization header of the last request for figures. */
  readonly authorization: string | undefined
  /** Changes the state from the next request on. */
  become(condition: Condition): void
  /** Overrides figures, for values that a hostile user could inject. */
  overlay(figures: object, pool?: object): void
  /** Stops accepting connections. */
  stop(): Promise<void>
}

export const figuresKey = 'key-of-the-monitoring'

export async function serveFigures(t: Owner, first: Condition): Promise<Figures> {
  const app = Fastify({ forceCloseConnections: true })
  let condition = first
  let asked = 0
  let authorization: string | undefined
  let over: readonly (object | undefined)[] = []
  registerMonitoringPage(app, (await securityHeaders()).page)
  const answer = (made: (health: Health, tick: number) => object, at: number) => (app: FastifyInstance, path: string) =>
    app.get(path, async (request, reply) => {
      asked++
      authorization = request.headers.authorization
      const silence = silenceOf(condition, authorization)
      if (silence !== null) return await reply.code(silence.status).type('application/problem+json').send(silence)
      return { ...made(condition === 'locked' ? 'calm' : (condition as Health), asked), ...over[at] }
    })
  answer(performanceMetrics, 0)(app, '/monitoring/performance-metrics')
  answer(poolStatus, 1)(app, '/monitoring/pool-status')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  return {
    url,
    get asked() {
      return asked
    },
    get authorization() {
      return authorization
    },
    become: next => void (condition = next),
    overlay: (...objects) => void (over = objects),
    stop: () => app.close(),
  }
}

function silenceOf(condition: Condition, authorization: string | undefined) {
  if (condition === 'starting') return { status: 503, code: 'starting', title: 'The service is starting' }
  if (condition === 'broken') return { status: 500, code: 'internal', title: 'Internal error' }
  if (condition === 'locked' && authorization !== `Bearer ${figuresKey}`)
    return { status: 401, code: 'unauthorized', title: 'A valid API key is required' }
  return null
}

interface Finding {
  readonly culprit: string
  readonly severity: string
  readonly code: string
  readonly detail: string
}

/** Description of a state; figures that it does not mention are those of `calm`. */
interface Sketch {
  readonly verdict: 'ok' | 'degraded' | 'failing'
  readonly poolVerdict: 'ok' | 'strained' | 'exhausted' | 'down'
  readonly perSecond: number
  readonly p95: number
  readonly errorShare: number
  readonly degradedShare: number
  readonly hitShare: number
  readonly checkedOut: number
  readonly waiting: number
  readonly refused: number
  readonly findings: readonly Finding[]
  readonly breakers: Readonly<Record<string, string>>
  readonly errorsByCode: Readonly<Record<string, number>>
  readonly degradedByReason: Readonly<Record<string, number>>
  readonly redis: string
  readonly recommendations: readonly object[]
}

const calm: Sketch = {
  verdict: 'ok',
  poolVerdict: 'ok',
  perSecond: 1.4,
  p95: 840,
  errorShare: 0,
  degradedShare: 0,
  hitShare: 0.42,
  checkedOut: 1,
  waiting: 0,
  refused: 0,
  findings: [],
  breakers: { database: 'closed', chat: 'closed', embeddings: 'closed', rerank: 'closed' },
  errorsByCode: {},
  degradedByReason: {},
  redis: 'ready',
  recommendations: [],
}

const sketches: Readonly<Record<Health, Sketch>> = {
  calm,
  busy: {
    ...calm,
    perSecond: 212,
    p95: 1460,
    errorShare: 0.002,
    degradedShare: 0.01,
    hitShare: 0.71,
    checkedOut: 17,
    waiting: 3,
    verdict: 'degraded',
    poolVerdict: 'strained',
    findings: [
      {
        culprit: 'pool',
        severity: 'warning',
        code: 'pool-waits',
        detail: 'Of the last minute’s 2,310 leases 5 % waited longer than 180 ms; 20 of 20 connections are in use.',
      },
    ],
    errorsByCode: { deadline_exceeded: 21, rate_limited: 9 },
    degradedByReason: { rerank: 102 },
    recommendations: [
      {
        id: 'pool-overflow',
        severity: 'warning',
        setting: 'POOL_MAX_OVERFLOW',
        title: 'Let the pool open more connections',
        evidence: 'p95 wait for a connection 180 ms while Postgres has 120 free.',
        action: 'Raise POOL_MAX_OVERFLOW from 5 to 20.',
      },
      {
        id: 'answer-cache',
        severity: 'info',
        setting: 'ANSWER_CACHE_MB',
        title: 'Give the answer cache more memory',
        evidence: '1,204 answers were put out of 64 MB before their time in 15 minutes.',
        action: 'Raise ANSWER_CACHE_MB to 256.',
      },
      {
        id: 'stale-statistics',
        severity: 'info',
        setting: null,
        title: 'Renew the statistics of “chunks”',
        evidence: '48 % of its rows changed since the last ANALYZE, 9 days ago.',
        action: 'Run ANALYZE chunks.',
      },
    ],
  },
  'redis gone': {
    ...calm,
    verdict: 'degraded',
    redis: 'reconnecting',
    perSecond: 9,
    hitShare: 0.2,
    degradedShare: 0,
    breakers: { ...calm.breakers, redis: 'open' },
    findings: [
      {
        culprit: 'redis',
        severity: 'warning',
        code: 'redis-unreachable',
        detail:
          'Redis refuses connections since 41 s; answers are remembered in this process only, and limits are counted here.',
      },
    ],
  },
  'postgres frozen': {
    ...calm,
    verdict: 'failing',
    poolVerdict: 'down',
    perSecond: 6,
    p95: 10_200,
    errorShare: 0.58,
    degradedShare: 0.3,
    checkedOut: 20,
    waiting: 187,
    breakers: { ...calm.breakers, database: 'open' },
    findings: [
      {
        culprit: 'pool',
        severity: 'warning',
        code: 'pool-exhausted',
        detail: 'All 25 connections are held, the oldest for 14 s; 187 requests wait.',
      },
      {
        culprit: 'database',
        severity: 'critical',
        code: 'database-silent',
        detail: 'Postgres accepts connections and answers nothing since 14 s: it is frozen or cut off.',
      },
    ],
    errorsByCode: { database_unavailable: 190, pool_exhausted: 44, deadline_exceeded: 12 },
    degradedByReason: { database: 104 },
  },
  'model failing': {
    ...calm,
    verdict: 'degraded',
    perSecond: 12,
    degradedShare: 0.64,
    p95: 320,
    breakers: { ...calm.breakers, chat: 'half-open' },
    findings: [
      {
        culprit: 'chat',
        severity: 'critical',
        code: 'chat-server-errors',
        detail:
          '38 of the last 40 calls of the chat model were answered 500; answers are quoted from the documents instead.',
      },
    ],
    errorsByCode: { model_failed: 2 },
    degradedByReason: { generation: 461 },
  },
  overload: {
    ...calm,
    verdict: 'failing',
    poolVerdict: 'exhausted',
    perSecond: 940,
    p95: 4200,
    errorShare: 0.38,
    degradedShare: 0.11,
    checkedOut: 25,
    waiting: 200,
    refused: 5210,
    findings: [
      {
        culprit: 'traffic',
        severity: 'critical',
        code: 'more-than-can-be-answered',
        detail: '940 questions a second come, 580 can be answered; 38 % were refused in the last minute.',
      },
      {
        culprit: 'process',
        severity: 'warning',
        code: 'event-loop-late',
        detail: 'The event loop is 240 ms late (p99).',
      },
      {
        culprit: 'limits',
        severity: 'info',
        code: 'batch-refused',
        detail: 'Questions of priority “batch” are refused first: 1,420.',
      },
    ],
    errorsByCode: { overloaded: 5210, pool_exhausted: 330 },
    degradedByReason: { capacity: 940 },
    recommendations: [
      {
        id: 'replica',
        severity: 'warning',
        setting: null,
        title: 'Add a replica',
        evidence: 'The event loop is busy 97 % of the time.',
        action: 'Start a second process behind the load balancer.',
      },
    ],
  },
}

const steps = 90
const stepSeconds = 10
const stages: Readonly<Record<string, number>> = {
  remember: 0.4,
  understand: 0.06,
  embed: 0.03,
  retrieve: 0.05,
  rerank: 0.1,
  generate: 0.8,
}

/** A deterministic variation for a step, 0.6…1.4. */
function wobble(step: number, salt: number): number {
  const turn = Math.sin(step * 12.9898 + salt * 78.233) * 43_758.5453
  return 0.6 + 0.8 * (turn - Math.floor(turn))
}

const tenth = (value: number) => Math.round(value * 10) / 10

function quantiles(count: number, p95: number) {
  return count === 0
    ? { count: 0, p50: null, p95: null, p99: null, max: null }
    : { count, p50: tenth(p95 * 0.45), p95: tenth(p95), p99: tenth(p95 * 1.4), max: tenth(p95 * 2.1) }
}

function windowOf(sketch: Sketch, seconds: number, tick: number) {
  const requests = Math.round(sketch.perSecond * seconds * wobble(tick, 1))
  const share = (of: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(of).map(([name, number]) => [name, Math.round((number * seconds) / 60)]))
  const cache = (hitShare: number) => {
    const hits = Math.round(requests * hitShare)
    return {
      hits,
      misses: requests - hits,
      hit_ratio: requests === 0 ? null : hits / requests,
      near: Math.round(hits / 50),
      stale: 0,
      coalesced: Math.round(hits / 20),
    }
  }
  const fresh = Math.round(requests * (1 - sketch.hitShare))
  return {
    seconds,
    requests,
    per_second: tenth(requests / seconds),
    errors: Math.round(requests * sketch.errorShare),
    error_ratio: sketch.errorShare,
    errors_by_code: share(sketch.errorsByCode),
    refused: sketch.refused,
    limited_by: { address: 0, key: 0 },
    refused_by: sketch.refused > 0 ? { wait: sketch.refused } : {},
    shed_by: {},
    degraded: Math.round(requests * sketch.degradedShare),
    degraded_by_reason: share(sketch.degradedByReason),
    abstained: Math.round(requests * 0.03),
    small_talk: Math.round(requests * 0.02),
    latency_ms: {
      all: quantiles(requests, sketch.p95 * 0.8),
      fast: quantiles(Math.round(requests / 3), sketch.p95 * 0.6),
      smart: quantiles(0, 0),
      cached: quantiles(requests - fresh, 2.4),
      fresh: quantiles(fresh, sketch.p95),
    },
    first_token_ms: quantiles(fresh, sketch.p95 * 0.4),
    stages_ms: Object.fromEntries(
      Object.entries(stages).map(([name, part]) => [name, quantiles(fresh, sketch.p95 * part)]),
    ),
    caches: { answer: cache(sketch.hitShare), draft: cache(0.12), embedding: cache(0.66) },
    models: {
      calls: fresh * 2,
      prompt_tokens: fresh * 1840,
      completion_tokens: fresh * 164,
      calls_per_request: 1.2,
      cost: { amount: fresh * 0.00037, currency: 'USD' },
    },
    retries: 3,
    pool_wait_ms: quantiles(fresh, sketch.waiting > 0 ? 180 : 0.2),
    pool_hold_ms: quantiles(fresh, 22),
    event_loop: { utilization: 0.2, delay_p99_ms: 11.4 },
  }
}

function seriesOf(sketch: Sketch, tick: number) {
  // The service started twelve minutes ago, and its trouble began three minutes ago.
  const made = (of: (sketch: Sketch, step: number) => number) =>
    Array.from({ length: steps }, (_, step) =>
      step < 18 ? null : tenth(of(step < 72 ? { ...calm, perSecond: sketch.perSecond } : sketch, step + tick)),
    )
  const requests = (of: Sketch, step: number) => Math.round(of.perSecond * stepSeconds * wobble(step, 2))
  return {
    step_s: stepSeconds,
    from: new Date(Date.now() - steps * stepSeconds * 1000).toISOString(),
    requests: made(requests),
    errors: made((of, step) => Math.round(requests(of, step) * of.errorShare)),
    degraded: made((of, step) => Math.round(requests(of, step) * of.degradedShare)),
    refused: made((of, step) => (of.refused / 90) * wobble(step, 10)),
    p50_ms: made((of, step) => of.p95 * 0.4 * wobble(step, 3)),
    p95_ms: made((of, step) => of.p95 * wobble(step, 4)),
    cache_hits: made((of, step) => Math.round(requests(of, step) * of.hitShare * wobble(step, 5))),
    cache_misses: made((of, step) => Math.round(requests(of, step) * (1 - of.hitShare))),
    pool_checked_out: made((of, step) => Math.min(25, Math.round(of.checkedOut * wobble(step, 6)))),
    pool_waiting: made((of, step) => Math.min(200, Math.round(of.waiting * wobble(step, 7)))),
    in_flight: made((of, step) => Math.min(32, Math.round(of.perSecond * 0.1 * wobble(step, 8)))),
    stages_p95_ms: Object.fromEntries(
      Object.entries(stages).map(([name, part], at) => [
        name,
        made((of, step) => of.p95 * part * wobble(step, 9 + at)),
      ]),
    ),
  }
}

/** Reply of GET /monitoring/performance-metrics. */
export function performanceMetrics(health: Health, tick = 0): object {
  const sketch = sketches[health]
  const isSlow = health !== 'calm'
  return {
    verdict: sketch.verdict,
    findings: sketch.findings,
    at: new Date().toISOString(),
    uptime_s: 720 + tick,
    version: '0.2.0',
    windows: {
      '1m': windowOf(sketch, 60, tick),
      '5m': windowOf(sketch, 300, tick),
      '15m': windowOf(sketch, 720, tick),
    },
    breakers: sketch.breakers,
    model_calls: { limit: 16, in_flight: 3, queued: 0, saturated: false },
    budgets: [
      {
        scope: 'service',
        name: null,
        unit: 'tokens',
        used: 812_400,
        limit: 2_000_000,
        resets_at: '2026-11-30T00:00:00.000Z',
      },
      { scope: 'collection', name: 'faq', unit: 'USD', used: 1.31, limit: 1.5, resets_at: '2026-11-30T00:00:00.000Z' },
    ],
    limiter: { limit: 32, in_flight: health === 'overload' ? 32 : 4, queued: sketch.waiting },
    pool: { checked_out: sketch.checkedOut, waiting: sketch.waiting, open: 20, size: 20, max_overflow: 5 },
    redis: { state: sketch.redis },
    process: {
      rss_mb: 212.4,
      heap_mb: 88.1,
      heap_limit_mb: 4144,
      event_loop_utilization: health === 'overload' ? 0.97 : 0.213,
      event_loop_delay_p99_ms: health === 'overload' ? 240.2 : 11.4,
    },
    slow_questions: isSlow
      ? [
          {
            fingerprint: '9f2c41d07a3be86f',
            count: 14,
            max_ms: 9120,
            last_at: new Date(Date.now() - 12_000).toISOString(),
            mode: 'smart',
            language: 'en',
            slowest_stage: 'generate',
            trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
          },
          {
            fingerprint: '03bd7e55c1a9f210',
            count: 2,
            max_ms: 4310,
            last_at: new Date(Date.now() - 340_000).toISOString(),
            mode: 'fast',
            language: 'ru',
            slowest_stage: 'retrieve',
            question: 'Как продлить стипендию, если академический отпуск уже начался?',
          },
        ]
      : [],
    recommendations: sketch.recommendations,
    series: seriesOf(sketch, tick),
  }
}

/** Reply of GET /monitoring/pool-status. */
export function poolStatus(health: Health): object {
  const sketch = sketches[health]
  const isDown = sketch.poolVerdict === 'down'
  return {
    verdict: sketch.poolVerdict,
    reasons: sketch.findings.filter(({ culprit }) => ['pool', 'database'].includes(culprit)),
    at: new Date().toISOString(),
    database: isDown ? 'down' : 'up',
    pool: {
      size: 20,
      max_overflow: 5,
      open: 20,
      checked_in: 20 - Math.min(20, sketch.checkedOut),
      checked_out: sketch.checkedOut,
      overflow: Math.max(0, sketch.checkedOut - 20),
      waiting: sketch.waiting,
      max_waiting: 200,
      longest_wait_ms: sketch.waiting > 0 ? 1840.3 : 0,
      longest_hold_ms: isDown ? 14_200 : 12.1,
      holders: { retrieve: sketch.checkedOut, save: 0 },
      totals: { checkouts: 84_120, refused: 44, timeouts: 12, cancels: 31, overdue: 0, invalidated: 2 },
      wait_ms: quantiles(120, sketch.waiting > 0 ? 180 : 0.2),
      hold_ms: quantiles(120, 22),
    },
    server:
      health === 'redis gone'
        ? null
        : {
            age_s: isDown ? 17 : 2.4,
            max_connections: 100,
            reserved: 3,
            connections: {
              active: sketch.checkedOut,
              idle: 20 - Math.min(20, sketch.checkedOut),
              idle_in_transaction: 0,
              other: 6,
            },
            ours: 20,
            free: 71,
          },
    redis: { state: sketch.redis },
  }
}
