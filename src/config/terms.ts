import type { ApiKey, Sources } from './api-keys.ts'
import type { ModelPrices, ProxyTrust } from './kinds.ts'

/** What the service is configured with: read once by config.ts, frozen, handed to whoever needs a part of it. */
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
    readonly semantic: { readonly mode: 'off' | 'learn' | number; readonly acceptedError: number }
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
  /** Settings that are set under a former name: a line each, to be logged. */
  readonly deprecations: readonly string[]
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
