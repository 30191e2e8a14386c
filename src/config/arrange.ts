import type { RawSettings } from './settings.ts'
import type { ApiSettings, Config } from './terms.ts'

function receivingOf({
  headersTimeoutMs,
  receiveTimeoutMs,
  keepAliveMs,
  maxConnections,
}: RawSettings): Config['receiving'] {
  return { headersMs: headersTimeoutMs, wholeMs: receiveTimeoutMs, keepAliveMs, maxConnections }
}

function budgetsOf({
  budgetTokensPerDay: tokens,
  budgetCostPerDay: cost,
  budgetCollections: collections = {},
}: RawSettings): Config['budgets'] {
  return {
    service: { ...(tokens !== undefined && { tokens }), ...(cost !== undefined && { cost }) },
    collections,
    processes: 1,
  }
}

/** The key of the model API is sent to that API alone. */
function judgeOf(raw: RawSettings, chat: string | undefined): Config['evaluation']['judge'] {
  const model = raw.judgeModel ?? chat
  if (model === undefined) return null
  const { judgeUrl, judgeApiKey } = raw
  return judgeUrl === undefined
    ? { model, baseUrl: raw.openaiBaseUrl, apiKey: judgeApiKey ?? raw.openaiApiKey, headers: raw.openaiHeaders }
    : { model, baseUrl: judgeUrl, apiKey: judgeApiKey, headers: undefined }
}

function groundingOf(raw: RawSettings): Config['grounding'] {
  if (raw.grounding === 'off') return null
  const { groundingUrl: baseUrl, groundingModel: model, groundingApiKey: apiKey } = raw
  return {
    strictness: raw.grounding,
    checksStreams: raw.streamCheck,
    model: baseUrl === undefined ? null : { baseUrl, model, apiKey },
    timeoutMs: raw.groundingTimeoutMs,
  }
}

function rerankOf({
  rerankUrl: url,
  rerankModel: model,
  rerankApiKey: apiKey,
  rerankHeaders: headers,
  rerankCandidates,
  rerankTimeoutMs: timeoutMs,
  rerankBudgetMs: budgetMs,
  rerankUnits,
}: RawSettings): Config['rerank'] {
  if (model === undefined) return null
  const isOnDisk = url === undefined
  const candidates = rerankCandidates ?? (isOnDisk ? 10 : 30)
  const readsUnits = rerankUnits === undefined ? isOnDisk : rerankUnits === 'on'
  return { url: url ?? null, model, apiKey, headers, candidates, timeoutMs, budgetMs, readsUnits }
}

/** Keeps the floor below the pool size; otherwise requests would queue for connections instead of being rejected. */
function admissionOf({
  admissionFloor,
  admissionCeiling: ceiling,
  admissionMaxWaiting: maxWaiting,
  admissionMaxWaitMs: maxWaitMs,
  admissionBatchShare: batchShare,
  poolSize,
}: RawSettings): Config['admission'] {
  return {
    floor: Math.max(1, Math.min(admissionFloor, poolSize - 1, ceiling)),
    ceiling,
    maxWaiting,
    maxWaitMs,
    batchShare,
  }
}

const defaultKeyRateLimit = 1000

/** A key is never limited more than an address unless the operator says so: raising RATE_LIMIT raises both. */
function rateLimitOf({ rateLimit: max, keyRateLimit, rateLimitSeconds: seconds }: RawSettings): Config['rateLimit'] {
  return { max, keyMax: keyRateLimit ?? (max === 0 ? 0 : Math.max(defaultKeyRateLimit, max)), seconds }
}

function cacheOf(raw: RawSettings): Config['cache'] {
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
    semantic: { mode: raw.semanticCache, acceptedError: raw.semanticCacheError },
  }
}

/** Whether traces are wanted; without a collector they are not. */
export function isTracing({ otelDisabled, tracesExporter, otlpEndpoint, otlpTracesEndpoint }: RawSettings): boolean {
  return !otelDisabled && tracesExporter !== 'none' && (otlpTracesEndpoint ?? otlpEndpoint) !== undefined
}

function telemetryOf(raw: RawSettings): Config['telemetry'] {
  const { otlpEndpoint, otlpTracesEndpoint } = raw
  return {
    endpoint: isTracing(raw) ? (otlpTracesEndpoint ?? tracesUnder(String(otlpEndpoint))) : undefined,
    serviceName: raw.otelServiceName,
    sampler: raw.tracesSampler,
    samplerArg: raw.tracesSamplerArg,
    slowMs: raw.traceSlowMs,
    headers: raw.otlpHeaders,
    timeoutMs: raw.otlpTimeoutMs,
    queue: { size: raw.spanQueueSize, batch: Math.min(raw.spanBatchSize, raw.spanQueueSize), delayMs: raw.spanDelayMs },
  }
}

