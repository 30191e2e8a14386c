import type { Dashboard, Panel } from './panels.ts'

/** The dashboards, keyed by output file. Run `node deploy/grafana/make.ts` after a change. */

const of = '{job=~"$job",instance=~"$instance"}'
const where = (more: string) => `{job=~"$job",instance=~"$instance",${more}}`
const rate = (series: string) => `rate(${series}[$__rate_interval])`
const sum = (expr: string, by = '') => `sum ${by === '' ? '' : `by (${by}) `}(${expr})`
const rateOf = (name: string, by = '', more = '') => sum(rate(name + (more === '' ? of : where(more))), by)

/** p50, p95 and p99 of a histogram. */
function quantiles(name: string, more = ''): Panel['queries'] {
  return [0.5, 0.95, 0.99].map(q => [
    `histogram_quantile(${q}, ${rateOf(`${name}_bucket`, 'le', more)})`,
    `p${q * 100}`,
  ])
}

const p95By = (name: string, label: string): Panel['queries'] => [
  [`histogram_quantile(0.95, ${rateOf(`${name}_bucket`, `le, ${label}`)})`, `{{${label}}}`],
]
const share = (part: string, whole: string) => `${part} / ${whole}`

const hits = (type: string) => rateOf('askwell_cache_hits_total', '', `cache_type="${type}"`)
const misses = (type: string) => rateOf('askwell_cache_misses_total', '', `cache_type="${type}"`)
const hitRates: Panel['queries'] = ['answer', 'draft', 'embedding'].map(type => [
  share(hits(type), `(${hits(type)} + ${misses(type)})`),
  type,
])

