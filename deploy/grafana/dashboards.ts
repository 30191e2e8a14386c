import type { Dashboard, Panel } from './panels.ts'

/** The dashboards, by the file that they are written to: `node deploy/grafana/make.ts` after a change. */

const of = '{job=~"$job",instance=~"$instance"}'
const where = (more: string) => `{job=~"$job",instance=~"$instance",${more}}`
const rate = (series: string) => `rate(${series}[$__rate_interval])`
const sum = (expr: string, by = '') => `sum ${by === '' ? '' : `by (${by}) `}(${expr})`
const rateOf = (name: string, by = '', more = '') => sum(rate(name + (more === '' ? of : where(more))), by)

/** p50, p95 and p99 of a histogram. */
function quantiles(name: string, more = ''): Panel['queries'] {
  return [0.5, 0.95, 0.99].map(q => [`histogram_quantile(${q}, ${rateOf(`${name}_bucket`, 'le', more)})`, `p${q * 100}`])
}

const p95By = (name: string, label: string): Panel['queries'] => [[`histogram_quantile(0.95, ${rateOf(`${name}_bucket`, `le, ${label}`)})`, `{{${label}}}`]]
const share = (part: string, whole: string) => `${part} / ${whole}`

const hits = (type: string) => rateOf('askwell_cache_hits_total', '', `cache_type="${type}"`)
const misses = (type: string) => rateOf('askwell_cache_misses_total', '', `cache_type="${type}"`)
const hitRates: Panel['queries'] = ['answer', 'draft', 'embedding'].map(type => [share(hits(type), `(${hits(type)} + ${misses(type)})`), type])

