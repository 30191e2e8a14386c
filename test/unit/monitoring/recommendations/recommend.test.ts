import t from 'tap'
import { readConfig } from '../../../../src/config/config.ts'
import type { RuleFacts } from '../../../../src/monitoring/recommendations/recommendation.ts'
import { createFigures, type FigureWindow, type Spread } from '../../../../src/monitoring/figures/figures.ts'
import { recommend } from '../../../../src/monitoring/recommendations/recommend.ts'
import { settings } from '../../../../src/config/settings.ts'

/** The thresholds; that each cause leads to its advice is tested on real servers (test/service/recommend-*.test.ts). */

const config = readConfig({
  OPENAI_API_KEY: 'sk-test',
  RERANK_URL: 'http://127.0.0.1:1/rerank',
  RERANK_MODEL: 'r',
  REDIS_URL: 'redis://127.0.0.1:1',
})
const quiet = createFigures({ longWaitMs: 50, now: () => 0 }).read('5m')
const connections = {
  maxConnections: 200,
  reserved: 3,
  lock: null,
  byState: { active: 1, idle: 20, idleInTransaction: 0, other: 0 },
  ours: 21,
  free: 120,
  at: 0,
}

function spread(p95: number, count = 100): Spread {
  return { count, p50: p95 / 2, p95, p99: p95, max: p95 }
}

function facts(window: Partial<FigureWindow> = {}, more: Partial<RuleFacts> = {}): RuleFacts {
  return {
    config,
    window: { ...quiet, ...window },
    isEmbedded: false,
    pool: {
      size: 20,
      maxOverflow: 30,
      open: 20,
      checkedOut: 5,
      waiting: 0,
      longestWaitMs: 0,
      longestHoldMs: 0,
      maxWaiting: 100,
      checkedIn: 15,
      overflow: 0,
      holders: {},
      totals: { checkouts: 0, refused: 0, timeouts: 0, cancels: 0, overdue: 0, destroyed: 0, invalidated: 0 },
    },
    limiter: { limit: 50, inFlight: 0, waiting: 0 },
    caches: {
      answer: { entries: 100, bytes: 60 * 2 ** 20 },
      draft: { entries: 0, bytes: 0 },
      embedding: { entries: 100, bytes: 30 * 2 ** 20 },
    },
    redis: 'ready',
    inspected: { connections, tables: [], indexes: [], at: 0 },
    at: 0,
    ...more,
  }
}

function idsOf(window: Partial<FigureWindow>, more: Partial<RuleFacts> = {}): string[] {
  return recommend(facts(window, more)).map(({ id }) => id)
}

/** The other worker may have 53 connections, which are no reason for Redis. */
const twoWorkers = { ...config, budgets: { ...config.budgets, processes: 2 } }
const cacheOf = (part: object) => ({ ...quiet.caches.answer, ...part })
const index = {
  collection: 'c',
  vectors: 50_000,
  hasIndex: true,
  bytes: 1,
  isUsed: true,
  scans: 9,
  efSearch: 100,
  recall: 0.97,
}
const table = { table: 'chunks', bytes: 1, rows: 10_000, liveRows: 10_000, changedSinceAnalyze: 0, analyzedAt: null }
const inspected = (part: object) => ({ inspected: { connections, tables: [], indexes: [], at: 0, ...part } })

