/**
 * For each alert, series that must make it fire and similar ones that must not. `job` and `instance` are added later.
 */
export interface AlertCase {
  /** One value per minute, in promtool's shorthand: `0+10x60` is 0, 10 … 600. */
  readonly fires: Series
  readonly quiet: Series
  /** Time of evaluation; default 20m. */
  readonly at?: string
}

type Series = Readonly<Record<string, string>>

const rising = (perMinute: number, minutes = 60) => `0+${perMinute}x${minutes}`
const steady = (value: number, minutes = 60) => `${value}x${minutes}`
const up: Series = { askwell_database_up: steady(1) }
const asked = (perMinute: number, served = 'whole', minutes = 60): Series => ({
  [`askwell_qos_level_requests_total{level="interactive",served="${served}"}`]: rising(perMinute, minutes),
})

/**
 * A histogram with `fast` observations per minute below the first bound and `slow` between the first and the second.
 */
function histogram(name: string, [below, above]: readonly [string, string], fast: number, slow: number): Series {
  return {
    [`${name}_bucket{le="${below}"}`]: rising(fast),
    [`${name}_bucket{le="${above}"}`]: rising(fast + slow),
    [`${name}_bucket{le="+Inf"}`]: rising(fast + slow),
    [`${name}_count`]: rising(fast + slow),
  }
}

const latency = (above: string, fast: number, slow: number) =>
  histogram('askwell_request_latency_seconds', ['5', above], fast, slow)
const retrieved = (ok: number, late: number): Series => ({
  'askwell_stage_seconds_count{stage="retrieve",outcome="ok"}': rising(ok),
  'askwell_stage_seconds_count{stage="retrieve",outcome="deadline"}': rising(late),
})
const fault = (kind: string, perMinute: number): Series => ({
  [`askwell_database_faults_total{kind="${kind}"}`]: rising(perMinute),
})
const modelFault = (dependency: string, kind: string, perMinute = 10): Series => ({
  [`askwell_model_faults_total{dependency="${dependency}",kind="${kind}"}`]: rising(perMinute),
})
const redisFailure = (reason: string, perMinute: number): Series => ({
  [`askwell_redis_failures_total{reason="${reason}"}`]: rising(perMinute),
})
const spent = (budget: string, perMinute: number): Series => ({
  [`askwell_request_budget_exceeded_total{budget="${budget}"}`]: rising(perMinute),
  ...asked(100),
})
const cached = (type: string, hits: number, misses: number): Series => ({
  [`askwell_cache_hits_total{cache_type="${type}",tier="memory"}`]: rising(hits, 200),
  [`askwell_cache_misses_total{cache_type="${type}"}`]: rising(misses, 200),
  ...asked(hits + misses, 'whole', 200),
})

