import { hash } from 'node:crypto'
import { readApiKeys, type ApiKey, type Sources } from './api-keys.ts'
import { isLoopback } from './loopback.ts'
import {
  currency,
  databaseUrl,
  endpoint,
  fraction,
  hostList,
  integer,
  languageList,
  modelPrices,
  oneOf,
  onOff,
  originList,
  proxyTrust,
  redisPrefix,
  redisUrl,
  secret,
  setting,
  similarity,
  url,
  words,
  type ModelPrices,
  type ProxyTrust,
  type Setting,
} from './kinds.ts'

/**
 * The only reader of the environment. Every setting is described once, in {@link settings}: its name, default,
 * meaning and how it is read; the README's table and `askwell --help` are made from the same list.
 */

export const settings = {
  host: setting('HOST', '127.0.0.1', 'Address to listen on; `0.0.0.0` for all.', words),
  port: setting('PORT', '3000', 'Port to listen on; `0` takes a free one.', integer(0, 65_535)),
  monitoringPort: setting(
    'MONITORING_PORT',
    undefined,
    'Port of its own for `/metrics` and `/monitoring`, which `PORT` then has no more; `0` takes a free one. Unset: `PORT`.',
    integer(0, 65_535),
  ),
  monitoringHost: setting('MONITORING_HOST', '127.0.0.1', 'Address for that port; `0.0.0.0` for all.', words),
  trustProxy: setting(
    'TRUST_PROXY',
    'off',
    "Whose `X-Forwarded-For` is believed. `on`: one proxy's in front, so that the last address in it is the client's; or the number of proxies, one behind the other; or their networks, such as `10.0.0.0/8,loopback`. `off`: nobody's.",
    proxyTrust,
  ),
  databaseUrl: setting(
    'DATABASE_URL',
    undefined,
    'Postgres 15+ with pgvector 0.8+. Unset: the embedded database.',
    databaseUrl,
    true,
  ),
  dataDir: setting('DATA_DIR', '.askwell', 'Folder of the embedded database.', words),
  migrateOnStart: setting(
    'MIGRATE_ON_START',
    'on',
    'Apply pending migrations at start; `off` where `askwell migrate` does it.',
    onOff,
  ),
  bm25: setting(
    'BM25',
    'auto',
    'What finds words: `pg_textsearch`, `portable` (a GIN index), or `auto`: the extension where the database has it.',
    oneOf('auto', 'pg_textsearch', 'portable'),
  ),
  poolSize: setting('POOL_SIZE', '20', 'Database connections kept.', integer(1, 1000)),
  poolMaxOverflow: setting('POOL_MAX_OVERFLOW', '30', 'Connections opened above that in a rush.', integer(0, 1000)),
  poolMaxWaiting: setting(
    'POOL_MAX_WAITING',
    '200',
    'Requests that may wait for a connection; the next gets 503.',
    integer(0, 100_000),
  ),
  redisUrl: setting(
    'REDIS_URL',
    undefined,
    'Redis, where replicas share cached answers and count rate limits together: `redis://` and `rediss://`, with `redis+sentinel://` and `redis+cluster://` for those. Unset: each process for itself.',
    redisUrl,
    true,
  ),
  redisPrefix: setting(
    'REDIS_PREFIX',
    'askwell',
    "What every key in Redis begins with; the database's own name follows. Set it to keep apart what else shares the Redis, rate counters included.",
    redisPrefix,
  ),
  redisTimeoutMs: setting(
    'REDIS_TIMEOUT_MS',
    '50',
    'Longest wait for Redis; then it goes on without.',
    integer(1, 10_000),
  ),
  openaiApiKey: setting('OPENAI_API_KEY', undefined, 'Key of the model API.', words, true),
  openaiBaseUrl: setting(
    'OPENAI_BASE_URL',
    undefined,
    'Any OpenAI-compatible API (vLLM, Ollama, llama.cpp, Groq, …). Unset with a key: OpenAI itself.',
    endpoint,
  ),
  chatModel: setting(
    'CHAT_MODEL',
    undefined,
    'Model that writes answers. Default `gpt-4o-mini` with a key and no base URL; `none` for extractive answers.',
    words,
  ),
  embeddingModel: setting(
    'EMBEDDING_MODEL',
    undefined,
    'Model that makes vectors; `local` is the one in the package (English), `onnx:FOLDER` one on disk. Default `text-embedding-3-small` with a key and no base URL, else `local`.',
    words,
  ),
  embeddingDimensions: setting(
    'EMBEDDING_DIMENSIONS',
    undefined,
    'Ask the API for vectors of this length. Unset: what the model gives.',
    integer(1, 4000),
  ),
  embeddingMaxTokens: setting(
    'EMBEDDING_MAX_TOKENS',
    '8191',
    'Longest input the API model takes, in tokens.',
    integer(32, 1_000_000),
  ),
  embeddingLanguages: setting(
    'EMBEDDING_LANGUAGES',
    'any',
    'Languages the model reads, unless it is `local`; elsewhere only words are searched.',
    languageList,
  ),
  embeddingQueryPrefix: setting(
    'EMBEDDING_QUERY_PREFIX',
    undefined,
    'What the model wants before a question, such as `query:`; a blank follows it. Unset: what an ONNX folder says, else nothing.',
    words,
  ),
  embeddingPassagePrefix: setting(
    'EMBEDDING_PASSAGE_PREFIX',
    undefined,
    'The same before a passage, such as `passage:`. Another one makes other vectors: `askwell reembed`.',
    words,
  ),
  modelSilenceMs: setting(
    'MODEL_SILENCE_MS',
    '10000',
    'Longest silence of the language model, before its first word or between two; then the answer is quoted sentences.',
    integer(100, 600_000),
  ),
  embeddingHedgeMs: setting(
    'EMBEDDING_HEDGE_MS',
    '0',
    'A question whose vector takes longer is sent to the API a second time, one in twenty at most; `0`: never.',
    integer(0, 60_000),
  ),
  maxAnswerTokens: setting('MAX_ANSWER_TOKENS', '500', 'Longest answer of the model.', integer(16, 16_000)),
  promptTokens: setting(
    'PROMPT_TOKENS',
    '1500',
    'Tokens of passages put before the model, five passages at most.',
    integer(100, 100_000),
  ),
  modelPrices: setting(
    'MODEL_PRICES',
    undefined,
    'What the chat model costs for a million tokens, such as `prompt=0.15,completion=0.60`: then `/monitoring/performance-metrics` tells the money too.',
    modelPrices,
  ),
  modelPriceCurrency: setting('MODEL_PRICE_CURRENCY', 'USD', 'The currency of those prices.', currency),
  rerankUrl: setting(
    'RERANK_URL',
    undefined,
    'Endpoint of a reranker that speaks as Cohere or Jina do, such as `https://api.cohere.com/v2/rerank`. Unset: the order of the search.',
    endpoint,
  ),
  rerankModel: setting('RERANK_MODEL', undefined, 'Model of the reranker.', words),
  rerankApiKey: setting('RERANK_API_KEY', undefined, 'Key of the reranker.', words, true),
  rerankCandidates: setting('RERANK_CANDIDATES', '30', 'Passages the reranker reads.', integer(2, 100)),
  rerankTimeoutMs: setting(
    'RERANK_TIMEOUT_MS',
    '3000',
    'Longest wait for the reranker; never more than a third of the time left.',
    integer(10, 60_000),
  ),
  prepareWorkers: setting(
    'PREPARE_WORKERS',
    '2',
    'Processes that read and prepare documents, started when there is work for them.',
    integer(1, 64),
  ),
  prepareCpuSeconds: setting(
    'PREPARE_CPU_SECONDS',
    '60',
    'Processor time that one document may take to be prepared; beyond it, it is refused.',
    integer(1, 86_400),
  ),
  prepareMemoryMb: setting(
    'PREPARE_MEMORY_MB',
    '1536',
    'Memory that one of these processes may take; a document that needs more is refused.',
    integer(400, 1_048_576),
  ),
  prepareQueueMb: setting(
    'PREPARE_QUEUE_MB',
    '64',
    'Bodies of `PUT /documents` that are held at once, waiting or in work; the next gets 503.',
    integer(1, 1_048_576),
  ),
  requestTimeoutMs: setting(
    'REQUEST_TIMEOUT_MS',
    '30000',
    'Longest time for one question; the default and the cap of `timeout_ms`.',
    integer(100, 600_000),
  ),
  fusion: setting(
    'FUSION',
    'weighted',
    'How the ranking by words and the one by vectors become one: `weighted` by shares per model and language, or `rrf`, by ranks alone.',
    oneOf('weighted', 'rrf'),
  ),
  rrfK: setting(
    'RRF_K',
    '60',
    'The constant of `FUSION=rrf`; the larger, the less the first ranks stand out.',
    integer(1, 1000),
  ),
  abstainBelow: setting(
    'ABSTAIN_BELOW',
    '0.38',
    'How near the best passage must be (0–1), else "I can\'t find that".',
    fraction(),
  ),
  answerCacheSeconds: setting(
    'ANSWER_CACHE_SECONDS',
    '300',
    'How long an answer is kept for the same question; `0`: never.',
    integer(0, 86_400),
  ),
  fastAnswerCacheSeconds: setting(
    'FAST_ANSWER_CACHE_SECONDS',
    '1800',
    'The same for questions in `fast` mode.',
    integer(0, 86_400),
  ),
  abstentionCacheSeconds: setting(
    'ABSTENTION_CACHE_SECONDS',
    '30',
    'The same for "I can\'t find that".',
    integer(0, 86_400),
  ),
  staleIfErrorSeconds: setting(
    'STALE_IF_ERROR_SECONDS',
    '600',
    'How long past its time an answer is still given while the model or the database is down; `0`: never.',
    integer(0, 86_400),
  ),
  answerCacheMb: setting(
    'ANSWER_CACHE_MB',
    '64',
    'Memory for cached answers; `0`: they are in Redis only.',
    integer(0, 65_536),
  ),
  embeddingCacheSeconds: setting(
    'EMBEDDING_CACHE_SECONDS',
    '3600',
    'How long the vector of a question is kept.',
    integer(1, 86_400),
  ),
  embeddingCacheMb: setting(
    'EMBEDDING_CACHE_MB',
    '32',
    'Memory for vectors of recent questions; `0`: they are in Redis only.',
    integer(0, 65_536),
  ),
  nearMatches: setting(
    'NEAR_MATCHES',
    'learn',
    'Give the cached answer of a question that says the same in other words: `off`; from a similarity on, such as `0.95`; or `learn`, when enough was seen to know which similarity will do.',
    similarity,
  ),
  nearMatchError: setting(
    'NEAR_MATCH_ERROR',
    '0.01',
    'Share of such answers that may be wrong, for `learn`.',
    fraction(),
  ),
  admissionFloor: setting(
    'ADMISSION_FLOOR',
    '10',
    'Questions answered anew at once, at the least, however slow they get; kept below `POOL_SIZE`.',
    integer(1, 10_000),
  ),
  admissionCeiling: setting(
    'ADMISSION_CEILING',
    '500',
    'The same at the most. Between the two the limit is found from how long answers take; the excess gets 503.',
    integer(1, 10_000),
  ),
  admissionMaxWaiting: setting(
    'ADMISSION_MAX_WAITING',
    '100',
    'Questions that may wait for their turn.',
    integer(0, 10_000),
  ),
  admissionMaxWaitMs: setting(
    'ADMISSION_MAX_WAIT_MS',
    '20',
    'Longest wait for it, or a tenth of what an answer takes, if that is longer; who would wait longer is refused at once.',
    integer(0, 60_000),
  ),
  admissionBatchShare: setting(
    'ADMISSION_BATCH_SHARE',
    '0.5',
    'What requests with `X-Priority: batch` may take of the limit.',
    fraction(),
  ),
  maxEventLoopDelayMs: setting(
    'MAX_EVENT_LOOP_DELAY_MS',
    '1000',
    'All requests but probes get 503 while the process is later than this at its work; `0`: never.',
    integer(0, 60_000),
  ),
  maxHeapShare: setting(
    'MAX_HEAP_SHARE',
    '0.9',
    'The same while more than this of the memory that Node may use is in use; `0`: never.',
    fraction(),
  ),
  rateLimit: setting(
    'RATE_LIMIT',
    '100',
    'Requests a client may make in a window; `0`: no limit.',
    integer(0, 1_000_000),
  ),
  rateLimitSeconds: setting('RATE_LIMIT_SECONDS', '10', 'Length of that window.', integer(1, 86_400)),
  adminApiKey: setting('ADMIN_API_KEY', undefined, 'Key for the document API; unset: switched off.', secret, true),
  monitoringApiKey: setting(
    'MONITORING_API_KEY',
    undefined,
    'Key for `/metrics`; unset, and with no key of that scope in `API_KEYS`: for this machine alone, or with `ALLOW_ANONYMOUS=on` open.',
    secret,
    true,
  ),
  apiKeys: setting(
    'API_KEYS',
    undefined,
    'Keys of callers, as a JSON list; `askwell key new` makes them. Unset: everybody may ask.',
    words,
    true,
  ),
  apiKeysFile: setting(
    'API_KEYS_FILE',
    undefined,
    'The same in a file, which is read anew when it changes; both count.',
    words,
  ),
  allowAnonymous: setting(
    'ALLOW_ANONYMOUS',
    'off',
    'Start without keys for asking also where others can reach `HOST`.',
    onOff,
  ),
  allowedHosts: setting(
    'ALLOWED_HOSTS',
    undefined,
    'Names in the `Host` header, besides those of loopback, for which everybody may ask there, with commas between; `*` for all.',
    hostList,
  ),
  corsOrigins: setting(
    'CORS_ORIGINS',
    undefined,
    'Origins whose pages may ask from a browser, with commas between; `*` for all. Unset: none.',
    originList,
  ),
  headersTimeoutMs: setting(
    'HEADERS_TIMEOUT_MS',
    '10000',
    'Longest time for the header of a request to arrive.',
    integer(100, 600_000),
  ),
  receiveTimeoutMs: setting(
    'RECEIVE_TIMEOUT_MS',
    '120000',
    'The same for a whole request, the largest upload included.',
    integer(100, 3_600_000),
  ),
  keepAliveMs: setting(
    'KEEP_ALIVE_MS',
    '72000',
    'How long an idle connection is kept; longer than a load balancer in front keeps it.',
    integer(1000, 3_600_000),
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    '10000',
    'Connections open at once; more are closed as they come.',
    integer(1, 1_000_000),
  ),
  logLevel: setting(
    'LOG_LEVEL',
    'info',
    'Least level that is logged.',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
  ),
  logQuestions: setting('LOG_QUESTIONS', 'off', 'Write question texts into the log.', onOff),
  startTimeoutSeconds: setting(
    'START_TIMEOUT_SECONDS',
    '60',
    'At the start: how long a database that cannot be reached is waited for; `0`: one try.',
    integer(0, 3600),
  ),
  drainSeconds: setting('DRAIN_SECONDS', '30', 'After SIGTERM: time for running requests to finish.', integer(0, 3600)),
  drainDelayMs: setting(
    'DRAIN_DELAY_MS',
    '0',
    'After SIGTERM: time to go on accepting, until load balancers have seen `/readyz` fail.',
    integer(0, 120_000),
  ),
  otelServiceName: setting('OTEL_SERVICE_NAME', 'askwell', 'Name of this service in traces.', words),
  otlpEndpoint: setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    undefined,
    'Collector for traces. Unset: no tracing. The other `OTEL_*` variables work too.',
    url('http', 'https'),
  ),
  tracesSampler: setting(
    'OTEL_TRACES_SAMPLER',
    undefined,
    "Which requests are traced: `parentbased_traceidratio` for a share of them, which costs least, or any other of OpenTelemetry's. Unset: all.",
    words,
  ),
  tracesSamplerArg: setting('OTEL_TRACES_SAMPLER_ARG', undefined, 'The share, such as `0.01`.', words),
  traceSlowMs: setting(
    'TRACE_SLOW_MS',
    undefined,
    'Beside that share: also each trace of a question that failed, was degraded or took so many ms. Unset: none.',
    integer(0, 3_600_000),
  ),
} as const

