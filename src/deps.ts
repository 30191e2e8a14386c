import { trace } from '@opentelemetry/api'
import type { Logger } from 'pino'
import { modelMismatch } from './adapters/collections.ts'
import { createDocumentStore, type DocumentStore } from './adapters/documents.ts'
import { openDatabase, type Database } from './adapters/database.ts'
import { createMemoryCache } from './adapters/memory-cache.ts'
import { openModels, type Models } from './adapters/models.ts'
import { createPassageStore } from './adapters/passages.ts'
import { openBm25, type Bm25 } from './adapters/textsearch.ts'
import { openRedis, type RedisServer } from './adapters/redis.ts'
import { createReranker } from './adapters/rerank.ts'
import type { ChooseSteps } from './ask/choose.ts'
import { embedWith } from './ask/embed.ts'
import { extractFrom } from './ask/extract.ts'
import { answerWith } from './ask/generate.ts'
import { located } from './ask/locate.ts'
import { pack } from './ask/pack.ts'
import { createPipeline } from './ask/pipeline.ts'
import { promptVersion } from './ask/prompt.ts'
import { remembered, type AnswerCache, type AskWithin, type Remembered } from './ask/remember.ts'
import { searchIn } from './ask/retrieve.ts'
import { rerankWith } from './ask/rerank.ts'
import { rewriteWith } from './ask/rewrite.ts'
import { searchWith, type SearchPassages } from './ask/search.ts'
import { createStages, type Stages } from './ask/stage.ts'
import type { Ask, AskedCollection, Passage, Run } from './ask/terms.ts'
import { similarityRange, vectorWeight } from './ask/weights.ts'
import type { Config } from './config.ts'
import { AskError } from './errors.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { migrate, pendingMigrations } from './migrate.ts'
import { version } from './version.ts'

/** Everything the service is made of, built once; what is given to app.ts, to the commands, and to tests. */
export interface Deps {
  readonly database: Database
  /** What finds words in it. */
  readonly bm25: Bm25
  readonly store: DocumentStore
  readonly models: Models
  readonly redis: RedisServer | undefined
  readonly metrics: Metrics
  readonly ask: Ask
  readonly search: SearchPassages
  close(): Promise<void>
}