const service: Dashboard = {
  uid: 'askwell-service',
  title: 'Askwell: service',
  about:
    'Whether the service is healthy, and if not, where the fault lies: questions, errors, dependencies, load, process.',
  rows: [
    {
      title: 'Health',
      panels: [
        {
          title: 'Ready replicas',
          about: 'Replicas that accept questions.',
          unit: 'short',
          kind: 'stat',
          queries: [
            [sum(`askwell_ready${of}`), 'ready'],
            [`count(askwell_build_info${of})`, 'replicas'],
          ],
          alerts: ['AskwellAbsent', 'AskwellNotReady'],
        },
        {
          title: 'Error rate',
          about: 'Share of questions that failed; the objective allows 0.5 %.',
          unit: 'percentunit',
          thresholds: [0.005, 0.03],
          queries: [
            ['job:askwell_errors:ratio_rate5m{job=~"$job"}', '5 min'],
            ['job:askwell_errors:ratio_rate1h{job=~"$job"}', '1 h'],
          ],
          alerts: ['AskwellErrorsBurnFast', 'AskwellErrorsBurnSlowly'],
        },
        {
          title: 'Findings',
          about: 'Problems that the service diagnosed itself, by culprit.',
          unit: 'short',
          queries: [
            [`max by (culprit, code, severity) (askwell_finding${of})`, '{{culprit}}: {{code}} ({{severity}})'],
          ],
          alerts: ['AskwellFinding'],
        },
        {
          title: 'Latency',
          about: 'From accepting the connection to the complete answer.',
          unit: 's',
          thresholds: [5, 10],
          queries: quantiles('askwell_request_latency_seconds'),
          alerts: ['AskwellSlow', 'AskwellVerySlow'],
        },
      ],
    },
    {
      title: 'Questions',
      panels: [
        {
          title: 'Questions by outcome',
          about: 'Complete answers, degraded answers, rejections, errors.',
          unit: 'reqps',
          isStacked: true,
          queries: [[rateOf('askwell_qos_level_requests_total', 'served'), '{{served}}']],
          alerts: ['AskwellOverloaded'],
        },
        {
          title: 'Errors by code',
          about: 'The error codes of the API.',
          unit: 'reqps',
          queries: [[`${rateOf('askwell_failures_total', 'code')} > 0`, '{{code}}']],
          alerts: ['AskwellErrorsBurnFast', 'AskwellClientsLeave'],
        },
        {
          title: 'Degraded answers',
          about: 'By the dependency that was missing.',
          unit: 'reqps',
          queries: [[rateOf('askwell_degraded_total', 'reason'), '{{reason}}']],
          alerts: ['AskwellDegraded'],
        },
        {
          title: 'Responses by status class',
          about: 'Responses of all routes, by status class.',
          unit: 'reqps',
          isStacked: true,
          queries: [
            [rateOf('askwell_http_responses_total', 'class'), '{{class}}'],
            [rateOf('askwell_rate_limited_total', 'by'), '429 by {{by}}'],
          ],
          alerts: ['AskwellRateLimited'],
        },
        {
          title: 'Search request latency',
          about: 'Latency of POST /search.',
          unit: 's',
          queries: quantiles('askwell_search_latency_seconds'),
        },
        {
          title: 'Answers by generator',
          about: 'Written by the model, quoted from passages, or none.',
          unit: 'reqps',
          queries: [
            [rateOf('askwell_answers_total', 'generator, abstained'), '{{generator}}, abstained: {{abstained}}'],
          ],
        },
      ],
    },
    {
      title: 'Dependencies',
      panels: [
        {
          title: 'Dependencies up',
          about: '1 if the dependency responds.',
          unit: 'short',
          queries: [
            [`min(askwell_database_up${of})`, 'database'],
            [`min(askwell_redis_up${of})`, 'redis'],
          ],
          alerts: ['AskwellDatabaseDown', 'AskwellRedisGone'],
        },
        {
          title: 'Circuit breakers',
          about: '1 if the circuit breaker is open or half-open.',
          unit: 'short',
          queries: [[`max by (dependency) (askwell_breaker_state${where('state!="closed"')})`, '{{dependency}}']],
          alerts: ['AskwellBreakerOpen'],
        },
        {
          title: 'Database faults',
          about: 'Failed database operations, by kind.',
          unit: 'cps',
          queries: [[`${rateOf('askwell_database_faults_total', 'kind')} > 0`, '{{kind}}']],
          alerts: ['AskwellDatabaseConnectionsLost', 'AskwellDatabaseRefusesWrites', 'AskwellDatabaseBroken'],
        },
        {
          title: 'Model faults',
          about: 'Failed or slow model calls, by dependency and kind.',
          unit: 'cps',
          queries: [[`${rateOf('askwell_model_faults_total', 'dependency, kind')} > 0`, '{{dependency}}: {{kind}}']],
          alerts: [
            'AskwellModelUnreachable',
            'AskwellModelFailing',
            'AskwellModelBusy',
            'AskwellModelRefuses',
            'AskwellModelSilent',
            'AskwellModelSlow',
            'AskwellModelGarbled',
          ],
        },
        {
          title: 'Failed Redis commands',
          about: 'Failed commands by reason.',
          unit: 'cps',
          queries: [[rateOf('askwell_redis_failures_total', 'reason'), '{{reason}}']],
          alerts: ['AskwellRedisUnsteady', 'AskwellRedisFull', 'AskwellRedisStrange'],
        },
        {
          title: 'Retries',
          about: 'Retried calls and hedged embedding calls.',
          unit: 'cps',
          queries: [
            [rateOf('askwell_retries_total', 'dependency'), '{{dependency}}'],
            [rateOf('askwell_hedges_total'), 'hedged'],
          ],
          alerts: ['AskwellRetryBudgetExceeded'],
        },
      ],
    },
    {
      title: 'Load',
      panels: [
        {
          title: 'Database connections',
          about: 'In use, waiting requests and the limit, per replica.',
          unit: 'short',
          queries: [
            [`askwell_pool_checked_out${of}`, 'in use {{instance}}'],
            [`askwell_pool_waiting${of}`, 'waiting {{instance}}'],
            [`askwell_pool_max${of}`, 'limit {{instance}}'],
          ],
          alerts: ['AskwellPoolExhausted', 'AskwellPoolRefuses', 'AskwellLeaseOverdue'],
        },
        {
          title: 'Connection wait time',
          about: 'From requesting a connection to getting it.',
          unit: 's',
          thresholds: [0.1, 1],
          queries: quantiles('askwell_pool_wait_seconds'),
        },
        {
          title: 'Admission',
          about: 'Questions that search, without those that wait for a model, their limit, and the queue.',
          unit: 'short',
          queries: [
            [`askwell_admission_in_flight${of}`, 'in flight {{instance}}'],
            [`askwell_admission_limit${of}`, 'limit {{instance}}'],
            [`askwell_admission_queued${of}`, 'queued {{instance}}'],
          ],
          alerts: ['AskwellOverloaded'],
        },
        {
          title: 'Model calls',
          about:
            'Calls to the language model in progress, their limit, the queue, and calls per second that were not made.',
          unit: 'short',
          queries: [
            [`askwell_model_calls_in_flight${of}`, 'in flight {{instance}}'],
            [`askwell_model_calls_limit${of}`, 'limit {{instance}}'],
            [`askwell_model_calls_queued${of}`, 'queued {{instance}}'],
            [rateOf('askwell_model_calls_declined_total', 'instance'), 'not made {{instance}}'],
          ],
          alerts: ['AskwellModelSaturated'],
        },
        {
          title: 'Daily budgets',
          about: 'Used share of the daily budgets, and calls per second that were not made.',
          unit: 'percentunit',
          thresholds: [0.8, 1],
          queries: [
            [`max by (scope) (askwell_budget_used_ratio${of})`, '{{scope}}'],
            [`${rateOf('askwell_budget_exceeded_total', 'scope')} > 0`, 'not made: {{scope}}'],
          ],
          alerts: ['AskwellDailyBudgetNearlyUsedUp', 'AskwellDailyBudgetUsedUp'],
        },
        {
          title: 'Rejections',
          about: 'Questions rejected by admission control, by priority and reason.',
          unit: 'cps',
          queries: [
            [`${rateOf('askwell_admission_refused_total', 'priority, reason')} > 0`, '{{priority}}: {{reason}}'],
          ],
          alerts: ['AskwellOverloaded'],
        },
        {
          title: 'Client connections',
          about: 'Open, silent (no byte sent) and trickling (request incomplete).',
          unit: 'short',
          queries: [[sum(`askwell_client_connections${of}`, 'state'), '{{state}}']],
          alerts: ['AskwellClientsHoldConnections'],
        },
      ],
    },
    {
      title: 'Process',
      panels: [
        {
          title: 'Event loop utilization',
          about: 'Share of time that the event loop is active.',
          unit: 'percentunit',
          thresholds: [0.7, 0.9],
          queries: [[`instance:askwell_event_loop:utilization5m${of}`, '{{instance}}']],
          alerts: ['AskwellEventLoopBusy'],
        },
        {
          title: 'Event loop delay',
          about: 'Maximum and p99 delay since the last scrape, and seconds stalled per second.',
          unit: 's',
          thresholds: [0.2, 1],
          queries: [
            [`askwell_nodejs_eventloop_lag_max_seconds${of}`, 'max {{instance}}'],
            [`askwell_nodejs_eventloop_lag_p99_seconds${of}`, 'p99 {{instance}}'],
            [rate(`askwell_event_loop_stalled_seconds_total${of}`), 'stalled {{instance}}'],
          ],
          alerts: ['AskwellEventLoopBlocked'],
        },
        {
          title: 'Memory',
          about: 'Heap in use, heap limit, and resident memory.',
          unit: 'bytes',
          queries: [
            [`askwell_nodejs_heap_size_used_bytes${of}`, 'heap {{instance}}'],
            [`askwell_heap_limit_bytes${of}`, 'heap limit {{instance}}'],
            [`askwell_process_resident_memory_bytes${of}`, 'resident {{instance}}'],
          ],
          alerts: ['AskwellMemoryShort'],
        },
        {
          title: 'Workers',
          about: 'Processes that should answer and that do, and those that ended and were replaced, by reason.',
          unit: 'short',
          queries: [
            [sum(`askwell_worker_processes${of}`, 'state'), '{{state}}'],
            [
              `${sum(`increase(askwell_worker_restarts_total${of}[$__rate_interval])`, 'reason')} > 0`,
              'restarts: {{reason}}',
            ],
          ],
          alerts: ['AskwellWorkersRestart'],
        },
        {
          title: 'CPU',
          about: 'Cores in use.',
          unit: 'short',
          queries: [[rate(`askwell_process_cpu_seconds_total${of}`), '{{instance}}']],
        },
        {
          title: 'Versions',
          about: 'Replicas by version.',
          unit: 'short',
          kind: 'stat',
          queries: [[`count by (version, node) (askwell_build_info${of})`, '{{version}} on Node {{node}}']],
        },
      ],
    },
  ],
}