type Settings = typeof settings
type Value<S> = S extends Setting<infer T, infer Default> ? (Default extends string ? T : T | undefined) : never
/** A setting with a default always has a value. */
type Raw = { readonly [Name in keyof Settings]: Value<Settings[Name]> }

export interface Config {
  readonly host: string
  readonly port: number
  /** Null: on the same port. */
  readonly monitoring: { readonly host: string; readonly port: number } | null
  /** Null: nobody's X-Forwarded-For is believed. */
  readonly trustProxy: ProxyTrust | null
  readonly database: {
    readonly url: string | undefined
    /** Undefined: in memory, which no setting asks for. */
    readonly dataDir: string | undefined
    readonly poolSize: number
    readonly poolMaxOverflow: number
    readonly poolMaxWaiting: number
    readonly statementTimeoutMs: number
  }
  readonly migrateOnStart: boolean
  /** How documents are prepared: processes, and what each may take for a document. */
  readonly prepare: {
    readonly workers: number
    readonly cpuSeconds: number
    readonly memoryMb: number
    readonly queueMb: number
  }
  readonly bm25: 'auto' | 'pg_textsearch' | 'portable'
  readonly redis: { readonly url: string; readonly timeoutMs: number; readonly prefix: string } | undefined
  readonly models: {
    readonly apiKey: string | undefined
    readonly baseUrl: string | undefined
    /** Null: extractive answers. */
    readonly chat: string | null
    /** 'local', `onnx:` and a folder or a file, or a model of the API. */
    readonly embedding: string
    readonly embeddingDimensions: number | undefined
    readonly embeddingMaxTokens: number
    readonly embeddingLanguages: readonly string[] | 'any'
    readonly embeddingQueryPrefix: string | undefined
    readonly embeddingPassagePrefix: string | undefined
    readonly timeoutMs: number
    /** Null: not known. */
    readonly prices: (ModelPrices & { readonly currency: string }) | null
  }
  readonly guard: {
    /** Longest silence of the language model, before its first word or between two. */
    readonly silenceMs: number
    /** A question's embedding that takes longer is asked for a second time; 0: never. */
    readonly hedgeMs: number
  }
  /** Null: passages keep the order of the search. */
  readonly rerank: {
    readonly url: string
    readonly model: string
    readonly apiKey: string | undefined
    readonly candidates: number
    readonly timeoutMs: number
  } | null
  readonly ask: {
    readonly timeoutMs: number
    readonly maxAnswerTokens: number
    readonly promptTokens: number
    readonly abstainBelow: number
    readonly fusion: 'weighted' | 'rrf'
    readonly rrfK: number
  }
  readonly cache: {
    readonly keep: {
      readonly seconds: number
      readonly fastSeconds: number
      readonly abstainedSeconds: number
      readonly staleSeconds: number
    }
    readonly answerBytes: number
    readonly embeddingBytes: number
    readonly embeddingSeconds: number
    readonly near: { readonly mode: 'off' | 'learn' | number; readonly acceptedError: number }
  }
  readonly admission: {
    readonly floor: number
    readonly ceiling: number
    readonly maxWaiting: number
    readonly maxWaitMs: number
    readonly batchShare: number
  }
  readonly pressure: { readonly maxEventLoopDelayMs: number; readonly maxHeapShare: number }
  readonly rateLimit: { readonly max: number; readonly seconds: number }
  readonly adminApiKey: string | undefined
  readonly monitoringApiKey: string | undefined
  /** All of them, those of the two settings above included. */
  readonly keys: readonly ApiKey[]
  readonly allowAnonymous: boolean
  /** What they are read from, for when that changes. */
  readonly keySources: Sources
  /** Besides those of loopback; `*`: any. Undefined: not said. */
  readonly allowedHosts: readonly string[] | undefined
  /** Null: no page of another origin. */
  readonly corsOrigins: readonly string[] | null
  readonly receiving: {
    readonly headersMs: number
    readonly wholeMs: number
    readonly keepAliveMs: number
    readonly maxConnections: number
  }
  readonly log: { readonly level: string; readonly questions: boolean }
  readonly startTimeoutMs: number
  readonly drain: { readonly seconds: number; readonly delayMs: number }
  readonly telemetry: {
    readonly endpoint: string | undefined
    readonly serviceName: string
    /** As OpenTelemetry's SDK reads them, which warns of what it cannot. */
    readonly sampler: string | undefined
    readonly samplerArg: string | undefined
    /** Traces of requests that took longer are sent whether drawn or not; undefined: only what is drawn. */
    readonly slowMs: number | undefined
  }
}