/** Keeps the query of the endpoint, in which some collectors take a key. */
function tracesUnder(endpoint: string): string {
  const url = new URL(endpoint)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`
  return url.href
}

const openaiUrl = 'https://api.openai.com/v1'

/** A key is sent to the host alone that it is for. */
function embeddingApiOf(raw: RawSettings): ApiSettings {
  const { openaiBaseUrl, embeddingBaseUrl, embeddingApiKey, embeddingHeaders } = raw
  const isOther = originOf(embeddingBaseUrl ?? openaiBaseUrl) !== originOf(openaiBaseUrl)
  const isOwnKey = isOther || embeddingApiKey !== undefined
  const areOwnHeaders = isOther || embeddingHeaders !== undefined
  return {
    baseUrl: embeddingBaseUrl ?? openaiBaseUrl,
    apiKey: isOwnKey ? embeddingApiKey : raw.openaiApiKey,
    headers: areOwnHeaders ? embeddingHeaders : raw.openaiHeaders,
    names: {
      url: embeddingBaseUrl === undefined ? 'OPENAI_BASE_URL' : 'EMBEDDING_BASE_URL',
      key: isOwnKey ? 'EMBEDDING_API_KEY' : 'OPENAI_API_KEY',
      headers: areOwnHeaders ? 'EMBEDDING_HEADERS' : 'OPENAI_HEADERS',
    },
  }
}

function originOf(baseUrl = openaiUrl): string {
  return URL.canParse(baseUrl) ? new URL(baseUrl).origin : baseUrl
}

function modelsOf(raw: RawSettings, chat: string): Config['models'] {
  const embeddingApi = embeddingApiOf(raw)
  const isOpenAI = embeddingApi.apiKey !== undefined && embeddingApi.baseUrl === undefined
  return {
    apiKey: raw.openaiApiKey,
    baseUrl: raw.openaiBaseUrl,
    headers: raw.openaiHeaders,
    embeddingApi,
    chat: chat === 'none' ? null : chat,
    embedding: raw.embeddingModel ?? (isOpenAI ? 'text-embedding-3-small' : 'local'),
    embeddingDimensions: raw.embeddingDimensions,
    embeddingMaxTokens: raw.embeddingMaxTokens,
    embeddingLoadTimeoutMs: raw.embeddingLoadTimeoutMs,
    embeddingLanguages: raw.embeddingLanguages,
    embeddingQueryPrefix: raw.embeddingQueryPrefix,
    embeddingPassagePrefix: raw.embeddingPassagePrefix,
    unitsUpTo: raw.embeddingUnits ? raw.embeddingUnitsMaxChunks : 0,
    embeddingPooling: raw.embeddingPooling,
    timeoutMs: raw.requestTimeoutMs,
    prices: raw.modelPrices ? { ...raw.modelPrices, currency: raw.modelPriceCurrency } : null,
  }
}

/** Groups the raw settings by the part of the service that uses them. */
export function arrange(raw: RawSettings): Omit<Config, 'keys' | 'keySources' | 'secretFiles' | 'notices'> {
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
    calibration: raw.calibration,
    embeddingCheckMs: raw.embeddingCheckMinutes * 60_000,
    prepare: {
      workers: raw.prepareWorkers,
      cpuSeconds: raw.prepareCpuSeconds,
      memoryMb: raw.prepareMemoryMb,
      queueMb: raw.prepareQueueMb,
      keepOriginals: raw.keepOriginals,
      wordsFirstMs: raw.wordsFirstMs,
      ocr:
        raw.ocrLanguages === undefined
          ? undefined
          : { languages: raw.ocrLanguages, data: raw.ocrData, cpuSeconds: raw.prepareCpuSeconds },
    },
    bm25: raw.bm25,
    redis:
      raw.redisUrl === undefined
        ? undefined
        : { url: raw.redisUrl, timeoutMs: raw.redisTimeoutMs, prefix: raw.redisPrefix },
    models: modelsOf(raw, chat),
    budgets: budgetsOf(raw),
    guard: {
      silenceMs: raw.modelSilenceMs,
      firstWordMs: raw.modelFirstWordMs,
      hedgeMs: raw.embeddingHedgeMs,
      maxModelCalls: raw.modelMaxConcurrency,
    },
    rerank: rerankOf(raw),
    evaluation: { judge: judgeOf(raw, chat === 'none' ? undefined : chat), apiKey: raw.evalApiKey },
    ask: {
      timeoutMs: raw.requestTimeoutMs,
      maxAnswerTokens: raw.maxAnswerTokens,
      promptTokens: raw.promptTokens,
      abstainBelow: raw.abstainBelow === 'auto' ? null : raw.abstainBelow,
      fusion: raw.fusion,
      rrfK: raw.rrfK,
      hasUnits: raw.embeddingUnits,
    },
    grounding: groundingOf(raw),
    cache: cacheOf(raw),
    admission: admissionOf(raw),
    pressure: { maxEventLoopDelayMs: raw.maxEventLoopDelayMs, maxHeapShare: raw.maxHeapShare },
    rateLimit: rateLimitOf(raw),
    adminApiKey: raw.adminApiKey,
    monitoringApiKey: raw.monitoringApiKey,
    allowAnonymous: raw.allowAnonymous,
    allowedHosts: raw.allowedHosts,
    corsOrigins: raw.corsOrigins ?? null,
    receiving: receivingOf(raw),
    log: { level: raw.logLevel, questions: raw.logQuestions },
    workers: raw.workers,
    startTimeoutMs: raw.startTimeoutSeconds * 1000,
    drain: { seconds: raw.drainSeconds, delayMs: raw.drainDelayMs },
    telemetry: telemetryOf(raw),
  }
}