const rows: readonly [
  id: string,
  at: readonly [Partial<FigureWindow>, Partial<RuleFacts>?],
  below: readonly [Partial<FigureWindow>, Partial<RuleFacts>?],
][] = [
  [
    'pool-too-small',
    [{ poolWaitMs: spread(50), poolWaitingMost: 1 }],
    [{ poolWaitMs: spread(49), poolWaitingMost: 1 }],
  ],
  [
    'pool-too-small',
    [{ poolWaitMs: spread(50, 20), poolWaitingMost: 1 }],
    [{ poolWaitMs: spread(50, 19), poolWaitingMost: 1 }],
  ],
  [
    'pool-too-small',
    [{ poolWaitMs: spread(50), poolWaitingMost: 1 }],
    [{ poolWaitMs: spread(50), poolWaitingMost: 0 }],
  ],
  [
    'server-connections-full',
    [{ poolWaitMs: spread(50), poolWaitingMost: 1 }, inspected({ connections: { ...connections, free: 4 } })],
    [{ poolWaitMs: spread(50), poolWaitingMost: 1 }, inspected({ connections: { ...connections, free: 5 } })],
  ],
  [
    'embedded-database-busy',
    [{ poolWaitMs: spread(50), poolWaitingMost: 1 }, { isEmbedded: true }],
    [{ poolWaitMs: spread(50), poolWaitingMost: 1 }],
  ],
  [
    'connections-held-long',
    [{ poolHoldMs: spread(500), heldMs: { retrieve: 9 } }],
    [{ poolHoldMs: spread(499), heldMs: { retrieve: 9 } }],
  ],
  [
    'hnsw-missing:c',
    [{}, inspected({ indexes: [{ ...index, hasIndex: false, isUsed: null }] })],
    [{}, inspected({ indexes: [index] })],
  ],
  ['hnsw-unused:c', [{}, inspected({ indexes: [{ ...index, isUsed: false }] })], [{}, inspected({ indexes: [index] })]],
  [
    'ef-search-low:c',
    [{}, inspected({ indexes: [{ ...index, recall: 0.91 }] })],
    [{}, inspected({ indexes: [{ ...index, recall: 0.92 }] })],
  ],
  [
    'ef-search-not-tuned:c',
    [{}, inspected({ indexes: [{ ...index, efSearch: null }] })],
    [{}, inspected({ indexes: [{ ...index, efSearch: null, recall: 0.5 }] })],
  ],
  [
    'statistics-stale',
    [{}, inspected({ tables: [{ ...table, changedSinceAnalyze: 2001 }] })],
    [{}, inspected({ tables: [{ ...table, changedSinceAnalyze: 2000 }] })],
  ],
  [
    'statistics-stale',
    [{}, inspected({ tables: [{ ...table, rows: null, changedSinceAnalyze: 1000 }] })],
    [{}, inspected({ tables: [{ ...table, rows: null, changedSinceAnalyze: 999 }] })],
  ],
  [
    'answer-cache-small',
    [{ caches: { ...quiet.caches, answer: cacheOf({ evictions: 20 }) } }],
    [{ caches: { ...quiet.caches, answer: cacheOf({ evictions: 19 }) } }],
  ],
  [
    'embedding-cache-small',
    [{ caches: { ...quiet.caches, embedding: cacheOf({ evictions: 20 }) } }],
    [{ caches: { ...quiet.caches, embedding: cacheOf({ evictions: 20 }) } }, { caches: null }],
  ],
  [
    'hit-ratio-low',
    [{ caches: { ...quiet.caches, answer: cacheOf({ misses: 100, hitRatio: 0.09 }) } }, nearOff()],
    [{ caches: { ...quiet.caches, answer: cacheOf({ misses: 100, hitRatio: 0.1 }) } }, nearOff()],
  ],
  ['redis-failing', [{}, { redis: 'deaf' }], [{}, { redis: 'ready' }]],
  ['redis-slow', [{ redisFailures: { timeout: 20 } }], [{ redisFailures: { timeout: 19, full: 30 } }]],
  [
    'redis-off',
    [{}, { redis: 'off', ...inspected({ connections: { ...connections, ours: 25 } }) }],
    [{}, { redis: 'off', ...inspected({ connections: { ...connections, ours: 24 } }) }],
  ],
  [
    'redis-off',
    [{}, { redis: 'off', ...inspected({ connections: { ...connections, ours: 78 } }), config: twoWorkers }],
    [{}, { redis: 'off', ...inspected({ connections: { ...connections, ours: 77 } }), config: twoWorkers }],
  ],
  ['model-slow', [{ firstTokenMs: spread(2000) }], [{ firstTokenMs: spread(1999) }]],
  [
    'model-silent',
    [{ requests: 200, degradedByReason: { generation: 10 }, stagesMs: { generate: spread(9000) } }],
    [{ requests: 201, degradedByReason: { generation: 10 }, stagesMs: { generate: spread(9000) } }],
  ],
  [
    'deadlines-exceeded',
    [{ requests: 100, deadlines: { retrieve: 5 } }],
    [{ requests: 300, deadlines: { retrieve: 5 } }],
  ],
  ['rerank-slow', [{ stagesMs: { rerank: spread(1000) } }], [{ stagesMs: { rerank: spread(999) } }]],
  ['embedding-slow', [{ stagesMs: { embed: spread(500) } }], [{ stagesMs: { embed: spread(499) } }]],
  [
    'prompts-large',
    [{ models: { calls: 10, promptTokens: 25_000, completionTokens: 0, callsPerRequest: 1 } }],
    [{ models: { calls: 10, promptTokens: 24_900, completionTokens: 0, callsPerRequest: 1 } }],
  ],
  [
    'admission-tight',
    [{ requests: 400, errorsByCode: { overloaded: 20 } }],
    [{ requests: 401, errorsByCode: { overloaded: 20 } }],
  ],
  [
    'admission-tight',
    [{ requests: 40, errorsByCode: { overloaded: 20 } }],
    [{ requests: 40, errorsByCode: { overloaded: 19 } }],
  ],
  [
    'event-loop-late',
    [{ eventLoop: { utilization: 0.7, delayP99Ms: 100 } }],
    [{ eventLoop: { utilization: 0.7, delayP99Ms: 99 } }],
  ],
  [
    'rate-limit-refuses',
    [{ requests: 400, errorsByCode: { rate_limited: 20 } }],
    [{ requests: 401, errorsByCode: { rate_limited: 20 } }],
  ],
  ['traced-whole', [{ perSecond: 50 }, traced()], [{ perSecond: 50 }, traced('parentbased_traceidratio', 0.1)]],
]