const service: Dashboard = {
  uid: 'askwell-service',
  title: 'Askwell: service',
  about: 'Is it well, and if not, what is the culprit: questions, errors, dependencies, load, the process.',
  rows: [
    {
      title: 'Is it well?',
      panels: [
        { title: 'Ready', about: 'Replicas that take questions.', unit: 'short', kind: 'stat', queries: [[sum(`askwell_ready${of}`), 'ready'], [`count(askwell_build_info${of})`, 'replicas']], alerts: ['AskwellAbsent', 'AskwellNotReady'] },
        { title: 'Errors', about: 'Share of the questions that failed; .5 % are allowed.', unit: 'percentunit', thresholds: [0.005, 0.03], queries: [['job:askwell_errors:ratio_rate5m{job=~"$job"}', '5 min'], ['job:askwell_errors:ratio_rate1h{job=~"$job"}', '1 h']], alerts: ['AskwellErrorsBurnFast', 'AskwellErrorsBurnSlowly'] },
        { title: 'Findings', about: 'What the service finds wrong with itself, by culprit.', unit: 'short', queries: [[`max by (culprit, code, severity) (askwell_finding${of})`, '{{culprit}}: {{code}} ({{severity}})']], alerts: ['AskwellFinding'] },
        { title: 'Latency', about: 'From the accept of the connection to the whole answer.', unit: 's', thresholds: [5, 10], queries: quantiles('askwell_request_latency_seconds'), alerts: ['AskwellSlow', 'AskwellVerySlow'] },
      ],
    },
    {
      title: 'Questions',
      panels: [
        { title: 'Questions by what they got', about: 'Whole answers, degraded ones, refusals, errors.', unit: 'reqps', isStacked: true, queries: [[rateOf('askwell_qos_level_requests_total', 'served'), '{{served}}']], alerts: ['AskwellOverloaded'] },
        { title: 'Errors by code', about: 'The codes of errors.ts.', unit: 'reqps', queries: [[`${rateOf('askwell_failures_total', 'code')} > 0`, '{{code}}']], alerts: ['AskwellErrorsBurnFast', 'AskwellClientsLeave'] },
        { title: 'Degraded by what was missing', about: 'Answers that went without something.', unit: 'reqps', queries: [[rateOf('askwell_degraded_total', 'reason'), '{{reason}}']], alerts: ['AskwellDegraded'] },
        { title: 'Replies by class', about: 'Of any route.', unit: 'reqps', isStacked: true, queries: [[rateOf('askwell_http_responses_total', 'class'), '{{class}}'], [rateOf('askwell_http_problems_total', '', 'code="rate_limited"'), '429']], alerts: ['AskwellRateLimited'] },
        { title: 'Searches', about: 'POST /search.', unit: 's', queries: quantiles('askwell_search_latency_seconds') },
        { title: 'Answers by generator', about: 'Written by the model, quoted, or none.', unit: 'reqps', queries: [[rateOf('askwell_answers_total', 'generator, abstained'), '{{generator}}, abstained: {{abstained}}']] },
      ],
    },
    {
      title: 'What it stands on',
      panels: [
        { title: 'There', about: '1: it answers.', unit: 'short', queries: [[`min(askwell_database_up${of})`, 'database'], [`min(askwell_redis_up${of})`, 'redis']], alerts: ['AskwellDatabaseDown', 'AskwellRedisGone'] },
        { title: 'Breakers', about: '1: not asked, because it failed.', unit: 'short', queries: [[`max by (dependency) (askwell_breaker_state${where('state!="closed"')})`, '{{dependency}}']], alerts: ['AskwellBreakerOpen'] },
        { title: 'Faults of the database', about: 'By kind.', unit: 'cps', queries: [[`${rateOf('askwell_database_faults_total', 'kind')} > 0`, '{{kind}}']], alerts: ['AskwellDatabaseConnectionsLost', 'AskwellDatabaseRefusesWrites', 'AskwellDatabaseBroken'] },
        { title: 'Faults of models', about: 'By dependency and kind.', unit: 'cps', queries: [[`${rateOf('askwell_model_faults_total', 'dependency, kind')} > 0`, '{{dependency}}: {{kind}}']], alerts: ['AskwellModelUnreachable', 'AskwellModelFailing', 'AskwellModelBusy', 'AskwellModelRefuses', 'AskwellModelSilent', 'AskwellModelSlow', 'AskwellModelGarbled'] },
        { title: 'Failed Redis commands', about: 'By why.', unit: 'cps', queries: [[rateOf('askwell_redis_failures_total', 'reason'), '{{reason}}']], alerts: ['AskwellRedisUnsteady', 'AskwellRedisFull', 'AskwellRedisStrange'] },
        { title: 'Second tries', about: 'Calls made again, and embeddings hedged.', unit: 'cps', queries: [[rateOf('askwell_retries_total', 'dependency'), '{{dependency}}'], [rateOf('askwell_hedges_total'), 'hedged']], alerts: ['AskwellRetryBudgetExceeded'] },
      ],
    },
    {
      title: 'Load',
      panels: [
        { title: 'Database connections', about: 'Of each replica.', unit: 'short', queries: [[`askwell_pool_checked_out${of}`, 'in use {{instance}}'], [`askwell_pool_waiting${of}`, 'waiting {{instance}}'], [`askwell_pool_max${of}`, 'at most {{instance}}']], alerts: ['AskwellPoolExhausted', 'AskwellPoolRefuses', 'AskwellLeaseOverdue'] },
        { title: 'Waiting for a connection', about: 'From asking to having it.', unit: 's', thresholds: [0.1, 1], queries: quantiles('askwell_pool_wait_seconds') },
        { title: 'Admission', about: 'Questions answered anew at once, and how many may be.', unit: 'short', queries: [[`askwell_admission_in_flight${of}`, 'in flight {{instance}}'], [`askwell_admission_limit${of}`, 'limit {{instance}}'], [`askwell_admission_queued${of}`, 'queued {{instance}}']], alerts: ['AskwellOverloaded'] },
        { title: 'Refusals', about: 'By priority and why.', unit: 'cps', queries: [[`${rateOf('askwell_admission_refused_total', 'priority, reason')} > 0`, '{{priority}}: {{reason}}']], alerts: ['AskwellOverloaded'] },
        { title: 'Connections of clients', about: 'Open, and those that send nothing whole.', unit: 'short', queries: [[sum(`askwell_client_connections${of}`, 'state'), '{{state}}']], alerts: ['AskwellClientsHoldConnections'] },
      ],
    },
    {
      title: 'The process',
      panels: [
        { title: 'Event loop at work', about: 'Share of the time.', unit: 'percentunit', thresholds: [0.7, 0.9], queries: [[`instance:askwell_event_loop:utilization5m${of}`, '{{instance}}']], alerts: ['AskwellEventLoopBusy'] },
        { title: 'Event loop late', about: 'The longest and the p99 delay since the last scrape; and how much it stood still, a second.', unit: 's', thresholds: [0.2, 1], queries: [[`askwell_nodejs_eventloop_lag_max_seconds${of}`, 'max {{instance}}'], [`askwell_nodejs_eventloop_lag_p99_seconds${of}`, 'p99 {{instance}}'], [rate(`askwell_event_loop_stalled_seconds_total${of}`), 'stood still {{instance}}']], alerts: ['AskwellEventLoopBlocked'] },
        { title: 'Memory', about: 'Heap in use and its bound, and all of the process.', unit: 'bytes', queries: [[`askwell_nodejs_heap_size_used_bytes${of}`, 'heap {{instance}}'], [`askwell_heap_limit_bytes${of}`, 'heap at most {{instance}}'], [`askwell_process_resident_memory_bytes${of}`, 'resident {{instance}}']], alerts: ['AskwellMemoryShort'] },
        { title: 'CPU', about: 'Cores in use.', unit: 'short', queries: [[rate(`askwell_process_cpu_seconds_total${of}`), '{{instance}}']] },
        { title: 'Versions', about: 'Replicas by version.', unit: 'short', kind: 'stat', queries: [[`count by (version, node) (askwell_build_info${of})`, '{{version}} on Node {{node}}']] },
      ],
    },
  ],
}

