import { readFileSync } from 'node:fs'
import tap from 'tap'
import { modelFaults } from '../../../../src/faults.ts'
import { diagnose } from '../../../../src/monitoring/findings/diagnose.ts'
import { factsOf } from '../../../support/facts.ts'

type Changes = NonNullable<Parameters<typeof factsOf>[0]>

const codesFound = new Set<string>()

/** What is found, as `severity culprit code`, the gravest first. */
function found(changes: Changes): string[] {
  const { findings } = diagnose(factsOf(changes))
  for (const { code } of findings) codesFound.add(code)
  return findings.map(({ severity, culprit, code }) => `${severity} ${culprit} ${code}`)
}

const busy = { checkedIn: 0, open: 50, overflow: 30, checkedOut: 50, holders: { retrieve: 50 } }
const only = { size: 1, maxOverflow: 0, checkedIn: 0, open: 1, overflow: 0, checkedOut: 1, holders: { load: 1 } }
const server = {
  maxConnections: 100,
  reserved: 3,
  byState: { active: 1, idle: 1, idleInTransaction: 0, other: 0 },
  ours: 2,
  free: 95,
  lock: null,
  ageMs: 0,
}
const lock = { waiting: 7, longestMs: 2100, heldBy: 'process 4711 (psql, idle in transaction)' }

const budget = (scope: 'service' | 'key' | 'collection', used: number) => ({
  scope,
  name: scope === 'service' ? null : 'faq',
  unit: 'tokens',
  used,
  limit: 100,
  resetsAt: '2026-11-30T00:00:00.000Z',
})

const firstWord = (changes: object) => ({
  limitMs: 26_000,
  isFixed: false,
  leastMs: 10_000,
  usualMs: 13_000,
  calls: 8,
  cut: 0,
  promptTokens: 1500,
  mostPromptTokens: 1500,
  ...changes,
})

tap.test('a model that hung, and is quick again, is not slow to begin', async t => {
  t.same(found({ firstWord: firstWord({ usualMs: 900, cut: 5 }) }), [])
  const down = { breakers: { chat: 'open' }, lastFault: () => 'silent' } as const
  t.same(found({ ...down, firstWord: firstWord({ usualMs: null, calls: 5, cut: 5 }) }), ['warning chat chat-silent'])
})

tap.test('nothing is the matter: nothing is found', async t => {
  t.same(diagnose(factsOf()), { pool: 'ok', reasons: [], service: 'ok', findings: [] })
  t.same(found({ redis: 'off' }), [], 'no Redis is no fault')
  t.same(found({ budgets: [budget('service', 79)] }), [], 'a budget may be used')
})