/** Everything wrong with the environment at once, a line each. */
export class ConfigError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(['Askwell cannot start with these settings:', ...faults.map(fault => `  ${fault}`)].join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * One frozen object, or a {@link ConfigError} with every fault. An empty variable counts as not set; `defaults`
 * stand in for what is not set, before the settings' own.
 */
export function readConfig(env: Environment = process.env, defaults: Environment = {}): Config {
  const faults: string[] = []
  const entries = Object.entries(settings).map(([key, each]) => [
    key,
    readSetting(each, { ...defaults, ...withoutEmpty(env) }, faults),
  ])
  const raw = Object.fromEntries(entries) as Raw
  checkTogether(raw, faults)
  const keySources = keySourcesOf(raw)
  const keys = readApiKeys(keySources, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return deepFreeze({ ...arrange(raw), keys, keySources })
}

/** Started by npm, npx or bin/askwell.js, which stay the parent and pass on the signals that they get. */
export function isLaunched(env: Environment = process.env): boolean {
  return env['npm_lifecycle_event'] !== undefined || env['ASKWELL_LAUNCHER'] !== undefined
}

/** A key that stands in a setting by itself is one like the others. */
function keySourcesOf(raw: Raw): Sources {
  const alone = [
    ['ADMIN_API_KEY', 'admin', raw.adminApiKey],
    ['MONITORING_API_KEY', 'monitoring', raw.monitoringApiKey],
  ] as const
  const named = alone.flatMap(([name, scope, key]) =>
    key === undefined ? [] : [{ name, sha256: hash('sha256', key, 'hex'), scopes: [scope] }],
  )
  return { inline: raw.apiKeys, file: raw.apiKeysFile, named }
}

/**
 * The names, besides those of loopback, under which whoever needs no key may ask or look at the port on `address`; null:
 * any. Where something else keeps strangers out (ALLOW_ANONYMOUS says so, TRUST_PROXY says that a proxy is in front)
 * nothing is known of names, unless said.
 */
export function knownHosts(
  address: string,
  { allowAnonymous, trustProxy, allowedHosts }: Pick<Config, 'allowAnonymous' | 'trustProxy' | 'allowedHosts'>,
): readonly string[] | null {
  const isKeptElsewhere =
    (allowAnonymous && !isLoopback(address)) || (trustProxy !== null && allowedHosts === undefined)
  return isKeptElsewhere || allowedHosts?.[0] === '*' ? null : (allowedHosts ?? [])
}

/**
 * Throws a {@link ConfigError} when strangers could ask, or look at a monitoring port, without a key and nobody said that they may. Of the service
 * alone: what loads documents listens nowhere.
 */
export function refuseStrangers({
  host,
  monitoring,
  keys,
  allowAnonymous,
}: Pick<Config, 'host' | 'monitoring' | 'keys' | 'allowAnonymous'>): void {
  if (allowAnonymous) return
  const isOpen = (address: string, scope: ApiKey['scopes'][number]) =>
    !isLoopback(address) && !keys.some(({ scopes }) => scopes.includes(scope))
  const faults = [
    ...(isOpen(host, 'ask') ? [strangersAsk(host)] : []),
    ...(monitoring && isOpen(monitoring.host, 'monitoring') ? [strangersLook(monitoring.host)] : []),
  ]
  if (faults.length > 0) throw new ConfigError(faults)
}

function strangersAsk(host: string): string {
  return (
    `HOST is ${JSON.stringify(host)}, where others can reach it, and no key is needed to ask; set API_KEYS or API_KEYS_FILE ` +
    '(`askwell key new --name web` makes a key), HOST=127.0.0.1, or ALLOW_ANONYMOUS=on where something else keeps strangers out'
  )
}

function strangersLook(host: string): string {
  return (
    `MONITORING_HOST is ${JSON.stringify(host)}, where others can reach it, and no key is needed to look; set MONITORING_API_KEY, ` +
    'MONITORING_HOST=127.0.0.1, or ALLOW_ANONYMOUS=on where something else keeps strangers out'
  )
}

function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()))
}