const retrieval: Dashboard = {
  uid: 'askwell-retrieval',
  title: 'Askwell: retrieval and caches',
  about: 'Where the time of a question goes before a model writes, and what the caches spare.',
  rows: [
    {
      title: 'Retrieval',
      panels: [
        { title: 'Search of the database', about: 'The stage `retrieve`.', unit: 's', thresholds: [0.6, 2], queries: quantiles('askwell_retrieval_latency_seconds'), alerts: ['AskwellRetrievalSlow', 'AskwellSearchesBlocked'] },
        { title: 'Stages, p95', about: 'Each stage by itself.', unit: 's', queries: p95By('askwell_stage_seconds', 'stage') },
        { title: 'Stages that did not go well', about: 'By outcome.', unit: 'cps', queries: [[`${rateOf('askwell_stage_seconds_count', 'stage, outcome', 'outcome!="ok"')} > 0`, '{{stage}}: {{outcome}}']], alerts: ['AskwellSearchesBlocked', 'AskwellTimeBudgetExceeded'] },
        { title: 'Embeddings', about: 'Calls of a remote embedding model.', unit: 's', queries: quantiles('askwell_gen_ai_client_operation_duration_seconds', 'operation="embeddings"') },
        { title: 'Reranking', about: 'Calls of the reranker.', unit: 's', queries: quantiles('askwell_gen_ai_client_operation_duration_seconds', 'operation="rerank"') },
        { title: 'A connection in use', about: 'How long a lease is held.', unit: 's', queries: quantiles('askwell_pool_hold_seconds') },
      ],
    },
    {
      title: 'Caches',
      panels: [
        { title: 'Hit rate', about: 'Of answers, drafts and vectors.', unit: 'percentunit', queries: hitRates, alerts: ['AskwellAnswerCacheHitsLow', 'AskwellEmbeddingCacheHitsLow'] },
        { title: 'Hits by tier', about: 'In this process, or in Redis.', unit: 'cps', queries: [[rateOf('askwell_cache_hits_total', 'cache_type, tier'), '{{cache_type}}: {{tier}}']] },
        { title: 'Similar, stale and joined', about: 'Answers of similar questions, past their time, or of a run that was under way.', unit: 'cps', queries: [[rateOf('askwell_semantic_cache_total'), 'similar'], [rateOf('askwell_cache_stale_total'), 'stale'], [rateOf('askwell_cache_coalesced_total'), 'joined']] },
        { title: 'Memory of the caches', about: 'As reckoned.', unit: 'bytes', isStacked: true, queries: [[sum(`askwell_cache_bytes${of}`, 'cache_type'), '{{cache_type}}']], alerts: ['AskwellCacheTooSmall'] },
        { title: 'Entries', about: 'In memory.', unit: 'short', queries: [[sum(`askwell_cache_entries${of}`, 'cache_type'), '{{cache_type}}']] },
        { title: 'Pushed out', about: 'To make room.', unit: 'cps', queries: [[rateOf('askwell_cache_evictions_total', 'cache_type'), '{{cache_type}}']], alerts: ['AskwellCacheTooSmall'] },
        { title: 'Spared', about: 'Seconds of work and calls of the model, a second.', unit: 'short', queries: [[rateOf('askwell_cache_saved_seconds_total'), 'seconds'], [rateOf('askwell_cache_saved_llm_calls_total'), 'calls'], [rateOf('askwell_cache_saved_llm_tokens_total'), 'tokens']] },
        { title: 'Refreshed ahead of time', about: 'In the background.', unit: 'cps', queries: [[rateOf('askwell_cache_refreshes_total', 'outcome'), '{{outcome}}']] },
        { title: 'Written behind the reply', about: 'p95 by where; no answer waits for it.', unit: 's', queries: p95By('askwell_db_save_latency_seconds', 'store'), alerts: ['AskwellSavesFail'] },
      ],
    },
  ],
}

