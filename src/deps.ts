import type { Logger } from 'pino'
import { keyPrefixOf } from './adapters/redis/cache-keys.ts'
import { createCollectionStore, modelMismatch, type CollectionStore } from './adapters/postgres/store/collections.ts'
import { createDocumentStore, type DocumentStore } from './adapters/postgres/store/documents.ts'
import { databaseName } from './adapters/postgres/database-name.ts'
import { openDatabase, type Database } from './adapters/postgres/database.ts'
import { openModels, type Models } from './adapters/models/models.ts'
import { openReranker } from './adapters/models/open-reranker.ts'
import { openBm25, type Bm25 } from './adapters/postgres/store/textsearch.ts'
import { waitForDatabase } from './adapters/postgres/wait-for-database.ts'
import { openRedis, type RedisServer } from './adapters/redis/redis.ts'
import { type Admission } from './ask/admission.ts'
import {
  createCollectionSnapshots,
  waitUntilVisible,
  type CollectionSnapshots,
} from './ask/cache/collection-snapshot.ts'
import { type CachedAsk } from './ask/cache/cached-ask.ts'
import { type Budgets } from './ask/generation/budgets.ts'
import { type SearchPassages } from './ask/search.ts'
import { type SemanticCache } from './ask/cache/semantic/semantic-cache.ts'
import { budgetsOf, charged } from './wiring/budgets.ts'
import type { AskedCollection } from './ask/terms/collection.ts'
import type { Channel } from './cluster/channel.ts'
import { openCaches, type Caches } from './wiring/caches.ts'
import { openGuards, type Guarded } from './wiring/guards.ts'
import type { AskError } from './errors.ts'
import { createEvents, type EventBus, type Events } from './events.ts'
import { logEvents } from './log-events.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { createFigures, type Figures } from './monitoring/figures/figures.ts'
import { promptRoom } from './ask/generation/prompt-room.ts'
import { longWaitMs, type FirstWordFacts } from './monitoring/findings/facts.ts'
import { openPreparing, type Preparing } from './wiring/prepare-pool.ts'
import { type LimiterStatus } from './resilience/limiter.ts'
import { createPace, fullPace, type Step } from './resilience/pace.ts'
import { prepareSchema } from './wiring/schema.ts'
import { openUpkeep } from './wiring/documents-upkeep.ts'
import type { ModelCheck } from './wiring/model-check.ts'
import { openMonitoring, type Monitoring } from './wiring/monitoring.ts'
import { openClaimModel } from './adapters/models/open-claim-model.ts'
import { admissionOf, createAskPipeline, askedCollection, type AskPipeline } from './wiring/pipeline.ts'
import { openWorkers, type Workers } from './wiring/workers.ts'
import type { Config, FollowSecret } from './config/terms.ts'

/** All components of the service, built once and passed to app.ts, to the commands and to tests. */
export interface Deps {
  readonly database: Database
  /** The BM25 implementation of the database. */
  readonly bm25: Bm25
  readonly store: DocumentStore
  readonly models: Models
  readonly preparing: Preparing
  /** Runs a step of background work: slower while questions are asked. */
  readonly step: Step
  /** Notices when the embedding model changes behind its name. */
  readonly modelCheck: Pick<ModelCheck, 'beforeLoad'>
  /** Starts what the service does in the background for stored documents. */
  startUpkeep(): void
  readonly redis: RedisServer | undefined
  /** The processes of this service. */
  readonly workers: Workers
  readonly metrics: Metrics
  /** Everything that happens; what keeps records of its own subscribes here. */
  readonly events: EventBus
  readonly monitoring: Monitoring
  /** Rolling windows of the last minutes. */
  readonly figures: Figures
  /** States of the circuit breakers. */
  readonly states: Guarded['states']
  readonly caches: Caches
  readonly snapshots: CollectionSnapshots
  readonly cachedAsk: CachedAsk
  /** Null when switched off. */
  readonly semanticCache: SemanticCache | null
  readonly search: SearchPassages
  /** Another pipeline on the same parts with other settings of questions, for an evaluation. */
  pipelineWith(ask: Partial<Config['ask']>): AskPipeline
  /** Admission control for fresh runs; the commands search without it. */
  readonly admission: Admission
  readonly pulse: Guarded['pulse']
  readonly lastFault: Guarded['lastFault']
  readonly limiter: () => LimiterStatus
  /** Calls to the language model; null without one. */
  readonly modelCalls: Guarded['modelCalls']
  /** The waits for its first word; null without one. */
  readonly firstWord: (() => FirstWordFacts) | null
  /** Daily budgets of the models. */
  readonly budgets: Budgets
  /** Embeds in the background what was stored without vectors. */
  fillVectors(collection: string): void
  /** Await this after a write, before replying. `collection` is the one that changed. */
  onWritten(collection?: string): Promise<void>
  close(): Promise<void>
}