function readSetting(each: Setting<unknown>, env: Environment, faults: string[]): unknown {
  const text = env[each.name]?.trim() ?? each.default
  if (text === undefined) return undefined
  const value = each.read(text)
  // What stands before an @ may be a password, whatever is wrong with the rest.
  const isShown = !each.isSecret && !text.includes('@')
  if (value === undefined)
    faults.push(`${each.name} is ${isShown ? JSON.stringify(text) : 'not usable'}; it must be ${each.allowed}`)
  return value
}

function checkTogether(raw: Raw, faults: string[]): void {
  const usesApi = raw.openaiApiKey !== undefined || raw.openaiBaseUrl !== undefined
  if (raw.openaiBaseUrl !== undefined && raw.chatModel === undefined) {
    faults.push(
      'CHAT_MODEL is not set; with OPENAI_BASE_URL it must name a model of that API, or be "none" for extractive answers',
    )
  }
  for (const [name, model] of [
    ['CHAT_MODEL', raw.chatModel],
    ['EMBEDDING_MODEL', raw.embeddingModel],
  ] as const) {
    if (model === undefined || model === 'none' || model === 'local' || usesApi) continue
    if (name === 'EMBEDDING_MODEL' && /^onnx:./.test(model)) continue
    faults.push(`${name} is "${model}", but there is no API to ask; set OPENAI_API_KEY or OPENAI_BASE_URL`)
  }
  if (raw.embeddingModel === 'local' && (raw.embeddingQueryPrefix ?? raw.embeddingPassagePrefix) !== undefined) {
    faults.push(
      'EMBEDDING_QUERY_PREFIX or EMBEDDING_PASSAGE_PREFIX is set, but the model in the package takes none; set EMBEDDING_MODEL, or unset them',
    )
  }
  if (raw.headersTimeoutMs > raw.receiveTimeoutMs) {
    faults.push(
      'HEADERS_TIMEOUT_MS is longer than RECEIVE_TIMEOUT_MS, which is the time for the whole request; set one of them',
    )
  }
  if (raw.monitoringPort !== undefined && raw.monitoringPort === raw.port && raw.port !== 0) {
    faults.push('MONITORING_PORT is the same as PORT; unset it, and the monitoring is served there')
  }
  if (raw.rerankUrl !== undefined && raw.rerankModel === undefined) {
    faults.push(
      'RERANK_MODEL is not set; with RERANK_URL it must name a model of that reranker (one that serves a single model takes any name)',
    )
  }
  for (const [name, value] of [
    ['RERANK_MODEL', raw.rerankModel],
    ['RERANK_API_KEY', raw.rerankApiKey],
  ] as const) {
    if (value !== undefined && raw.rerankUrl === undefined)
      faults.push(`${name} is set, but there is no reranker to ask; set RERANK_URL`)
  }
}