const paths: Dashboard = {
  uid: 'askwell-paths',
  title: 'Askwell: fast and smart path',
  about: 'What each path takes, in time, calls, tokens and steps, and how far that is from its budgets.',
  rows: [
    {
      title: 'Fast and smart path',
      panels: [
        { title: 'Fast-path latency', about: 'No model was asked for other words.', unit: 's', thresholds: [5, 10], queries: quantiles('askwell_fast_path_latency_seconds'), alerts: ['AskwellSlow', 'AskwellVerySlow'] },
        { title: 'Smart-path latency', about: 'A model was asked for other words.', unit: 's', thresholds: [5, 10], queries: quantiles('askwell_smart_path_latency_seconds'), alerts: ['AskwellSlow', 'AskwellVerySlow'] },
        { title: 'Model calls per request', about: 'Three at the most are needed.', unit: 'short', thresholds: [2, 3], queries: quantiles('askwell_llm_calls_per_request'), alerts: ['AskwellManyModelCalls'] },
        { title: 'Tokens per request', about: 'Read and written.', unit: 'short', thresholds: [4000, 8000], queries: quantiles('askwell_tokens_per_request'), alerts: ['AskwellManyTokens'] },
        { title: 'Steps per request', about: 'With a model: understanding, other words, reranking, writing.', unit: 'short', thresholds: [3, 4], queries: quantiles('askwell_agent_steps_per_request'), alerts: ['AskwellManySteps'] },
        { title: 'Budgets exceeded', about: 'Time, tokens, second tries.', unit: 'cps', queries: [[rateOf('askwell_request_budget_exceeded_total', 'budget'), '{{budget}}']], alerts: ['AskwellTimeBudgetExceeded', 'AskwellTokenBudgetExceeded', 'AskwellRetryBudgetExceeded'] },
        { title: 'QoS levels', about: 'Priority, and what was got.', unit: 'reqps', isStacked: true, queries: [[rateOf('askwell_qos_level_requests_total', 'level, served'), '{{level}}: {{served}}']] },
        { title: 'Cache hit rate', about: 'Of answers, drafts and vectors.', unit: 'percentunit', queries: hitRates, alerts: ['AskwellAnswerCacheHitsLow', 'AskwellEmbeddingCacheHitsLow'] },
      ],
    },
    {
      title: 'The language model',
      panels: [
        { title: 'A call', about: 'To its last word.', unit: 's', thresholds: [5, 10], queries: quantiles('askwell_gpt_latency_seconds'), alerts: ['AskwellGptSlow', 'AskwellModelSlow'] },
        { title: 'First word', about: 'Of a call.', unit: 's', queries: quantiles('askwell_gen_ai_client_operation_time_to_first_chunk_seconds', 'operation="chat"') },
        { title: 'First word of an answer', about: 'From the start of the stage.', unit: 's', queries: quantiles('askwell_first_token_seconds', 'stage="generate"') },
        { title: 'Tokens', about: 'Read and written, a second.', unit: 'short', isStacked: true, queries: [[rateOf('askwell_llm_tokens_total', 'kind'), '{{kind}}']] },
        { title: 'Calls by how they ended', about: 'Empty: well.', unit: 'cps', queries: [[rateOf('askwell_gen_ai_client_operation_duration_seconds_count', 'operation, error_type'), '{{operation}} {{error_type}}']] },
      ],
    },
  ],
}

export const dashboards: Readonly<Record<string, Dashboard>> = { 'service.json': service, 'retrieval-and-caches.json': retrieval, 'fast-and-smart-path.json': paths }