/** Each by itself: a cause, what is found of it, the pool's verdict and the service's. */
const causes: readonly (readonly [what: string, changes: Changes, finding: string, pool: string, service: string])[] = [
  [
    'Postgres is frozen',
    { database: { isDown: true, downBy: 'silent' } },
    'critical database database-silent',
    'down',
    'failing',
  ],
  [
    'Postgres is gone',
    { database: { isDown: true, downBy: 'unreachable' } },
    'critical database database-unreachable',
    'down',
    'failing',
  ],
  [
    'Postgres is gone in a way that nobody knows',
    { database: { isDown: true, downBy: null } },
    'critical database database-unreachable',
    'down',
    'failing',
  ],
  [
    'Postgres recovers',
    { database: { isDown: true, downBy: 'starting' } },
    'critical database database-starting',
    'down',
    'failing',
  ],
  [
    'Postgres has no connection for us',
    { database: { isDown: true, downBy: 'too_many_connections' } },
    'critical database database-connections-used-up',
    'down',
    'failing',
  ],
  [
    'the password is wrong',
    { database: { isDown: true, downBy: 'login' } },
    'critical database database-refuses-login',
    'down',
    'failing',
  ],
  ['a lock makes some wait', { database: { lock } }, 'warning database database-lock', 'strained', 'degraded'],
  [
    'a lock stops all',
    { database: { lock }, breakers: { database: 'open' } },
    'critical database database-lock',
    'strained',
    'failing',
  ],
  [
    'searches do not end',
    { counts: { 'deadline:retrieve': 4 } },
    'critical database database-slow',
    'strained',
    'failing',
  ],
  [
    'searches do not end, in a process that is late itself',
    { counts: { 'deadline:retrieve': 4 }, process: { lateMs: 600 } },
    'warning database database-slow',
    'strained',
    'degraded',
  ],
  [
    'the database is left alone',
    { breakers: { database: 'half-open' } },
    'critical database database-slow',
    'strained',
    'failing',
  ],
  [
    'a write meets a read-only server',
    { counts: { 'database:read_only': 1 } },
    'warning database database-read-only',
    'strained',
    'degraded',
  ],
  [
    'the disk is full',
    { counts: { 'database:disk_full': 1 } },
    'warning database database-disk-full',
    'strained',
    'degraded',
  ],
  [
    'the server is out of memory',
    { counts: { 'database:out_of_resources': 1 } },
    'warning database database-out-of-resources',
    'strained',
    'degraded',
  ],
  [
    'the role lacks a right',
    { counts: { 'database:forbidden': 1 } },
    'critical database database-right-missing',
    'strained',
    'failing',
  ],
  [
    'the data is broken',
    { counts: { 'database:broken': 1 } },
    'critical database database-broken',
    'strained',
    'failing',
  ],
  [
    'connections break',
    { counts: { 'database:lost': 3 } },
    'warning database database-drops-connections',
    'strained',
    'degraded',
  ],
  [
    'the pool could not grow',
    { database: { server: { ...server, free: 2 } } },
    'warning database database-connections-nearly-used-up',
    'strained',
    'degraded',
  ],
  [
    '200 wait',
    { pool: { ...busy, waiting: 200, longestWaitMs: 1200 } },
    'critical pool pool-exhausted',
    'exhausted',
    'failing',
  ],
  [
    'one waits for the only connection',
    { pool: { ...only, waiting: 3, longestWaitMs: 1200 } },
    'warning pool pool-waits',
    'strained',
    'degraded',
  ],
  [
    'the only connection does not come back',
    { pool: { ...only, waiting: 3, longestWaitMs: 6000 } },
    'critical pool pool-exhausted',
    'exhausted',
    'failing',
  ],
  [
    'some were refused a connection',
    { counts: { 'pool:refused': 1 } },
    'critical pool pool-exhausted',
    'exhausted',
    'failing',
  ],
  [
    'one waits',
    { pool: { ...busy, waiting: 1, longestWaitMs: 60 } },
    'warning pool pool-waits',
    'strained',
    'degraded',
  ],
  ['many waited lately', { counts: { 'pool:waited': 3 } }, 'warning pool pool-waits', 'strained', 'degraded'],
  [
    'a lease does not come back',
    { counts: { 'pool:overdue': 1 } },
    'warning pool pool-held-too-long',
    'strained',
    'degraded',
  ],
  ['Redis is gone', { redis: 'reconnecting' }, 'warning redis redis-gone', 'ok', 'degraded'],
  ['Redis is frozen', { redis: 'deaf' }, 'warning redis redis-silent', 'ok', 'degraded'],
  [
    'Redis is frozen, and connected to again and again',
    { redis: 'connect', redisOutage: 'silent' },
    'warning redis redis-silent',
    'ok',
    'degraded',
  ],
  [
    'Redis wants another password',
    { redis: 'connect', redisOutage: 'refuses' },
    'warning redis redis-refuses',
    'ok',
    'degraded',
  ],
  ['Redis is full', { counts: { 'redis:full': 1 } }, 'warning redis redis-full', 'ok', 'degraded'],
  ['Redis was restarted', { counts: { 'redis lost': 1 } }, 'warning redis redis-reconnected', 'ok', 'degraded'],
  ['Redis is slow', { counts: { 'redis:timeout': 3 } }, 'warning redis redis-slow', 'ok', 'degraded'],
  [
    'the loop is blocked',
    { process: { lateMs: 1500, wasBusy: true } },
    'warning process event-loop-blocked',
    'ok',
    'degraded',
  ],
  [
    'the loop is blocked, and requests are refused',
    { counts: { 'shed:loop': 4 } },
    'critical process event-loop-blocked',
    'ok',
    'failing',
  ],
  [
    'the process was stopped',
    { process: { lateMs: 1500, wasBusy: false } },
    'warning process process-stood-still',
    'ok',
    'degraded',
  ],
  ['memory runs out', { process: { heapShare: 0.9 } }, 'warning process memory-nearly-used-up', 'ok', 'degraded'],
  ['memory has run out', { counts: { 'shed:heap': 1 } }, 'critical process memory-nearly-used-up', 'ok', 'failing'],
  ['something unexpected', { counts: { 'failed:internal': 1 } }, 'warning process internal-errors', 'ok', 'degraded'],
  ['it was told to stop', { isDraining: true }, 'info process draining', 'ok', 'ok'],
  ['a few are refused', { counts: { 'refused:wait': 4, requests: 100 } }, 'warning traffic overload', 'ok', 'degraded'],
  [
    'most are refused',
    { counts: { 'refused:queue': 60, requests: 100 } },
    'critical traffic overload',
    'ok',
    'failing',
  ],
  [
    'the model cannot answer all in time',
    {
      counts: { 'chat:declined': 40, 'chat:ok': 30, requests: 70 },
      modelCalls: { limit: 6, inFlight: 6, waiting: 20, isSaturated: true },
    },
    'warning chat chat-saturated',
    'ok',
    'degraded',
  ],
  [
    'the model is slow to begin',
    { firstWord: firstWord({ usualMs: 13_000, calls: 8, cut: 3 }) },
    'warning chat chat-first-word-late',
    'ok',
    'degraded',
  ],
  [
    'the model has not begun an answer yet',
    { firstWord: firstWord({ usualMs: null, calls: 1, cut: 1 }) },
    'warning chat chat-first-word-late',
    'ok',
    'degraded',
  ],
  [
    'the model reads slowly',
    { firstWord: firstWord({ promptTokens: 400 }) },
    'info chat chat-prompts-shrunk',
    'ok',
    'ok',
  ],
  ['batch makes room', { counts: { 'refused:evicted': 1 } }, 'info limits batch-refused', 'ok', 'ok'],
  [
    'a client asks too much',
    { counts: { 'limited:address': 2, 'limited:key': 1 } },
    'info limits rate-limited',
    'ok',
    'ok',
  ],
  [
    'a budget is nearly used up',
    { budgets: [budget('collection', 85)] },
    'info limits budget-nearly-used-up',
    'ok',
    'ok',
  ],
  ['a budget is used up', { budgets: [budget('service', 101)] }, 'warning limits budget-used-up', 'ok', 'degraded'],
  ['a key has used up its budget', { budgets: [budget('key', 100)] }, 'info limits budget-used-up', 'ok', 'ok'],
  ['documents with much metadata', { database: { largeMetadata: 12 } }, 'info database metadata-large', 'ok', 'ok'],
  ['documents of an older version', { database: { outdated: 3 } }, 'info database documents-outdated', 'ok', 'ok'],
  ['units are behind', { database: { unitsBehind: 3 } }, 'info database units-behind', 'ok', 'ok'],
  [
    'an embedding model that changed',
    { database: { changedModels: 2 } },
    'warning embeddings embedding-model-changed',
    'ok',
    'degraded',
  ],
  ['clients leave', { counts: { 'failed:cancelled': 20, requests: 70 } }, 'info clients clients-leave', 'ok', 'ok'],
  ['clients say nothing', { connections: { open: 520, silent: 500 } }, 'info clients clients-say-nothing', 'ok', 'ok'],
  ['clients trickle', { connections: { open: 220, trickling: 200 } }, 'info clients clients-trickle', 'ok', 'ok'],
  [
    'connections run out',
    { connections: { open: 90, max: 100 } },
    'warning clients connections-nearly-used-up',
    'ok',
    'degraded',
  ],
]

