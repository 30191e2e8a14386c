import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { PoolStatus } from './adapters/database.ts'
import type { CacheCounts } from './ask/kept-answers.ts'
import type { Dependency } from './adapters/guarded.ts'
import type { ModelFault } from './adapters/model-faults.ts'
import type { DatabaseFault } from './adapters/postgres-errors.ts'
import type { Connections } from './monitoring/connections.ts'
import { poolVerdicts, serviceVerdicts } from './monitoring/findings.ts'
import type { Seen } from './monitoring/monitor.ts'
import type { Looked } from './ask/look.ts'
import type { Answer, CacheTier, Degraded, Usage } from './ask/terms.ts'
import type { StageMetrics } from './ask/stage.ts'
import type { BreakerState } from './resilience/breaker.ts'
import type { LimiterStatus } from './resilience/limiter.ts'

/** Every metric's name, labels and buckets. Labels are closed lists; a question or a tenant is never one. */

const prefix = 'askwell_'
/** Seconds: from a memory hit to the longest answer allowed. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Seconds: one that is free costs microseconds, a search milliseconds. */
const poolBuckets = [0.0001, 0.0005, ...buckets]

export type Metrics = ReturnType<typeof createMetrics>

/** Whole answers, what a model wrote, and the vectors of questions. */
export type CacheType = 'answer' | 'draft' | 'embedding'

export function createMetrics(poolStatus: () => PoolStatus) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix })
  const registers = [registry]

  const stageSeconds = new Histogram({ name: `${prefix}stage_seconds`, help: 'Time a stage took.', labelNames: ['stage', 'outcome'], buckets, registers })
  const firstToken = new Histogram({ name: `${prefix}first_token_seconds`, help: 'Time until a streaming stage gave its first piece.', labelNames: ['stage'], buckets, registers })
  const latency = new Histogram({ name: `${prefix}request_latency_seconds`, help: 'Time from a question to its whole answer.', labelNames: ['mode', 'cache'], buckets, registers })
  const searching = new Histogram({ name: `${prefix}search_latency_seconds`, help: 'Time from a question to its passages, of POST /search.', labelNames: ['mode', 'near'], buckets, registers })
  const answers = new Counter({ name: `${prefix}answers_total`, help: 'Answers given.', labelNames: ['generator', 'abstained'], registers })
  const failures = new Counter({ name: `${prefix}failures_total`, help: 'Questions that got an error, by its code.', labelNames: ['code'], registers })
  const degraded = new Counter({ name: `${prefix}degraded_total`, help: 'Answers and searches that went without something, by what was missing.', labelNames: ['reason'], registers })
  const caches = cacheMetrics(registers)
  const tokens = new Counter({ name: `${prefix}llm_tokens_total`, help: 'Tokens the chat model read and wrote.', labelNames: ['kind'], registers })
  const calls = new Histogram({ name: `${prefix}llm_calls_per_request`, help: 'Chat model calls a question took.', buckets: [0, 1, 2, 3, 4, 6], registers })

  const pool: [string, string, (status: PoolStatus) => number][] = [
    ['size', 'Database connections kept.', status => status.size],
    ['open', 'Database connections open.', status => status.open],
    ['checked_out', 'Database connections in use.', status => status.checkedOut],
    ['waiting', 'Requests that wait for a database connection.', status => status.waiting],
  ]
  for (const [name, help, pick] of pool) {
    new Gauge({ name: `${prefix}pool_${name}`, help, registers, collect() { this.set(pick(poolStatus())) } })
  }

  const poolSeconds = (name: string, help: string) => new Histogram({ name: `${prefix}pool_${name}_seconds`, help, buckets: poolBuckets, registers })
  const [waitSeconds, holdSeconds] = [poolSeconds('wait', 'Time from asking for a database connection to having it.'), poolSeconds('hold', 'Time a database connection was in use.')]
  const poolTotals: [keyof PoolStatus['totals'], string][] = [
    ['checkouts', 'Database connections handed out.'],
    ['refused', 'Requests refused because too many waited for a database connection.'],
    ['timeouts', 'Requests that left the queue without a database connection.'],
    ['cancels', 'Queries cancelled, because nobody waited any more or they took too long.'],
    ['overdue', 'Database connections held longer than any request may.'],
    ['destroyed', 'Database connections given up, because the server did not answer to a cancel.'],
    ['invalidated', 'Those, and database connections that the server or the network closed.'],
  ]
  for (const [name, help] of poolTotals) {
    new Counter({ name: `${prefix}pool_${name}_total`, help, registers, collect() { this.reset(); this.inc(poolStatus().totals[name]) } })
  }

  const stages: StageMetrics = {
    seconds: (stage, outcome, seconds) => stageSeconds.observe({ stage, outcome }, seconds),
    firstToken: (stage, seconds) => firstToken.observe({ stage }, seconds),
  }

  const latencyOf = kept((mode: string, cache: string) => latency.labels({ mode, cache }))
  const answersOf = kept((generator: string, abstained: string) => answers.labels({ generator, abstained }))

  function took({ degraded: reasons, usage }: { readonly degraded: readonly Degraded[]; readonly usage: Usage }) {
    for (const reason of reasons) degraded.inc({ reason })
    if (usage.promptTokens > 0) tokens.inc({ kind: 'prompt' }, usage.promptTokens)
    if (usage.completionTokens > 0) tokens.inc({ kind: 'completion' }, usage.completionTokens)
    calls.observe(usage.llmCalls)
  }

  return {
    registry,
    stages,
    pool: { waited: (seconds: number) => waitSeconds.observe(seconds), held: (seconds: number) => holdSeconds.observe(seconds) },
    answered(answer: Answer, seconds: number) {
      latencyOf(answer.mode, answer.cache.status).observe(seconds)
      answersOf(answer.generator, String(answer.abstained)).inc()
      took(answer)
    },
    searched(found: Looked, seconds: number) {
      searching.observe({ mode: found.mode, near: String(found.isNear) }, seconds)
      took(found)
    },
    failed: (code: string) => failures.inc({ code }),
    admission: admissionMetrics(registers),
    ...caches,
    ...guardMetrics(registers),
    ...verdictMetrics(registers),
  }
}