const retrieval: Dashboard = {
  uid: 'askwell-retrieval',
  title: 'Askwell: retrieval and caches',
  about: 'Where a question spends its time before a model writes the answer, and what the caches save.',
  rows: [
    {
      title: 'Retrieval',
      panels: [
        {
          title: 'Database search latency',
          about: 'The stage `retrieve`.',
          unit: 's',
          thresholds: [0.6, 2],
          queries: quantiles('askwell_retrieval_latency_seconds'),
          alerts: ['AskwellRetrievalSlow', 'AskwellSearchesBlocked'],
        },
        {
          title: 'Stage duration (p95)',
          about: 'p95 of each pipeline stage.',
          unit: 's',
          queries: p95By('askwell_stage_seconds', 'stage'),
        },
        {
          title: 'Failed stages',
          about: 'Stages with an outcome other than ok.',
          unit: 'cps',
          queries: [
            [
              `${rateOf('askwell_stage_seconds_count', 'stage, outcome', 'outcome!="ok"')} > 0`,
              '{{stage}}: {{outcome}}',
            ],
          ],
          alerts: ['AskwellSearchesBlocked', 'AskwellTimeBudgetExceeded'],
        },
        {
          title: 'Embedding call duration',
          about: 'Call duration of a remote embedding model.',
          unit: 's',
          queries: quantiles('askwell_gen_ai_client_operation_duration_seconds', 'operation="embeddings"'),
        },
        {
          title: 'Reranker call duration',
          about: 'Call duration of the reranker.',
          unit: 's',
          queries: quantiles('askwell_gen_ai_client_operation_duration_seconds', 'operation="rerank"'),
        },
        {
          title: 'Connection hold time',
          about: 'How long a database connection is held.',
          unit: 's',
          queries: quantiles('askwell_pool_hold_seconds'),
        },
      ],
    },
    {
      title: 'Caches',
      panels: [
        {
          title: 'Cache hit rate',
          about: 'Hits as a share of all lookups, for the answer, completion (draft) and embedding caches.',
          unit: 'percentunit',
          queries: hitRates,
          alerts: ['AskwellAnswerCacheHitsLow', 'AskwellEmbeddingCacheHitsLow'],
        },
        {
          title: 'Cache hits by tier',
          about: 'Tier memory is the process, tier redis is shared by replicas.',
          unit: 'cps',
          queries: [[rateOf('askwell_cache_hits_total', 'cache_type, tier'), '{{cache_type}}: {{tier}}']],
        },
        {
          title: 'Semantic, stale and coalesced hits',
          about:
            'Answers of a question with the same meaning, expired answers, and answers of a run already in progress.',
          unit: 'cps',
          queries: [
            [rateOf('askwell_semantic_cache_total'), 'semantic'],
            [rateOf('askwell_cache_stale_total'), 'stale'],
            [rateOf('askwell_cache_coalesced_total'), 'coalesced'],
          ],
        },
        {
          title: 'Cache memory',
          about: 'Estimated memory of each cache.',
          unit: 'bytes',
          isStacked: true,
          queries: [[sum(`askwell_cache_bytes${of}`, 'cache_type'), '{{cache_type}}']],
          alerts: ['AskwellCacheTooSmall'],
        },
        {
          title: 'Cache entries',
          about: 'Entries of each cache in memory.',
          unit: 'short',
          queries: [[sum(`askwell_cache_entries${of}`, 'cache_type'), '{{cache_type}}']],
        },
        {
          title: 'Evictions',
          about: 'Entries evicted to make room.',
          unit: 'cps',
          queries: [[rateOf('askwell_cache_evictions_total', 'cache_type'), '{{cache_type}}']],
          alerts: ['AskwellCacheTooSmall'],
        },
        {
          title: 'Work saved by caches',
          about: 'Seconds of work, model calls and tokens, per second.',
          unit: 'short',
          queries: [
            [rateOf('askwell_cache_saved_seconds_total'), 'seconds'],
            [rateOf('askwell_cache_saved_llm_calls_total'), 'calls'],
            [rateOf('askwell_cache_saved_llm_tokens_total'), 'tokens'],
          ],
        },
        {
          title: 'Background refreshes',
          about: 'Cached answers refreshed in the background before they expire.',
          unit: 'cps',
          queries: [[rateOf('askwell_cache_refreshes_total', 'outcome'), '{{outcome}}']],
        },
        {
          title: 'Duration of writes after the reply',
          about: 'p95 by store. No answer waits for these writes.',
          unit: 's',
          queries: p95By('askwell_db_save_latency_seconds', 'store'),
          alerts: ['AskwellSavesFail'],
        },
      ],
    },
  ],
}