export interface OpenOptions {
  /**
   * How long to wait for an unreachable database. When set, an unreachable model API does not prevent the start either.
   */
  readonly patienceMs?: number
  /** Aborts the opening; whatever was opened is closed. */
  readonly signal?: AbortSignal
  /** The connection to the primary, in a process that is one of several. */
  readonly channel?: Channel
  /** Follows secrets that were read from files. */
  readonly follow?: FollowSecret
  /** Reads these files again, at once. */
  readonly reloadSecrets?: (() => void) | undefined
}

/** Opens the adapters, then builds the pipeline on them. Closes what was opened if something fails. */
export async function openDeps(
  config: Config,
  log: Logger,
  { patienceMs, signal, channel, follow = () => {}, reloadSecrets }: OpenOptions = {},
): Promise<Deps> {
  const { keep, close } = createCloser()
  const events = createEvents((err, event) => log.error({ err, event }, 'a subscriber of events failed'))
  const { emit, subscribe } = events
  try {
    const pace = createPace()
    const storeOptions = { patienceMs, signal, emit, follow, reloadSecrets, step: pace.step }
    const backends = await openBackends(config, log, storeOptions, keep)
    const { database, name, bm25, store, unguarded, unguardedReranker } = backends
    const metrics = createMetrics(database.status)
    keep({ close: async () => metrics.stop() })
    const figures = createFigures({ longWaitMs: longWaitMs(database.status()) })
    for (const each of [...metrics.subscribers, figures.subscriber, logEvents(log)]) subscribe(each)
    const { questionAsked } = pace
    subscribe({ questionAnswered: questionAsked, questionFailed: questionAsked, passagesFound: questionAsked })
    if (database.isReadOnly()) emit.writesChanged(false)
    const guarded = keep(openGuards({ config, database, models: unguarded, reranker: unguardedReranker, events }))
    const { modelCalls, reads, states, pulse, lastFault, promptTokensWithin } = guarded
    const redis = config.redis && keep(openSharedCache(config.redis, { database: name, log, events: emit, follow }))
    const budgets = keep(budgetsOf(config, redis, emit))
    const { models, reranker } = charged(guarded, config.models, budgets)
    const sideStore = createCollectionStore({ lease: reads.aside })
    const caches = openCaches({ config: config.cache, redis, channel, events: emit })
    const snapshots = createCollectionSnapshots(collectionsIn(sideStore, models, caches), { events: emit })
    database.watch(name => (name === undefined ? snapshots.doubt() : snapshots.invalidate(name)))
    // Answers of a lost history are never found, because their epoch marks differ. Dropping them frees memory.
    subscribe({ historyLost: ({ id }) => caches.dropAnswers(id) })
    const { admission, limiter } = admissionOf(config, { hasModel: models.chat !== null, events: emit })
    const claimModel = openClaimModel(config, follow)
    const opened = { database, bm25, snapshots, caches, models, admission, budgets, reads, reranker, claimModel }
    const pipelineWith = pipelinesOn({ ...opened, promptTokensWithin, config, log, events: emit })
    const pipeline = pipelineWith({})
    for (const each of [pipeline.semanticCache, pipeline.cachedAsk]) if (each) keep(each)
    const preparing = keep(openPreparing(config.prepare, emit))
    const upkeep = openUpkeep({ database, store, bm25, models, config, log, ...pace, ...emit }, keep)
    subscribe({ documentsWritten: () => snapshots.invalidate(), modelChanged: () => snapshots.invalidate() })
    subscribe({ documentsWritten: upkeep.written, writesChanged: upkeep.writesChanged })
    const onWritten = async (collection?: string) => {
      emit.documentsWritten(collection)
      // The embedded database has no replicas.
      if (database.kind === 'postgres') await waitUntilVisible()
    }
    const health = { states, pulse, lastFault, modelCalls }
    const sources = { limiter, modelCalls, breakers: states, caches: caches.sizes, budgets: budgets.status }
    const workers = openWorkers(channel, metrics)
    watchStatus(metrics, { ...sources, pulse, redis })
    const monitoring = keep(openMonitoring({ config, log, database, redis, store, figures, sources }))
    subscribe(monitoring.subscriber)
    return {
      ...opened,
      events,
      onWritten,
      monitoring,
      figures,
      preparing,
      step: pace.step,
      fillVectors: upkeep.fillVectors,
      modelCheck: upkeep.modelCheck,
      startUpkeep: upkeep.start,
      store,
      redis,
      workers,
      metrics,
      ...pipeline,
      pipelineWith,
      ...health,
      limiter,
      firstWord: firstWordOf(guarded, config.ask),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Loads a collection as a question sees it, and notes the model of its vectors. */
function collectionsIn(store: CollectionStore, models: Models, caches: Caches) {
  return async (name: string, signal: AbortSignal): Promise<AskedCollection | null> => {
    const found = await askedCollection(store, models, name, signal)
    if (found?.modelId) caches.useModel(found.modelId)
    return found
  }
}

function pipelinesOn({ config, ...parts }: Parameters<typeof createAskPipeline>[0]): Deps['pipelineWith'] {
  return ask => createAskPipeline({ ...parts, config: { ...config, ask: { ...config.ask, ...ask } } })
}

function firstWordOf(
  { firstWord, promptTokensWithin }: Pick<Guarded, 'firstWord' | 'promptTokensWithin'>,
  { promptTokens: mostPromptTokens, timeoutMs }: Config['ask'],
): Deps['firstWord'] {
  if (!firstWord) return null
  const promptTokens = () => promptRoom(mostPromptTokens, timeoutMs, promptTokensWithin)
  return () => ({ ...firstWord(), promptTokens: promptTokens(), mostPromptTokens })
}

interface Closable {
  close(): Promise<void>
}

/** Closes everything kept, last opened first. */
function createCloser() {
  const opened: Closable[] = []
  let isClosed = false
  const close = async () => {
    isClosed = true
    for (const each of opened.splice(0).reverse()) await each.close()
  }
  const keep = <T extends Closable>(each: T): T => {
    opened.push(each)
    if (isClosed) void close() // opened after something else had failed
    return each
  }
  return { keep, close }
}

function logAbsentModel(error: AskError, log: Logger): void {
  log.warn(
    { code: error.code, err: error.cause ?? error },
    'the model API cannot be reached: starting without it; documents can be loaded once it answers',
  )
}

/** Share of the pool's connections that writers may hold at a time. The rest is left to questions. */
const writersShare = 0.5

interface StoreOptions {
  readonly patienceMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly emit: Events
  readonly follow: FollowSecret
  readonly reloadSecrets: (() => void) | undefined
  readonly step: Step
}

/** A local model takes as long to load as the database to open, so both are opened concurrently. */
async function openBackends(
  config: Config,
  log: Logger,
  options: StoreOptions,
  keep: ReturnType<typeof createCloser>['keep'],
) {
  const keys = { follow: options.follow, onKeyRejected: options.reloadSecrets }
  const opening = openStore(config, log, options, keep)
  opening.catch(() => {}) // awaited below; the models may fail first
  const unguarded = keep(
    await openModels(config.models, {
      ...keys,
      knownDimensions: async model => (await opening).store.dimensionsOf(model),
      onAssumed: assumption => log.warn({ assumption }, 'the embedding model: something was assumed'),
      ...(options.patienceMs !== undefined && { onAbsent: error => logAbsentModel(error, log) }),
    }),
  )
  const unguardedReranker = await openReranker(config.rerank, keys)
  if (unguardedReranker) keep(unguardedReranker)
  const [store] = await Promise.all([opening, unguarded.warm()])
  return { ...store, unguarded, unguardedReranker }
}

async function openStore(
  config: Config,
  log: Logger,
  { patienceMs = 0, signal = new AbortController().signal, emit, follow, step }: StoreOptions,
  keep: (database: Database) => Database,
) {
  const database = keep(
    await waitForDatabase(() => openDatabase(config.database, { signal, events: emit, follow }), {
      ms: patienceMs,
      log,
      signal,
    }),
  )
  await prepareSchema(database, config, log, signal)
  const bm25 = await database.lease({ signal, label: 'migrate', holdLimitMs: Infinity }, sql =>
    openBm25(sql, config.bm25, database.isReadOnly()),
  )
  const { size, maxOverflow } = database.status()
  // A write occupies the only connection of the embedded database, so there a pause would delay questions.
  const store = createDocumentStore(database, {
    step: database.kind === 'postgres' ? step : fullPace,
    writersAtOnce: Math.max(1, Math.floor((size + maxOverflow) * writersShare)),
  })
  return { database, name: await databaseName(database, signal), bm25, store }
}

interface SharedCacheParts {
  readonly database: string
  readonly log: Logger
  readonly events: Events
  readonly follow: FollowSecret
}

function openSharedCache(
  { url, prefix, timeoutMs }: NonNullable<Config['redis']>,
  { database, log, events, follow }: SharedCacheParts,
): RedisServer {
  return openRedis(url, { keyPrefix: keyPrefixOf(prefix, database), timeoutMs, log, events, follow })
}

interface StatusParts extends Pick<Deps, 'limiter' | 'modelCalls' | 'pulse' | 'redis'> {
  readonly budgets: Budgets['status']
  readonly breakers: Deps['states']
  readonly caches: Caches['sizes']
}

/** Registers the metrics that are read when they are scraped. */
function watchStatus(
  metrics: Metrics,
  { limiter, modelCalls, breakers, caches, budgets, pulse, redis }: StatusParts,
): void {
  metrics.watchLimiter(limiter)
  if (modelCalls) metrics.watchModelCalls(modelCalls)
  metrics.watchBreakers(breakers)
  metrics.watchCaches(caches)
  metrics.watchBudgets(budgets)
  metrics.watchDatabase(() => !pulse().isDown)
  if (redis) metrics.watchRedis(redis.isUsable)
}

/** Refuses to start on vectors of another model: comparing them would silently give nonsense. */
export async function checkModels(store: DocumentStore, model: string): Promise<void> {
  for (const collection of await store.collections()) {
    // One whose model has changed is searched by words, and said in the monitoring.
    if (collection.model && !collection.model.changed && collection.model.name !== model)
      throw modelMismatch(collection, model)
  }
}