for (const [what, changes, finding, pool, service] of causes) {
  tap.test(`${what}: ${finding}`, async t => {
    t.same(found(changes), [finding])
    t.match(diagnose(factsOf(changes)), { pool, service })
  })
}

tap.test('models: each fault has a name of its own, by model', async t => {
  const codes = new Set<string>()
  for (const fault of modelFaults.filter(each => each !== 'paused')) {
    for (const model of ['chat', 'embeddings', 'rerank'] as const) {
      const { findings, service } = diagnose(factsOf({ counts: { [`${model}:${fault}`]: 3, [`${model}:ok`]: 3 } }))
      t.match(findings, [{ culprit: model, severity: 'warning' }], `${model} ${fault}`)
      t.equal(service, 'degraded')
      for (const { code } of findings) {
        codes.add(code)
        if (model === (fault === 'wrong_dimensions' ? 'embeddings' : 'chat')) codesFound.add(code)
      }
    }
  }
  t.equal(codes.size, 3 * (modelFaults.length - 1))
})

tap.test('models: what most calls failed by; one fault, or one in ten, is chance', async t => {
  t.same(found({ counts: { 'chat:hung_up': 2, 'chat:unreachable': 9 } }), ['warning chat chat-unreachable'])
  t.same(found({ counts: { 'chat:failed': 1 } }), [])
  t.same(found({ counts: { 'chat:failed': 5, 'chat:ok': 45 } }), [])
})