function receivingOf({ headersTimeoutMs, receiveTimeoutMs, keepAliveMs, maxConnections }: Raw): Config['receiving'] {
  return { headersMs: headersTimeoutMs, wholeMs: receiveTimeoutMs, keepAliveMs, maxConnections }
}

function rerankOf({
  rerankUrl: url,
  rerankModel: model,
  rerankApiKey: apiKey,
  rerankCandidates: candidates,
  rerankTimeoutMs: timeoutMs,
}: Raw): Config['rerank'] {
  return url === undefined || model === undefined ? null : { url, model, apiKey, candidates, timeoutMs }
}

/** A limit that cannot fall below the pool's size would leave the pool's queue to do its work. */
function admissionOf({
  admissionFloor,
  admissionCeiling: ceiling,
  admissionMaxWaiting: maxWaiting,
  admissionMaxWaitMs: maxWaitMs,
  admissionBatchShare: batchShare,
  poolSize,
}: Raw): Config['admission'] {
  return {
    floor: Math.max(1, Math.min(admissionFloor, poolSize - 1, ceiling)),
    ceiling,
    maxWaiting,
    maxWaitMs,
    batchShare,
  }
}

function cacheOf(raw: Raw): Config['cache'] {
  return {
    keep: {
      seconds: raw.answerCacheSeconds,
      fastSeconds: raw.fastAnswerCacheSeconds,
      abstainedSeconds: raw.abstentionCacheSeconds,
      staleSeconds: raw.staleIfErrorSeconds,
    },
    answerBytes: raw.answerCacheMb * 2 ** 20,
    embeddingBytes: raw.embeddingCacheMb * 2 ** 20,
    embeddingSeconds: raw.embeddingCacheSeconds,
    near: { mode: raw.nearMatches, acceptedError: raw.nearMatchError },
  }
}

