import type { ApiKey, Sources } from './api-keys.ts'
import type { DayBudget, ModelPrices, ProxyTrust } from './kinds.ts'

export interface OcrSettings {
  readonly languages: readonly string[]
  /** Folder with language data; undefined for the packages. */
  readonly data: string | undefined
  /** CPU time for one document, of which recognition takes a part. */
  readonly cpuSeconds: number
}

/** Where an API is, and how to call it. */
export interface ApiSettings {
  readonly baseUrl: string | undefined
  readonly apiKey: string | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
  /** The settings that these come from. */
  readonly names: { readonly url: string; readonly key: string; readonly headers: string }
}

/** The configuration of the service: read once by config.ts, frozen, and passed to the parts that need it. */
export interface Config {
  readonly host: string
  readonly port: number
  /** Null when monitoring is served on the same port. */
  readonly monitoring: { readonly host: string; readonly port: number } | null
  /** Null when no X-Forwarded-For is trusted. */
  readonly trustProxy: ProxyTrust | null
  readonly database: {
    readonly url: string | undefined
    /** Undefined for a database in memory, which no setting can request. */
    readonly dataDir: string | undefined
    readonly poolSize: number
    readonly poolMaxOverflow: number
    readonly poolMaxWaiting: number
    readonly statementTimeoutMs: number
  }
  readonly migrateOnStart: boolean
  /** Between two checks whether the embedding model has changed; 0 for none in the background. */
  readonly embeddingCheckMs: number
  /** Collections are calibrated without being told to. */
  readonly calibration: boolean
  /** Worker processes that prepare documents, and their limits per document. */
  readonly prepare: {
    readonly workers: number
    readonly cpuSeconds: number
    readonly memoryMb: number
    readonly queueMb: number
    /** A load stores documents before their vectors after this time. */
    readonly wordsFirstMs: number
    /** What is kept of a document to prepare it again. */
    readonly keepOriginals: 'no' | 'sections' | 'yes'
    /** Text recognition of scanned pages, or undefined if it is off. */
    readonly ocr?: OcrSettings | undefined
  }
  readonly bm25: 'auto' | 'pg_textsearch' | 'portable'
  readonly redis: { readonly url: string; readonly timeoutMs: number; readonly prefix: string } | undefined
  readonly models: {
    readonly apiKey: string | undefined
    readonly baseUrl: string | undefined
    readonly headers: Readonly<Record<string, string>> | undefined
    /** The API for embeddings. */
    readonly embeddingApi: ApiSettings
    /** Null for no language model: answers are then extractive. */
    readonly chat: string | null
    /** `local`, `onnx:` followed by a folder or a file, or the name of a model of the API. */
    readonly embedding: string
    readonly embeddingDimensions: number | undefined
    readonly embeddingMaxTokens: number
    readonly embeddingLoadTimeoutMs: number
    readonly embeddingLanguages: readonly string[] | 'any'
    /** Undefined to use what the model's folder says. */
    readonly embeddingPooling: 'mean' | 'cls' | 'lasttoken' | undefined
    /** Without the space that follows the prefix. Undefined to use what the model's folder says, if anything. */
    readonly embeddingQueryPrefix: string | undefined
    readonly embeddingPassagePrefix: string | undefined
    /** Chunks of a collection up to which units are embedded; 0 where they are off. */
    readonly unitsUpTo: number
    readonly timeoutMs: number
    /** Null when unknown. */
    readonly prices: (ModelPrices & { readonly currency: string }) | null
  }
  /** Daily budgets of the language model; those of keys are in `keys`. */
  readonly budgets: {
    readonly service: DayBudget
    readonly collections: Readonly<Record<string, DayBudget>>
    /** Processes of this service that spend from them. */
    readonly processes: number
  }
  readonly guard: {
    /** Most calls to the language model at a time; undefined to learn it. */
    readonly maxModelCalls: number | undefined
    /** Idle timeout of the language model, before the first token and between tokens. */
    readonly silenceMs: number
    /** Longest wait for the first word of the language model; undefined to learn it. */
    readonly firstWordMs: number | undefined
    /** Delay after which a question's embedding request is sent a second time; 0 for never. */
    readonly hedgeMs: number
  }
  /** Null when there is no reranker. */
  readonly rerank: {
    /** Null for a model on disk. */
    readonly url: string | null
    /** A model of the URL, or `onnx:` followed by a folder or a file. */
    readonly model: string
    readonly apiKey: string | undefined
    readonly headers: Readonly<Record<string, string>> | undefined
    readonly candidates: number
    readonly timeoutMs: number
    /** Time that a model on disk may take for a question. */
    readonly budgetMs: number
    /** It reads the best sentences of the best passages, too. */
    readonly readsUnits: boolean
  } | null
  /** For `askwell eval`. */
  readonly evaluation: {
    /** Null without a model that could judge. */
    readonly judge: {
      readonly baseUrl: string | undefined
      readonly apiKey: string | undefined
      readonly headers: Readonly<Record<string, string>> | undefined
      readonly model: string
    } | null
    /** Key for the service that is asked over HTTP. */
    readonly apiKey: string | undefined
  }
  readonly ask: {
    readonly timeoutMs: number
    readonly maxAnswerTokens: number
    readonly promptTokens: number
    /** Minimum confidence, 0…1; null for what was learned. */
    readonly abstainBelow: number | null
    readonly fusion: 'weighted' | 'rrf'
    readonly rrfK: number
    /** Whether passages are compared by their units, too. */
    readonly hasUnits: boolean
  }
  /** Null when what the language model writes is not checked. */
  readonly grounding: {
    readonly strictness: 'strict' | 'standard'
    readonly checksStreams: boolean
    /** Null without a model for it. */
    readonly model: { readonly baseUrl: string; readonly model: string; readonly apiKey: string | undefined } | null
    readonly timeoutMs: number
  } | null
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
  /** Requests per address, and per key without a limit of its own; 0 for no limit. */
  readonly rateLimit: { readonly max: number; readonly keyMax: number; readonly seconds: number }
  readonly adminApiKey: string | undefined
  readonly monitoringApiKey: string | undefined
  /** All keys, including those of the two settings above. */
  readonly keys: readonly ApiKey[]
  readonly allowAnonymous: boolean
  /** Where the keys come from, so that they can be reloaded. */
  readonly keySources: Sources
  /** Names besides loopback names; `*` for any. Undefined when unset. */
  readonly allowedHosts: readonly string[] | undefined
  /** Null when no other origin may call the API. */
  readonly corsOrigins: readonly string[] | null
  readonly receiving: {
    readonly headersMs: number
    readonly wholeMs: number
    readonly keepAliveMs: number
    readonly maxConnections: number
  }
  readonly log: { readonly level: string; readonly questions: boolean }
  /** Secrets that were read from files, so that they can be followed. */
  readonly secretFiles: readonly SecretFile[]
  /** Messages to log at the start: settings under a former name, misspelt or without effect. */
  readonly notices: readonly string[]
  /** Processes that answer requests: cluster/size.ts chooses the number for `auto`. */
  readonly workers: 'auto' | number
  readonly startTimeoutMs: number
  readonly drain: { readonly seconds: number; readonly delayMs: number }
  readonly telemetry: {
    /** URL that traces are sent to; undefined for no tracing. */
    readonly endpoint: string | undefined
    readonly serviceName: string
    readonly sampler: string | undefined
    readonly samplerArg: number | undefined
    /** Traces of slower requests are sent even if not sampled; undefined to send sampled traces only. */
    readonly slowMs: number | undefined
    readonly headers: Readonly<Record<string, string>> | undefined
    /** Limit of one delivery, retries included. */
    readonly timeoutMs: number
    /** Spans that wait for delivery. */
    readonly queue: { readonly size: number; readonly batch: number; readonly delayMs: number }
  }
}

/** A secret setting whose value is in a file, such as a mounted secret: `NAME_FILE` has its path. */
export interface SecretFile {
  readonly name: string
  readonly path: string
}

/** Calls `onChange` with the text of a setting each time its file has changed. Does nothing for other settings. */
export type FollowSecret = (name: string, onChange: (text: string) => void) => void

/** Reports every fault of the environment at once, one line per fault. */
export class ConfigError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(['Askwell cannot start with these settings:', ...faults.map(fault => `  ${fault}`)].join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}