/** Opens adapters, then arranges the pipeline over them. Closes what was opened when something fails. */
export async function openDeps(config: Config, log: Logger): Promise<Deps> {
  const opened: { close(): Promise<void> }[] = []
  let isClosed = false
  const keep = <T extends { close(): Promise<void> }>(each: T): T => {
    opened.push(each)
    if (isClosed) void close() // opened after something else had failed
    return each
  }
  const close = async () => {
    isClosed = true
    for (const each of opened.splice(0).reverse()) await each.close()
  }
  try {
    const opening = openStore(config, log, keep)
    opening.catch(() => {}) // awaited below; the models may fail first
    const models = keep(await openModels(config.models, { knownDimensions: async model => (await opening).store.dimensionsOf(model) }))
    // A local model takes as long to load as the database to open: both at once.
    const [{ database, bm25, store }] = await Promise.all([opening, models.warm()])
    const redis = config.redisUrl === undefined ? undefined : keep(openRedis(config.redisUrl, log))
    const metrics = createMetrics(database.status)
    const { ask, search } = arrange({ config, database, bm25, store, models, metrics })
    return { database, bm25, store, models, redis, metrics, ask, search, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openStore(config: Config, log: Logger, keep: (database: Database) => Database) {
  const database = keep(await openDatabase(config.database))
  await prepareSchema(database, config, log)
  const bm25 = await database.lease({ signal: new AbortController().signal, label: 'migrate' }, sql => openBm25(sql, config.bm25))
  return { database, bm25, store: createDocumentStore(database) }
}

async function prepareSchema(database: Database, config: Config, log: Logger): Promise<void> {
  const terms = { signal: new AbortController().signal, label: 'migrate' }
  if (config.migrateOnStart || database.kind === 'embedded') {
    const { applied } = await database.lease(terms, sql => migrate(sql))
    if (applied.length > 0) log.info({ applied }, 'migrations applied')
    return
  }
  const pending = await database.lease(terms, sql => pendingMigrations(sql))
  if (pending.length === 0) return
  throw new AskError('database_unavailable', { detail: `the database lacks ${pending.join(', ')}: run askwell migrate, or set MIGRATE_ON_START=on` })
}

/** Refuses to start over vectors that another model made: comparing them would give nonsense without a word. */
export async function checkModels(store: DocumentStore, model: string): Promise<void> {
  for (const collection of await store.collections()) {
    if (collection.model && collection.model.name !== model) throw modelMismatch(collection, model)
  }
}

interface Parts {
  readonly config: Config
  readonly database: Database
  readonly bm25: Bm25
  readonly store: DocumentStore
  readonly models: Models
  readonly metrics: Metrics
}

/** Budgets are what a stage may take at most; the request's own deadline is usually nearer. */
const budgetMs = { remember: 2000, understand: 8000, embed: 5000, retrieve: 10_000, extract: 2000 } as const

/** Kept back so that a model that uses up its time still leaves enough to quote from the passages. */
const reserveMs = 200

/** The pipeline as it runs: caching and looking up are arrangements around it, not branches inside it. */
function arrange({ config, database, bm25, store, models, metrics }: Parts): { ask: Ask; search: SearchPassages } {
  const stages = createStages({ tracer: trace.getTracer('askwell', version), metrics: metrics.stages })
  const steps = stepsOf({ config, database, bm25, models, metrics, stages })
  const find = stages.stage('remember', budgetMs.remember, async (name: string, run: Run) => await askedCollection(store, models, name, run.signal))
  const ask = located(find, withAnswerCache(createPipeline(steps), config, models, metrics))
  return { ask, search: searchWith(steps, find) }
}

function stepsOf({ config, database, bm25, models, metrics, stages }: Omit<Parts, 'store'> & { readonly stages: Stages }) {
  const { embedder, chat } = models
  const { stage, streamStage } = stages
  const rewrites = chat ? rewriteWith(chat) : null
  return {
    embed: stage('embed', budgetMs.embed, embedWith(embedder, vectorCache(config, metrics))),
    retrieve: stage('retrieve', budgetMs.retrieve, searchIn(createPassageStore(database, bm25), similarityRange(embedder), config.ask)),
    rerank: rerankStep(config, stages),
    pack: (passages: readonly Passage[], question: string) => pack(passages, { maxTokens: config.ask.promptTokens, question }),
    extract: stage('extract', budgetMs.extract, extractFrom),
    generate: chat && streamStage('generate', config.ask.timeoutMs, answerWith(chat, config.ask.maxAnswerTokens)),
    rewrite: rewrites && {
      condense: stage('understand', budgetMs.understand, rewrites.condense),
      rephrase: stage('understand', budgetMs.understand, rewrites.rephrase),
    },
    vectorWeight: (language: string, { vectorWeights }: AskedCollection) => vectorWeight(embedder, language, vectorWeights),
    abstainBelow: config.ask.abstainBelow,
    reserveMs,
    model: chat?.model ?? null,
  }
}

function rerankStep({ rerank }: Config, { stage }: Stages): ChooseSteps['rerank'] {
  if (!rerank) return null
  const { candidates, timeoutMs } = rerank
  return { candidates, run: stage('rerank', timeoutMs, rerankWith(createReranker(rerank), candidates)) }
}

/** The collection as a question meets it; null when there is none of this name. */
export async function askedCollection(store: DocumentStore, { embedder }: Models, name: string, signal: AbortSignal): Promise<AskedCollection | null> {
  const found = await store.collection(name, signal)
  // Re-embedded by another model while we run: our vectors may not be compared with its.
  const isOurs = found?.model?.name === embedder.model
  if (!found) return null
  const { id, epoch, languages, vectorWeights, efSearch, windowCount, chunkCount } = found
  const windowsPerChunk = Math.max(1, Math.ceil(windowCount / Math.max(1, chunkCount)))
  return { id, name, epoch, chunkCount, modelId: isOurs ? found.model.id : null, windowsPerChunk, efSearch, languages, vectorWeights }
}

function vectorCache({ cache }: Config, metrics: Metrics) {
  const vectors = createMemoryCache<Float32Array>({ maxBytes: cache.embeddingBytes, ttlSeconds: 3600, bytesOf: vector => vector.byteLength })
  const count = metrics.cache('embedding')
  return {
    get(text: string) {
      const found = vectors.get(text)
      if (found) count.hit()
      else count.miss()
      return found
    },
    set: vectors.set,
  }
}

function withAnswerCache(ask: AskWithin, { cache, ask: settings, models: named, rerank }: Config, models: Models, metrics: Metrics): AskWithin {
  if (cache.answerSeconds === 0) return ask
  const memory = createMemoryCache<Remembered>({ maxBytes: cache.answerBytes, ttlSeconds: cache.answerSeconds, bytesOf: bytesOfAnswer })
  const answers: AnswerCache = { get: async key => memory.get(key), set: memory.set }
  const fingerprint = JSON.stringify([version, promptVersion, models.embedder.model, named.chat, settings, rerank && [rerank.url, rerank.model, rerank.candidates]])
  return remembered(ask, { answers, fingerprint, metrics: metrics.cache('answer') })
}

/** JavaScript strings are two bytes a character at the most; the rest of an answer is small beside its passages. */
function bytesOfAnswer({ answer }: Remembered): number {
  return answer.passages.reduce((sum, passage) => sum + passage.text.length * 2 + 1000, answer.text.length * 2 + 1000)
}