function arrange(raw: Raw): Omit<Config, 'keys' | 'keySources'> {
  const isOpenAI = raw.openaiApiKey !== undefined && raw.openaiBaseUrl === undefined
  const chat = raw.chatModel ?? (isOpenAI ? 'gpt-4o-mini' : 'none')
  return {
    host: raw.host,
    port: raw.port,
    monitoring: raw.monitoringPort === undefined ? null : { host: raw.monitoringHost, port: raw.monitoringPort },
    trustProxy: raw.trustProxy,
    database: {
      url: raw.databaseUrl,
      dataDir: raw.dataDir,
      poolSize: raw.poolSize,
      poolMaxOverflow: raw.poolMaxOverflow,
      poolMaxWaiting: raw.poolMaxWaiting,
      statementTimeoutMs: raw.requestTimeoutMs,
    },
    migrateOnStart: raw.migrateOnStart,
    prepare: {
      workers: raw.prepareWorkers,
      cpuSeconds: raw.prepareCpuSeconds,
      memoryMb: raw.prepareMemoryMb,
      queueMb: raw.prepareQueueMb,
    },
    bm25: raw.bm25,
    redis:
      raw.redisUrl === undefined
        ? undefined
        : { url: raw.redisUrl, timeoutMs: raw.redisTimeoutMs, prefix: raw.redisPrefix },
    models: {
      apiKey: raw.openaiApiKey,
      baseUrl: raw.openaiBaseUrl,
      chat: chat === 'none' ? null : chat,
      embedding: raw.embeddingModel ?? (isOpenAI ? 'text-embedding-3-small' : 'local'),
      embeddingDimensions: raw.embeddingDimensions,
      embeddingMaxTokens: raw.embeddingMaxTokens,
      embeddingLanguages: raw.embeddingLanguages,
      embeddingQueryPrefix: raw.embeddingQueryPrefix,
      embeddingPassagePrefix: raw.embeddingPassagePrefix,
      timeoutMs: raw.requestTimeoutMs,
      prices: raw.modelPrices ? { ...raw.modelPrices, currency: raw.modelPriceCurrency } : null,
    },
    guard: { silenceMs: raw.modelSilenceMs, hedgeMs: raw.embeddingHedgeMs },
    rerank: rerankOf(raw),
    ask: {
      timeoutMs: raw.requestTimeoutMs,
      maxAnswerTokens: raw.maxAnswerTokens,
      promptTokens: raw.promptTokens,
      abstainBelow: raw.abstainBelow,
      fusion: raw.fusion,
      rrfK: raw.rrfK,
    },
    cache: cacheOf(raw),
    admission: admissionOf(raw),
    pressure: { maxEventLoopDelayMs: raw.maxEventLoopDelayMs, maxHeapShare: raw.maxHeapShare },
    rateLimit: { max: raw.rateLimit, seconds: raw.rateLimitSeconds },
    adminApiKey: raw.adminApiKey,
    monitoringApiKey: raw.monitoringApiKey,
    allowAnonymous: raw.allowAnonymous,
    allowedHosts: raw.allowedHosts,
    corsOrigins: raw.corsOrigins ?? null,
    receiving: receivingOf(raw),
    log: { level: raw.logLevel, questions: raw.logQuestions },
    startTimeoutMs: raw.startTimeoutSeconds * 1000,
    drain: { seconds: raw.drainSeconds, delayMs: raw.drainDelayMs },
    telemetry: {
      endpoint: raw.otlpEndpoint,
      serviceName: raw.otelServiceName,
      sampler: raw.tracesSampler,
      samplerArg: raw.tracesSamplerArg,
      slowMs: raw.traceSlowMs,
    },
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