function admissionMetrics(registers: Registry[]) {
  const refusals = new Counter({ name: `${prefix}admission_refused_total`, help: 'Questions refused because too much was asked at once.', labelNames: ['priority', 'reason'], registers })
  const gauges: [string, string, keyof LimiterStatus][] = [
    ['limit', 'Questions that may be answered anew at once.', 'limit'],
    ['in_flight', 'Questions being answered anew.', 'inFlight'],
    ['queued', 'Questions that wait for their turn.', 'waiting'],
  ]
  return {
    refused: (priority: string, reason: string) => refusals.inc({ priority, reason }),
    watch(status: () => LimiterStatus) {
      for (const [name, help, field] of gauges) new Gauge({ name: `${prefix}admission_${name}`, help, registers, collect() { this.set(status()[field]) } })
    },
  }
}

/** A metric's child for two labels, made once: finding it by its labels costs more than counting. */
function kept<Child>(make: (a: string, b: string) => Child): (a: string, b: string) => Child {
  const children = new Map<string, Map<string, Child>>()
  return (a, b) => {
    let ofA = children.get(a)
    if (ofA === undefined) children.set(a, (ofA = new Map()))
    let child = ofA.get(b)
    if (child === undefined) ofA.set(b, (child = make(a, b)))
    return child
  }
}

/** What stands in GET /monitoring/pool-status, for alerts. */
function verdictMetrics(registers: Registry[]) {
  const modelFaults = new Counter({ name: `${prefix}model_faults_total`, help: 'Calls of models that failed, or were not made because of those before (paused), by in what way.', labelNames: ['dependency', 'kind'], registers })
  const databaseFaults = new Counter({ name: `${prefix}database_faults_total`, help: 'Leases of the database that came to nothing, and connections lost, by in what way.', labelNames: ['kind'], registers })
  const unparsed = new Counter({ name: `${prefix}unparsed_total`, help: 'Connections ended because no whole request came, by why.', labelNames: ['code'], registers })

  function watchMonitor(look: () => Seen, connections: Connections['facts']): void {
    new Gauge({ name: `${prefix}verdict`, help: '1 for the verdict that is so now.', labelNames: ['of', 'verdict'], registers, collect() {
      const { pool, service } = look()
      for (const each of poolVerdicts) this.set({ of: 'pool', verdict: each }, each === pool ? 1 : 0)
      for (const each of serviceVerdicts) this.set({ of: 'service', verdict: each }, each === service ? 1 : 0)
    } })
    new Gauge({ name: `${prefix}finding`, help: '1 for what is wrong now, by whose doing.', labelNames: ['culprit', 'code', 'severity'], registers, collect() {
      this.reset()
      for (const { culprit, code, severity } of look().findings) this.set({ culprit, code, severity }, 1)
    } })
    new Gauge({ name: `${prefix}client_connections`, help: 'Connections of clients; silent: without a byte; trickling: long in the middle of a request.', labelNames: ['state'], registers, collect() {
      const { open, silent, trickling } = connections()
      for (const [state, count] of Object.entries({ open, silent, trickling })) this.set({ state }, count)
    } })
  }

  return {
    modelFailed: (dependency: Dependency, kind: ModelFault) => modelFaults.inc({ dependency, kind }),
    databaseFailed: (kind: DatabaseFault) => databaseFaults.inc({ kind }),
    unparsed: (code: string) => unparsed.inc({ code }),
    watchMonitor,
  }
}

const breakerStates: readonly BreakerState[] = ['closed', 'half-open', 'open']