tap.test('models: left alone, by what was last', async t => {
  const lastFault = () => 'silent' as const
  t.same(found({ breakers: { chat: 'open' }, lastFault }), ['warning chat chat-silent'])
  t.same(
    found({ counts: { 'chat:paused': 3 }, lastFault: () => 'busy' }),
    ['warning chat chat-busy'],
    'it asked for a pause',
  )
})

tap.test('what is slow fills the queues: then the overload is no cause', async t => {
  const counts = { 'refused:wait': 60, requests: 100 }
  t.same(found({ counts, database: { lock }, breakers: { database: 'open' } }), [
    'critical database database-lock',
    'info traffic overload',
  ])
  t.same(found({ counts, redis: 'deaf' }), ['critical traffic overload', 'warning redis redis-silent'])
})

tap.test('a worker that was killed: for ten minutes', async t => {
  t.same(found({ workers: { killed: 2, killedAgoMs: 61_000 } }), ['warning process worker-killed'])
  t.same(found({ workers: { killed: 2, killedAgoMs: 601_000 } }), [])
  t.match(
    diagnose(factsOf({ workers: { killed: 2, killedAgoMs: 61_000 } })).findings[0]?.detail,
    /killed 1 min ago and replaced \(2 times since the start\)/,
  )
})

tap.test('lost log lines and spans: for a minute, without effect on the verdict', async t => {
  const log = { lost: 3, lostAgoMs: 59_000 }
  const traces = {
    delivered: 0,
    lost: { queue_full: 1, not_delivered: 4 },
    lastLoss: { agoMs: 59_000, cause: 'replied 401' },
  }
  t.same(found({ log, traces }), ['info process log-lost', 'info process traces-lost'])
  t.equal(diagnose(factsOf({ log, traces })).service, 'ok')
  t.match(
    diagnose(factsOf({ traces })).findings[0]?.detail,
    /5 spans since the start\): the collector replied 401; check/,
  )
  const past = { log: { ...log, lostAgoMs: 60_000 }, traces: { ...traces, lastLoss: { agoMs: 60_000, cause: '' } } }
  t.same(found(past), [])
})

tap.test('a database that is down explains the rest of what is found of it', async t => {
  t.same(
    found({
      database: { isDown: true, downBy: 'unreachable', lock },
      counts: { 'database:lost': 20, 'deadline:retrieve': 5 },
      breakers: { database: 'open' },
    }),
    ['critical database database-unreachable'],
  )
})

tap.test('the evidence stands in the words', async t => {
  const [finding] = diagnose(factsOf({ pool: { ...busy, waiting: 200, longestWaitMs: 1200 } })).findings
  t.equal(
    finding?.detail,
    '50 of 50 database connections are in use (retrieve 50); 200 requests are waiting, the longest for 1.2 s.',
  )
  t.match(
    diagnose(factsOf({ database: { lock } })).findings[0]?.detail,
    /^7 Askwell queries waited for a lock, the longest for 2\.1 s; the lock is held by process 4711/,
  )
})

tap.test('the runbook has a row for each code that was found above', async t => {
  const rows = readFileSync(new URL('../../../../docs/operations/runbook.md', import.meta.url), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('| `'))
  for (const code of codesFound)
    t.ok(
      rows.some(row => row.includes(`\`${code}\``)),
      code,
    )
  t.ok(codesFound.size > 40, `${codesFound.size} codes`)
})