function nearOff(): Partial<RuleFacts> {
  return { config: { ...config, cache: { ...config.cache, semantic: { ...config.cache.semantic, mode: 'off' } } } }
}

function traced(sampler?: string, samplerArg?: number): Partial<RuleFacts> {
  return {
    config: { ...config, telemetry: { ...config.telemetry, endpoint: 'http://127.0.0.1:1', sampler, samplerArg } },
  }
}

for (const [id, [window, more], [lower, others]] of rows) {
  t.test(`${id}: from its threshold on, not below`, async t => {
    t.same(idsOf(window, more), [id])
    t.notOk(idsOf(lower, others).includes(id))
  })
}

const overloaded = { requests: 100, errorsByCode: { overloaded: 40 } }
const busy = { utilization: 0.7, delayP99Ms: 10 }

for (const [scarce, window, more, setting, action] of [
  ['memory', { shedBy: { heap: 21 }, eventLoop: busy }, {}, null, /max-old-space-size/],
  ['the processor', { eventLoop: busy, poolWaitingMost: 5 }, {}, null, /WORKERS.*replica/],
  ['the processor', { shedBy: { loop: 40 }, eventLoop: busy }, {}, null, /WORKERS.*replica/],
  ['connections', { eventLoop: { ...busy, utilization: 0.69 }, poolWaitingMost: 1 }, {}, 'POOL_SIZE', /make it faster/],
  ['the embedded database', { poolWaitingMost: 1 }, { isEmbedded: true }, 'DATABASE_URL', /one query at a time/],
  ['the queue', { refusedBy: { queue: 21, wait: 19 } }, {}, 'ADMISSION_MAX_WAITING', /queue was full/],
  [
    'the ceiling',
    { refusedBy: { queue: 20, wait: 20 } },
    { limiter: { limit: config.admission.ceiling, inFlight: 1, waiting: 0 } },
    'ADMISSION_CEILING',
    /raise ADMISSION_CEILING/,
  ],
  ['the longest wait', { shedBy: { heap: 20 }, refusedBy: { wait: 20 } }, {}, 'ADMISSION_MAX_WAIT_MS', /which stage/],
] as const)
  t.test(`admission-tight: ${scarce} is scarce`, async t => {
    const advice = recommend(facts({ ...overloaded, ...window }, more)).find(({ id }) => id === 'admission-tight')
    t.match(advice, {
      setting,
      action,
      evidence:
        /^40 of 100 rejected in five minutes; .* busy, at most \d+ requests at a time waited for one of 50 connections/,
    })
  })

for (const [limitedBy, setting, action] of [
  [{ address: 20, key: 20 }, 'RATE_LIMIT', /an API key.*TRUST_PROXY/],
  [{ address: 19, key: 20 }, 'KEY_RATE_LIMIT', /rate_limit of the key/],
] as const)
  t.test(`rate-limit-refuses: ${setting} is the limit that is exceeded most`, async t => {
    const [advice] = recommend(facts({ requests: 100, errorsByCode: { rate_limited: 40 }, limitedBy }))
    t.match(advice, {
      id: 'rate-limit-refuses',
      setting,
      action,
      evidence: /RATE_LIMIT 100 in 10 s rejected \d+ .* KEY_RATE_LIMIT 1000/,
    })
  })

t.test('nothing happened: nothing is recommended', async t => {
  t.same(idsOf({}), [])
  t.same(recommend({ ...facts(), inspected: null, limiter: null, caches: null }), [])
})

t.test('settings that are named are settings', async t => {
  const names = new Set<string>(Object.values(settings).map(({ name }) => name))
  const all = rows.flatMap(([, [window, more]]) => recommend(facts(window, more)))
  for (const { id, setting, action, evidence } of all) {
    if (setting !== null) t.ok(names.has(setting), `${id}: ${setting}`)
    for (const [word] of `${action} ${evidence}`.matchAll(/\b[A-Z]+(_[A-Z]+)+\b/g))
      t.ok(names.has(word), `${id}: ${word}`)
    t.match(evidence, /\d|"deaf"/, `${id} has figures`)
  }
})

t.test('warnings come before what could be better', async t => {
  t.same(
    idsOf({
      firstTokenMs: spread(3000),
      stagesMs: { embed: spread(900) },
      eventLoop: { utilization: 0.9, delayP99Ms: 500 },
    }),
    ['model-slow', 'event-loop-late', 'embedding-slow'],
  )
})
