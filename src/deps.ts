import { trace } from '@opentelemetry/api'
import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import { keyPrefixOf } from './adapters/redis/cache-keys.ts'
import { createCollectionStore, modelMismatch, type CollectionStore } from './adapters/postgres/store/collections.ts'
import { createDocumentStore, type DocumentStore } from './adapters/postgres/store/documents.ts'
import { databaseName } from './adapters/postgres/database-name.ts'
import { openDatabase, type Database } from './adapters/postgres/database.ts'
import { openModels, type Models } from './adapters/models/models.ts'
import { measureSaves } from './adapters/models/metered.ts'
import { createNearQuestions } from './adapters/postgres/store/similar-questions.ts'
import { createPassageStore } from './adapters/postgres/store/passages.ts'
import { openBm25, type Bm25 } from './adapters/postgres/store/textsearch.ts'
import { waitForDatabase } from './adapters/postgres/wait-for-database.ts'
import { openRedis, type RedisServer } from './adapters/redis/redis.ts'
import { createAdmission, type Admission } from './ask/admission.ts'
import type { ChooseSteps } from './ask/retrieval/select.ts'
import { embedWith, type Embedded } from './ask/retrieval/embed.ts'
import { extractFrom } from './ask/generation/extractive.ts'
import { answerWith } from './ask/generation/generate.ts'
import { claimFrom } from './ask/cache/lease.ts'
import { createCurrent, outlast, type Current } from './ask/cache/collection-snapshot.ts'
import { rememberDrafts } from './ask/cache/completion-cache.ts'
import { pack } from './ask/generation/pack.ts'
import { createPipeline } from './ask/pipeline.ts'
import { promptVersion } from './ask/generation/prompt.ts'
import { createRemembering, type Remembering } from './ask/cache/cached-ask.ts'
import { searchIn } from './ask/retrieval/retrieve.ts'
import { rerankWith } from './ask/retrieval/rerank.ts'
import { rewriteWith } from './ask/retrieval/rewrite.ts'
import { searchWith, type SearchPassages } from './ask/search.ts'
import { createNear, type Near } from './ask/cache/semantic/semantic-cache.ts'
import { nearAnswersFrom } from './ask/cache/semantic/semantic-answers.ts'
import { createStages, type Stage, type Stages } from './ask/stage.ts'
import type { AskedCollection, AskWithin, Passage, Understood } from './ask/terms.ts'
import { similarityRange, vectorWeight } from './ask/retrieval/weights.ts'
import { openCaches, type Caches } from './wiring/caches.ts'
import type { Config } from './config/config.ts'
import { openGuards, type Guarded } from './wiring/guards.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { feed } from './monitoring/figures/feed.ts'
import { longWaitMs } from './monitoring/findings/facts.ts'
import { openPreparing, type Preparing } from './wiring/prepare-pool.ts'
import { createMinute, type Minute } from './monitoring/figures/one-minute.ts'
import { createRecent, type Recent } from './monitoring/figures/recent-counts.ts'
import { createLimiter, type LimiterStatus } from './resilience/limiter.ts'
import { prepareSchema } from './wiring/schema.ts'
import { openUpkeep } from './wiring/index-maintenance.ts'
import { version } from './version.ts'
import { countedToo, createWatch, openMonitoring, type Monitoring } from './wiring/monitoring.ts'

/** Everything the service is made of, built once; what is given to app.ts, to the commands, and to tests. */
export interface Deps {
  readonly database: Database
  /** What finds words in it. */
  readonly bm25: Bm25
  readonly store: DocumentStore
  readonly models: Models
  readonly preparing: Preparing
  readonly redis: RedisServer | undefined
  readonly metrics: Metrics
  /** Figures over windows and what to do about them; null: switched off to measure what they cost. */
  readonly monitoring: Monitoring | null
  /** States of the breakers. */
  readonly states: Guarded['states']
  readonly caches: Caches
  readonly current: Current
  readonly remembering: Remembering
  /** Null: switched off. */
  readonly near: Near | null
  readonly search: SearchPassages
  /** What fresh runs go through; the commands search without it. */
  readonly admission: Admission
  /** What was counted lately, for the monitoring. */
  readonly recent: Recent
  /** Of leases, in milliseconds. */
  readonly poolTimes: { readonly waitMs: Minute; readonly holdMs: Minute }
  readonly pulse: Guarded['pulse']
  readonly lastFault: Guarded['lastFault']
  readonly limiter: () => LimiterStatus
  /** To be waited for between a write and its reply; `collection`: that was written to. */
  onWritten(collection?: string): Promise<void>
  close(): Promise<void>
}