const paths: Dashboard = {
  uid: 'askwell-paths',
  title: 'Askwell: fast and smart path',
  about: 'Time, calls, tokens and steps per path, compared with the budgets.',
  rows: [
    {
      title: 'Fast and smart path',
      panels: [
        {
          title: 'Fast-path latency',
          about: 'Latency of questions that no model rephrased.',
          unit: 's',
          thresholds: [5, 10],
          queries: quantiles('askwell_fast_path_latency_seconds'),
          alerts: ['AskwellSlow', 'AskwellVerySlow'],
        },
        {
          title: 'Smart-path latency',
          about: 'Latency of questions that a model rephrased.',
          unit: 's',
          thresholds: [5, 10],
          queries: quantiles('askwell_smart_path_latency_seconds'),
          alerts: ['AskwellSlow', 'AskwellVerySlow'],
        },
        {
          title: 'Model calls per request',
          about: 'The pipeline needs at most three.',
          unit: 'short',
          thresholds: [2, 3],
          queries: quantiles('askwell_llm_calls_per_request'),
          alerts: ['AskwellManyModelCalls'],
        },
        {
          title: 'Tokens per request',
          about: 'Prompt and completion tokens of the chat model.',
          unit: 'short',
          thresholds: [4000, 8000],
          queries: quantiles('askwell_tokens_per_request'),
          alerts: ['AskwellManyTokens'],
        },
        {
          title: 'Steps per request',
          about: 'Model steps: condensing a follow-up, rephrasing, reranking, answer generation.',
          unit: 'short',
          thresholds: [3, 4],
          queries: quantiles('askwell_agent_steps_per_request'),
          alerts: ['AskwellManySteps'],
        },
        {
          title: 'Exceeded budgets',
          about: 'Budgets of time, tokens and retries that questions exceeded.',
          unit: 'cps',
          queries: [[rateOf('askwell_request_budget_exceeded_total', 'budget'), '{{budget}}']],
          alerts: ['AskwellTimeBudgetExceeded', 'AskwellTokenBudgetExceeded', 'AskwellRetryBudgetExceeded'],
        },
        {
          title: 'Questions by priority',
          about: 'Questions by priority and outcome.',
          unit: 'reqps',
          isStacked: true,
          queries: [[rateOf('askwell_qos_level_requests_total', 'level, served'), '{{level}}: {{served}}']],
        },
        {
          title: 'Cache hit rate',
          about: 'Hits as a share of all lookups, for the answer, completion (draft) and embedding caches.',
          unit: 'percentunit',
          queries: hitRates,
          alerts: ['AskwellAnswerCacheHitsLow', 'AskwellEmbeddingCacheHitsLow'],
        },
      ],
    },
    {
      title: 'Language model',
      panels: [
        {
          title: 'Model call duration',
          about: 'Duration of a language model call, to its last token.',
          unit: 's',
          thresholds: [5, 10],
          queries: quantiles('askwell_gpt_latency_seconds'),
          alerts: ['AskwellGptSlow', 'AskwellModelSlow'],
        },
        {
          title: 'Time to first chunk',
          about: 'Time to the first chunk of a language model call.',
          unit: 's',
          queries: quantiles('askwell_gen_ai_client_operation_time_to_first_chunk_seconds', 'operation="chat"'),
        },
        {
          title: 'Time to first token',
          about: 'Time to the first token of an answer, from the start of the stage `generate`.',
          unit: 's',
          queries: quantiles('askwell_first_token_seconds', 'stage="generate"'),
        },
        {
          title: 'Token throughput',
          about: 'Tokens read and written per second.',
          unit: 'short',
          isStacked: true,
          queries: [[rateOf('askwell_llm_tokens_total', 'kind'), '{{kind}}']],
        },
        {
          title: 'Model calls by outcome',
          about: 'Without an error type, the call succeeded.',
          unit: 'cps',
          queries: [
            [
              rateOf('askwell_gen_ai_client_operation_duration_seconds_count', 'operation, error_type'),
              '{{operation}} {{error_type}}',
            ],
          ],
        },
      ],
    },
  ],
}

export const dashboards: Readonly<Record<string, Dashboard>> = {
  'service.json': service,
  'retrieval-and-caches.json': retrieval,
  'fast-and-smart-path.json': paths,
}