export const alertCases: Readonly<Record<string, AlertCase>> = {
  AskwellAbsent: { fires: { up: steady(0) }, quiet: { up: steady(1) } },
  AskwellNotReady: {
    fires: { askwell_ready: steady(0), ...up },
    quiet: { askwell_ready: steady(0), askwell_database_up: steady(0) },
  },
  AskwellErrorsBurnFast: {
    fires: { ...asked(90), ...asked(10, 'failed') },
    quiet: { ...asked(96), ...asked(4, 'failed') },
  },
  AskwellErrorsBurnSlowly: {
    fires: { ...asked(96, 'whole', 400), ...asked(4, 'failed', 400) },
    quiet: { ...asked(98, 'whole', 400), ...asked(2, 'failed', 400) },
    at: '390m',
  },
  AskwellDegraded: {
    fires: { 'askwell_degraded_total{reason="generation"}': rising(10), ...asked(100) },
    quiet: {
      'askwell_degraded_total{reason="generation"}': rising(4),
      'askwell_degraded_total{reason="budget"}': rising(50),
      'askwell_degraded_total{reason="capacity"}': rising(50),
      ...asked(100),
    },
  },
  AskwellSlow: { fires: latency('10', 90, 10), quiet: latency('10', 97, 3) },
  AskwellVerySlow: {
    fires: { ...latency('10', 90, 0), ...histogram('askwell_request_latency_seconds', ['10', '30'], 90, 10) },
    quiet: latency('10', 50, 50),
  },
  AskwellFinding: {
    fires: { 'askwell_finding{culprit="redis",code="gone",severity="warning"}': steady(1) },
    quiet: { 'askwell_finding{culprit="clients",code="leave",severity="info"}': steady(1) },
  },
  AskwellDatabaseDown: { fires: { askwell_database_up: steady(0) }, quiet: up },
  AskwellDatabaseConnectionsLost: {
    fires: { ...fault('lost', 4), ...up },
    quiet: { ...fault('lost', 4), askwell_database_up: steady(0) },
  },
  AskwellDatabaseRefusesWrites: {
    fires: fault('read_only', 1),
    quiet: { ...fault('lost', 10), ...fault('read_only', 0) },
  },
  AskwellDatabaseBroken: { fires: fault('broken', 1), quiet: fault('statement_timeout', 10) },
  AskwellSearchesBlocked: { fires: { ...retrieved(70, 30), ...up }, quiet: { ...retrieved(90, 10), ...up } },
  AskwellRetrievalSlow: {
    fires: histogram('askwell_retrieval_latency_seconds', ['0.5', '1'], 80, 20),
    quiet: histogram('askwell_retrieval_latency_seconds', ['0.5', '1'], 96, 4),
  },
  AskwellPoolExhausted: {
    fires: { askwell_pool_waiting: steady(5), askwell_pool_checked_out: steady(20), askwell_pool_max: steady(20) },
    quiet: { askwell_pool_waiting: steady(0), askwell_pool_checked_out: steady(20), askwell_pool_max: steady(20) },
  },
  AskwellPoolRefuses: {
    fires: { askwell_pool_refused_total: rising(1), askwell_pool_timeouts_total: rising(0) },
    quiet: { askwell_pool_refused_total: steady(7), askwell_pool_timeouts_total: steady(7) },
  },
  AskwellLeaseOverdue: {
    fires: { askwell_pool_overdue_total: rising(1) },
    quiet: { askwell_pool_overdue_total: steady(3) },
  },
  AskwellRedisGone: { fires: { askwell_redis_up: steady(0) }, quiet: { askwell_redis_up: steady(1) } },
  AskwellRedisUnsteady: {
    fires: { ...redisFailure('down', 3), askwell_redis_up: steady(1) },
    quiet: { ...redisFailure('down', 3), askwell_redis_up: steady(0) },
  },
  AskwellRedisFull: { fires: redisFailure('full', 3), quiet: redisFailure('timeout', 3) },
  AskwellRedisStrange: { fires: redisFailure('wrong_type', 1), quiet: redisFailure('full', 3) },
  AskwellModelUnreachable: { fires: modelFault('chat', 'unreachable'), quiet: modelFault('chat', 'failed') },
  AskwellModelFailing: { fires: modelFault('embeddings', 'hung_up'), quiet: modelFault('embeddings', 'busy') },
  AskwellModelBusy: { fires: modelFault('chat', 'busy'), quiet: modelFault('chat', 'paused') },
  AskwellModelSaturated: {
    fires: { 'askwell_model_calls_declined_total{dependency="chat"}': rising(20) },
    quiet: { 'askwell_model_calls_declined_total{dependency="chat"}': rising(4) },
  },
  AskwellModelRefuses: { fires: modelFault('rerank', 'rejected'), quiet: modelFault('rerank', 'slow') },
  AskwellModelSilent: { fires: modelFault('chat', 'stalled'), quiet: modelFault('chat', 'broken_off') },
  AskwellModelSlow: { fires: modelFault('chat', 'slow'), quiet: modelFault('chat', 'silent') },
  AskwellModelGarbled: {
    fires: modelFault('embeddings', 'wrong_dimensions'),
    quiet: modelFault('embeddings', 'failed'),
  },
  AskwellGptSlow: {
    fires: histogram('askwell_gpt_latency_seconds', ['10', '30'], 90, 10),
    quiet: histogram('askwell_gpt_latency_seconds', ['10', '30'], 98, 2),
  },
  AskwellBreakerOpen: {
    fires: {
      'askwell_breaker_state{dependency="chat",state="open"}': '0 1 0 1x57',
      'askwell_breaker_state{dependency="chat",state="half-open"}': '0 0 1 0x57',
    },
    quiet: {
      'askwell_breaker_state{dependency="chat",state="closed"}': steady(1),
      'askwell_breaker_state{dependency="chat",state="open"}': steady(0),
    },
  },
  AskwellManyModelCalls: {
    fires: histogram('askwell_llm_calls_per_request', ['3', '4'], 90, 10),
    quiet: histogram('askwell_llm_calls_per_request', ['3', '4'], 98, 2),
    at: '40m',
  },
  AskwellManyTokens: {
    fires: histogram('askwell_tokens_per_request', ['8000', '16000'], 90, 10),
    quiet: histogram('askwell_tokens_per_request', ['8000', '16000'], 98, 2),
    at: '40m',
  },
  AskwellManySteps: {
    fires: histogram('askwell_agent_steps_per_request', ['4', '6'], 90, 10),
    quiet: histogram('askwell_agent_steps_per_request', ['4', '6'], 98, 2),
    at: '40m',
  },
  AskwellTimeBudgetExceeded: { fires: spent('time', 8), quiet: spent('time', 3) },
  AskwellDailyBudgetNearlyUsedUp: {
    fires: { 'askwell_budget_used_ratio{scope="collection"}': steady(0.85) },
    quiet: {
      'askwell_budget_used_ratio{scope="collection"}': steady(0.7),
      'askwell_budget_used_ratio{scope="service"}': steady(1.01),
    },
  },
  AskwellDailyBudgetUsedUp: {
    fires: { 'askwell_budget_used_ratio{scope="service"}': steady(1) },
    quiet: { 'askwell_budget_used_ratio{scope="service"}': steady(0.99) },
  },
  AskwellTokenBudgetExceeded: { fires: spent('tokens', 60), quiet: spent('tokens', 40), at: '55m' },
  AskwellRetryBudgetExceeded: { fires: spent('calls', 3), quiet: spent('calls', 0) },
  AskwellAnswerCacheHitsLow: { fires: cached('answer', 2, 98), quiet: cached('answer', 10, 90), at: '150m' },
  AskwellEmbeddingCacheHitsLow: { fires: cached('embedding', 1, 99), quiet: cached('embedding', 10, 90), at: '150m' },
  AskwellCacheTooSmall: {
    fires: { 'askwell_cache_evictions_total{cache_type="answer"}': rising(50, 200), ...cached('answer', 10, 90) },
    quiet: { 'askwell_cache_evictions_total{cache_type="answer"}': rising(10, 200), ...cached('answer', 10, 90) },
    at: '150m',
  },
  AskwellSavesFail: {
    fires: { 'askwell_db_save_failures_total{store="postgres"}': rising(5) },
    quiet: { 'askwell_db_save_failures_total{store="postgres"}': rising(0) },
  },
  AskwellOverloaded: {
    fires: { ...asked(80), ...asked(20, 'refused') },
    quiet: { ...asked(97), ...asked(3, 'refused') },
  },
  AskwellRateLimited: {
    fires: {
      'askwell_http_problems_total{code="rate_limited"}': rising(20),
      'askwell_http_responses_total{class="4xx"}': rising(20),
      'askwell_http_responses_total{class="2xx"}': rising(80),
    },
    quiet: {
      'askwell_http_problems_total{code="rate_limited"}': rising(5),
      'askwell_http_responses_total{class="4xx"}': rising(5),
      'askwell_http_responses_total{class="2xx"}': rising(95),
    },
  },
  AskwellClientsLeave: {
    fires: { 'askwell_failures_total{code="cancelled"}': rising(50), ...asked(100) },
    quiet: { 'askwell_failures_total{code="cancelled"}': rising(5), ...asked(100) },
  },
  AskwellClientsHoldConnections: {
    fires: {
      'askwell_client_connections{state="silent"}': steady(80),
      'askwell_client_connections{state="trickling"}': steady(80),
    },
    quiet: {
      'askwell_client_connections{state="open"}': steady(5000),
      'askwell_client_connections{state="silent"}': steady(3),
      'askwell_client_connections{state="trickling"}': steady(3),
    },
  },
  AskwellEventLoopBlocked: {
    fires: { askwell_event_loop_stalled_seconds_total: '0x18 2.1x41' },
    quiet: { askwell_event_loop_stalled_seconds_total: rising(0.3) },
  },
  AskwellEventLoopBusy: {
    fires: { askwell_event_loop_active_seconds_total: rising(57), askwell_event_loop_idle_seconds_total: rising(3) },
    quiet: { askwell_event_loop_active_seconds_total: rising(40), askwell_event_loop_idle_seconds_total: rising(20) },
  },
  AskwellWorkersRestart: {
    fires: { 'askwell_worker_restarts_total{reason="killed"}': '0x14 1x46' },
    // Not those that an operator stops one after the other.
    quiet: {
      'askwell_worker_restarts_total{reason="stopped"}': rising(1),
      'askwell_worker_restarts_total{reason="failed"}': steady(3),
    },
  },
  AskwellMemoryShort: {
    fires: { askwell_nodejs_heap_size_used_bytes: steady(900), askwell_heap_limit_bytes: steady(1000) },
    quiet: { askwell_nodejs_heap_size_used_bytes: steady(700), askwell_heap_limit_bytes: steady(1000) },
  },
}