export interface OpenOptions {
  /** How long a database that cannot be reached is waited for; with it, a model API that is away is no reason not to start. */
  readonly patienceMs?: number
  /** Gives up: what was opened is closed. */
  readonly signal?: AbortSignal
  readonly recent?: Recent
  /** False: no figures over windows, no inspection of the database. For benches alone. */
  readonly isMonitored?: boolean
}

/** Opens adapters, then arranges the pipeline over them. Closes what was opened when something fails. */
export async function openDeps(
  config: Config,
  log: Logger,
  { patienceMs, signal, recent = createRecent(), isMonitored = true }: OpenOptions = {},
): Promise<Deps> {
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
    const opening = openStore(config, log, { patienceMs: patienceMs ?? 0, ...(signal && { signal }) }, keep)
    opening.catch(() => {}) // awaited below; the models may fail first
    const unguarded = keep(
      await openModels(config.models, {
        knownDimensions: async model => (await opening).store.dimensionsOf(model),
        ...(patienceMs !== undefined && {
          onAbsent: error =>
            log.warn(
              { code: error.code, err: error.cause ?? error },
              'the model API is away: starting without; documents can be loaded when it is there',
            ),
        }),
      }),
    )
    // A local model takes as long to load as the database to open: both at once.
    const [{ database, name, bm25, store }] = await Promise.all([opening, unguarded.warm()])
    const watch = isMonitored ? createWatch() : null
    const plain = createMetrics(database.status)
    const metrics = countedToo(watch ? feed(plain, watch.figures, watch.sources) : plain, recent)
    keep({ close: async () => metrics.stop() })
    const longMs = longWaitMs(database.status())
    const poolTimes = { waitMs: createMinute(), holdMs: createMinute() }
    database.observe({
      waited(seconds, wasQueued) {
        metrics.pool.waited(seconds)
        poolTimes.waitMs.record(seconds * 1000)
        if (wasQueued && seconds * 1000 >= longMs) recent.count('pool:waited')
      },
      held: (seconds, label) => (metrics.pool.held(seconds, label), poolTimes.holdMs.record(seconds * 1000)),
      failed: fault => (metrics.databaseFailed(fault), recent.count(`database:${fault}`)),
      overdue: (label, limitMs) =>
        log.error({ label, limitMs }, 'a database connection was held too long: its query is cancelled'),
    })
    database.watchAdmittance(refusal => {
      if (refusal)
        log.error(
          { dependency: 'database', err: refusal },
          'the database does not let Askwell in any more: check the name, password and database in DATABASE_URL, and the right to connect',
        )
      else log.info({ dependency: 'database' }, 'the database lets Askwell in again')
    })
    database.watchStale(err =>
      log.warn(
        { dependency: 'database', code: 'database-replaced', err },
        'the database was changed under its connections, as by a restore: all of them are replaced',
      ),
    )
    tellWrites(database, log)
    const { models, reads, reranker, states, pulse, lastFault } = keep(
      openGuards({ config, database, models: unguarded, metrics, log, recent }),
    )
    const redis =
      config.redis &&
      keep(
        openRedis(config.redis.url, {
          keyPrefix: keyPrefixOf(config.redis.prefix, name),
          timeoutMs: config.redis.timeoutMs,
          log,
          onFailure: metrics.redisFailed,
          onSaved: seconds => metrics.saved('redis', seconds),
          onLost: () => recent.count('redis:lost'),
        }),
      )
    if (redis) metrics.watchRedis(redis.isUsable)
    const aside = createCollectionStore({ lease: reads.aside })
    const caches = openCaches({ config: config.cache, redis, metrics })
    const current = createCurrent((name, signal) => askedCollection(aside, models, name, signal), {
      onOtherHistory: otherHistory(caches, log),
    })
    database.watch(current.forget)
    metrics.watchCaches(caches.sizes)
    const { admission, limiter } = admissionOf(config, metrics)
    const { remembering, near, search } = arrange({
      config,
      log,
      database,
      reads,
      reranker,
      bm25,
      current,
      caches,
      models,
      metrics,
      admission,
    })
    if (near) keep(near)
    keep(remembering)
    const preparing = keep(
      openPreparing(config.prepare, ({ source, by, reason }) =>
        log.warn({ source, by, reason }, 'a document could not be prepared'),
      ),
    )
    const upkeep = keep(openUpkeep({ database, store, log }))
    const onWritten = async (collection?: string) => {
      if (collection !== undefined) upkeep.written(collection)
      current.forget()
      // Of the embedded database there is no other replica.
      if (database.kind === 'postgres') await outlast()
    }
    const monitoring = watch && keep(openMonitoring(watch, { config, log, database, redis, store }))
    return {
      onWritten,
      monitoring,
      preparing,
      database,
      bm25,
      store,
      models,
      redis,
      metrics,
      caches,
      states,
      current,
      near,
      remembering,
      search,
      admission,
      recent,
      poolTimes,
      pulse,
      lastFault,
      limiter,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function openStore(
  config: Config,
  log: Logger,
  { patienceMs = 0, signal = new AbortController().signal }: OpenOptions,
  keep: (database: Database) => Database,
) {
  const database = keep(
    await waitForDatabase(() => openDatabase(config.database, signal), { ms: patienceMs, log, signal }),
  )
  await prepareSchema(database, config, log, signal)
  const bm25 = await database.lease({ signal, label: 'migrate', holdLimitMs: Infinity }, sql =>
    openBm25(sql, config.bm25, database.isReadOnly()),
  )
  return { database, name: await databaseName(database, signal), bm25, store: createDocumentStore(database) }
}

/** At the start only where it is not as usual. */
function tellWrites(database: Database, log: Logger): void {
  const readOnly = () =>
    log.warn(
      { dependency: 'database', code: 'database-read-only' },
      'the database takes no writes (a standby, or read-only): questions are answered, documents are not stored',
    )
  if (database.isReadOnly()) readOnly()
  database.watchWrites(isWriter =>
    isWriter ? log.info({ dependency: 'database' }, 'the database takes writes again') : readOnly(),
  )
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
  readonly reads: Guarded['reads']
  readonly reranker: Guarded['reranker']
  readonly bm25: Bm25
  readonly current: Current
  readonly caches: Caches
  readonly models: Models
  readonly metrics: Metrics
  readonly admission: Admission
  readonly log: Logger
}

/** Budgets are what a stage may take at most; the request's own deadline is usually nearer. */
const budgetMs = { remember: 2000, understand: 8000, embed: 5000, retrieve: 10_000, extract: 2000 } as const

/** Kept back so that a model that uses up its time still leaves enough to quote from the passages. */
const reserveMs = 200

/** The pipeline as it runs: caching and looking up are arrangements around it, not branches inside it. */
function arrange(parts: Parts): Pick<Deps, 'remembering' | 'near' | 'search'> {
  const stages = createStages({ tracer: trace.getTracer('askwell', version), metrics: parts.metrics.stages })
  const steps = stepsOf(parts, stages)
  const find = stages.stage(
    'remember',
    budgetMs.remember,
    async (name: string, run) => await parts.current.check(name, run.signal),
  )
  const near = nearOf(parts, steps.embed)
  return { remembering: remembered(createPipeline(steps), near, parts, stages), near, search: searchWith(steps, find) }
}

function nearOf(
  { config: { cache }, database, models, metrics, log }: Parts,
  embed: Stage<Understood, Embedded>,
): Near | null {
  const { mode, acceptedError } = cache.near
  if (mode === 'off') return null
  return createNear({
    store: measureSaves(createNearQuestions(database), metrics),
    embed,
    model: models.embedder.model,
    mode,
    acceptedError,
    log,
  })
}

function remembered(
  make: AskWithin,
  near: Near | null,
  { config, current, caches, models, metrics, log, admission }: Parts,
  { stage }: Stages,
): Remembering {
  const { timeoutMs } = config.ask
  return createRemembering({
    steps: {
      peek: current.peek,
      last: current.last,
      find: stage('remember', budgetMs.remember, async (name, run) => await current.find(name, run.signal)),
      check: stage('remember', budgetMs.remember, async (name, run) => await current.check(name, run.signal)),
      reach: caches.reach,
      claim: caches.shared && stage('remember', timeoutMs, claimFrom(caches.shared)),
      near: near && nearAnswersFrom(near, caches.kept, metrics.answerCache, Date.now),
      admission,
      make,
    },
    kept: caches.kept,
    fingerprint: fingerprintOf(config, models),
    counts: metrics.answerCache,
    staleSeconds: config.cache.keep.staleSeconds,
    background: { log, timeoutMs },
  })
}

/** The first guess is what the pool can do, and more than a small one: a run needs no connection while its model writes. */
function admissionOf(
  { admission, database: { poolSize, poolMaxOverflow } }: Config,
  { admission: metrics, stages: stageMetrics }: Metrics,
): Pick<Deps, 'admission' | 'limiter'> {
  const limiter = createLimiter({ ...admission, initial: Math.max(20, poolSize + poolMaxOverflow) })
  metrics.watch(limiter.status)
  const { past } = createStages({ tracer: trace.getTracer('askwell', version), metrics: stageMetrics })
  return {
    admission: createAdmission(limiter, { refused: metrics.refused, waited: (...wait) => past('admit', ...wait) }),
    limiter: limiter.status,
  }
}

/** Short, for it goes into every key. */
function digest(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

/** What changes answers and is the same for all questions. */
function fingerprintOf({ ask, models: named, rerank }: Config, { embedder }: Models): string {
  return digest([
    version,
    promptVersion,
    embedder.model,
    named.baseUrl,
    named.chat,
    ask,
    rerank && [rerank.url, rerank.model, rerank.candidates],
  ])
}

function stepsOf({ config, reads, reranker, bm25, models, metrics, caches }: Parts, stages: Stages) {
  const { embedder, chat } = models
  const { stage, streamStage } = stages
  const rewrites = chat ? rewriteWith(chat) : null
  return {
    embed: stage('embed', budgetMs.embed, embedWith(embedder, caches.vectors(embedder))),
    retrieve: stage(
      'retrieve',
      budgetMs.retrieve,
      searchIn(createPassageStore(reads, bm25), similarityRange(embedder), config.ask),
    ),
    rerank: rerankStep(config, reranker, stages),
    pack: (passages: readonly Passage[], question: string) =>
      pack(passages, { maxTokens: config.ask.promptTokens, question, onCut: () => metrics.exceeded('tokens') }),
    extract: stage('extract', budgetMs.extract, extractFrom),
    generate:
      chat &&
      rememberDrafts(streamStage('generate', config.ask.timeoutMs, answerWith(chat, config.ask.maxAnswerTokens)), {
        drafts: caches.drafts,
        fingerprint: digest([config.models.baseUrl, chat.model, config.ask.maxAnswerTokens]),
        keep: config.cache.keep,
        onFound: metrics.draftFound,
      }),
    rewrite: rewrites && {
      condense: stage('understand', budgetMs.understand, rewrites.condense),
      rephrase: stage('understand', budgetMs.understand, rewrites.rephrase),
    },
    vectorWeight: (language: string, { vectorWeights }: AskedCollection) =>
      vectorWeight(embedder, language, vectorWeights),
    abstainBelow: config.ask.abstainBelow,
    reserveMs,
    model: chat?.model ?? null,
  }
}

function rerankStep({ rerank }: Config, reranker: Guarded['reranker'], { stage }: Stages): ChooseSteps['rerank'] {
  if (!rerank || !reranker) return null
  const { candidates, timeoutMs } = rerank
  return { candidates, run: stage('rerank', timeoutMs, rerankWith(reranker, candidates)) }
}

/** What a lost history left is found by nobody (its marks are others): it is dropped to make room, and those who run the service hear of it. */
function otherHistory(caches: Pick<Caches, 'dropAnswers'>, log: Logger) {
  return ({ id, name, epoch }: AskedCollection, before: AskedCollection) => {
    caches.dropAnswers(id)
    log.warn(
      { collection: name, epoch, before: before.epoch },
      'the collection went back to an earlier epoch: the database was restored, or lost its last writes; answers cached since are not given any more',
    )
  }
}

/** The collection as a question meets it; null when there is none of this name. */
export async function askedCollection(
  store: Pick<CollectionStore, 'collection'>,
  { embedder }: Models,
  name: string,
  signal: AbortSignal,
): Promise<AskedCollection | null> {
  const found = await store.collection(name, signal)
  // Re-embedded by another model while we run: our vectors may not be compared with its.
  const isOurs = found?.model?.name === embedder.model
  if (!found) return null
  const { id, epoch, epochMark, languages, vectorWeights, efSearch, windowCount, chunkCount, caching } = found
  const windowsPerChunk = Math.max(1, Math.ceil(windowCount / Math.max(1, chunkCount)))
  return {
    id,
    name,
    epoch,
    epochMark,
    chunkCount,
    modelId: isOurs ? found.model.id : null,
    windowsPerChunk,
    efSearch,
    languages,
    vectorWeights,
    caching,
  }
}