function guardMetrics(registers: Registry[]) {
  const opened = new Counter({ name: `${prefix}breaker_opened_total`, help: 'Times that something was not asked any more because it failed.', labelNames: ['dependency'], registers })
  const retries = new Counter({ name: `${prefix}retries_total`, help: 'Calls made a second time.', labelNames: ['dependency'], registers })
  const hedges = new Counter({ name: `${prefix}hedges_total`, help: 'Embeddings asked for twice because the first call took long.', registers })

  function watchBreakers(states: () => Readonly<Partial<Record<Dependency, BreakerState>>>): void {
    const help = '1 for the state that a breaker is in.'
    new Gauge({ name: `${prefix}breaker_state`, help, labelNames: ['dependency', 'state'], registers, collect() {
      for (const [dependency, now] of Object.entries(states())) for (const state of breakerStates) this.set({ dependency, state }, state === now ? 1 : 0)
    } })
  }

  return {
    breakerOpened: (dependency: Dependency) => opened.inc({ dependency }),
    retried: (dependency: Dependency) => retries.inc({ dependency }),
    hedged: () => hedges.inc(),
    watchBreakers,
  }
}

const cacheTypes: readonly CacheType[] = ['answer', 'draft', 'embedding']

function cacheMetrics(registers: Registry[]) {
  const byTier = (name: string, help: string) => new Counter({ name: `${prefix}cache_${name}_total`, help, labelNames: ['cache_type', 'tier'], registers })
  const given = {
    hit: byTier('hits', 'Found in a cache.'),
    near: byTier('near', 'Answered with the cached answer of a near question.'),
    stale: byTier('stale', 'Answered with a cached answer past its time, or that could not be checked.'),
    coalesced: byTier('coalesced', 'Answered by a run that was under way for the same question (tier redis: on another replica).'),
  }
  const misses = new Counter({ name: `${prefix}cache_misses_total`, help: 'Not found in a cache.', labelNames: ['cache_type'], registers })
  const evictions = new Counter({ name: `${prefix}cache_evictions_total`, help: 'Pushed out of memory to make room.', labelNames: ['cache_type'], registers })
  const refreshes = new Counter({ name: `${prefix}cache_refreshes_total`, help: 'Answers made anew in the background before their time was over.', labelNames: ['outcome'], registers })
  const seconds = new Counter({ name: `${prefix}cache_saved_seconds_total`, help: 'Time that making the cached answers anew would have taken.', registers })
  const calls = new Counter({ name: `${prefix}cache_saved_llm_calls_total`, help: 'Chat model calls that cached answers spared.', registers })
  const tokens = new Counter({ name: `${prefix}cache_saved_llm_tokens_total`, help: 'Tokens that cached answers spared.', labelNames: ['kind'], registers })
  const [promptTokens, completionTokens] = [tokens.labels({ kind: 'prompt' }), tokens.labels({ kind: 'completion' })]
  const failures = new Counter({ name: `${prefix}redis_failures_total`, help: 'Redis commands that came to nothing, by why.', labelNames: ['reason'], registers })

  const givenOf = kept((status, tier) => given[status as keyof typeof given].labels({ cache_type: 'answer', tier }))

  function spared({ tookMs, usage }: { readonly tookMs: number; readonly usage: Usage }): void {
    seconds.inc(tookMs / 1000)
    if (usage.llmCalls > 0) calls.inc(usage.llmCalls)
    if (usage.promptTokens > 0) promptTokens.inc(usage.promptTokens)
    if (usage.completionTokens > 0) completionTokens.inc(usage.completionTokens)
  }

  const answerCache: CacheCounts = {
    given(status, tier, { tookMs, answer }) {
      givenOf(status, tier).inc()
      spared({ tookMs, usage: answer.usage })
    },
    missed: () => misses.inc({ cache_type: 'answer' }),
    refreshed: outcome => refreshes.inc({ outcome }),
  }

  function watchCaches(sizes: () => Readonly<Record<CacheType, { readonly entries: number; readonly bytes: number }>>): void {
    for (const [unit, help] of [['bytes', 'Memory that a cache holds, as reckoned.'], ['entries', 'Entries that a cache holds in memory.']] as const) {
      new Gauge({ name: `${prefix}cache_${unit}`, help, labelNames: ['cache_type'], registers, collect() { for (const type of cacheTypes) this.set({ cache_type: type }, sizes()[type][unit]) } })
    }
  }

  return {
    answerCache,
    cache: (type: CacheType) => ({
      given: (tier: CacheTier) => given.hit.inc({ cache_type: type, tier }),
      missed: () => misses.inc({ cache_type: type }),
      evicted: () => evictions.inc({ cache_type: type }),
    }),
    draftFound(tier: CacheTier, draft: { readonly tookMs: number; readonly usage: Usage }) {
      given.hit.inc({ cache_type: 'draft', tier })
      spared(draft)
    },
    redisFailed: (reason: string) => failures.inc({ reason }),
    watchCaches,
  }
}
