import type { Logger } from 'pino'
import { keyPrefixOf } from './adapters/redis/cache-keys.ts'
import { createCollectionStore, modelMismatch } from './adapters/postgres/store/collections.ts'
import { createDocumentStore, type DocumentStore } from './adapters/postgres/store/documents.ts'
import { databaseName } from './adapters/postgres/database-name.ts'
import { openDatabase, type Database } from './adapters/postgres/database.ts'
import { openModels, type Models } from './adapters/models/models.ts'
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
import { type SearchPassages } from './ask/search.ts'
import { type SemanticCache } from './ask/cache/semantic/semantic-cache.ts'
import { openCaches, type Caches } from './wiring/caches.ts'
import { openGuards, type Guarded } from './wiring/guards.ts'
import type { AskError } from './errors.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { feed } from './monitoring/figures/feed.ts'
import { longWaitMs } from './monitoring/findings/facts.ts'
import { openPreparing, type OnLoss, type Preparing } from './wiring/prepare-pool.ts'
import { createOneMinute, type OneMinute } from './monitoring/figures/one-minute.ts'
import { createRecentCounts, type RecentCounts } from './monitoring/figures/recent-counts.ts'
import { type LimiterStatus } from './resilience/limiter.ts'
import { prepareSchema } from './wiring/schema.ts'
import { openIndexMaintenance } from './wiring/index-maintenance.ts'
import { withSlidingCounters, createRollingWindows, openMonitoring, type Monitoring } from './wiring/monitoring.ts'
import { admissionOf, createAskPipeline, askedCollection, otherHistory } from './wiring/pipeline.ts'
import type { Config } from './config/terms.ts'

/** All components of the service, built once and passed to app.ts, to the commands and to tests. */
export interface Deps {
  readonly database: Database
  /** The BM25 implementation of the database. */
  readonly bm25: Bm25
  readonly store: DocumentStore
  readonly models: Models
  readonly preparing: Preparing
  readonly redis: RedisServer | undefined
  readonly metrics: Metrics
  /** Rolling windows and recommendations; null when switched off to measure what they cost. */
  readonly monitoring: Monitoring | null
  /** States of the circuit breakers. */
  readonly states: Guarded['states']
  readonly caches: Caches
  readonly snapshots: CollectionSnapshots
  readonly cachedAsk: CachedAsk
  /** Null when switched off. */
  readonly semanticCache: SemanticCache | null
  readonly search: SearchPassages
  /** Admission control for fresh runs; the commands search without it. */
  readonly admission: Admission
  /** Sliding counters for the monitoring. */
  readonly recent: RecentCounts
  /** Wait and hold times of pooled connections, in milliseconds. */
  readonly poolTimes: { readonly waitMs: OneMinute; readonly holdMs: OneMinute }
  readonly pulse: Guarded['pulse']
  readonly lastFault: Guarded['lastFault']
  readonly limiter: () => LimiterStatus
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
  readonly recent?: RecentCounts
  /** False: no rolling windows and no inspection of the database. For benchmarks only. */
  readonly isMonitored?: boolean
}

/** Opens the adapters, then builds the pipeline on them. Closes what was opened if something fails. */
export async function openDeps(
  config: Config,
  log: Logger,
  { patienceMs, signal, recent = createRecentCounts(), isMonitored = true }: OpenOptions = {},
): Promise<Deps> {
  const { keep, close } = createCloser()
  try {
    const opening = openStore(config, log, { patienceMs: patienceMs ?? 0, ...(signal && { signal }) }, keep)
    opening.catch(() => {}) // awaited below; the models may fail first
    const unguarded = keep(
      await openModels(config.models, {
        knownDimensions: async model => (await opening).store.dimensionsOf(model),
        ...(patienceMs !== undefined && { onAbsent: error => logAbsentModel(error, log) }),
      }),
    )
    // A local model takes as long to load as the database to open, so both run concurrently.
    const [{ database, name, bm25, store }] = await Promise.all([opening, unguarded.warm()])
    const windows = isMonitored ? createRollingWindows() : null
    const baseMetrics = createMetrics(database.status)
    const metrics = withSlidingCounters(
      windows ? feed(baseMetrics, windows.figures, windows.sources) : baseMetrics,
      recent,
    )
    keep({ close: async () => metrics.stop() })
    const poolTimes = { waitMs: createOneMinute(), holdMs: createOneMinute() }
    observePool(database, { metrics, recent, poolTimes, log })
    logLogins(database, log)
    logWriteAccess(database, log)
    const { models, reads, reranker, states, pulse, lastFault } = keep(
      openGuards({ config, database, models: unguarded, metrics, log, recent }),
    )
    const redis = config.redis && keep(openSharedCache(config.redis, name, { metrics, recent, log }))
    const sideStore = createCollectionStore({ lease: reads.aside })
    const caches = openCaches({ config: config.cache, redis, metrics })
    const snapshots = createCollectionSnapshots((name, signal) => askedCollection(sideStore, models, name, signal), {
      onOtherHistory: otherHistory(caches, log),
    })
    database.watch(snapshots.invalidate)
    metrics.watchCaches(caches.sizes)
    const { admission, limiter } = admissionOf(config, metrics)
    const parts = { config, log, database, reads, reranker, bm25, snapshots, caches, models, metrics, admission }
    const { cachedAsk, semanticCache, search } = createAskPipeline(parts)
    if (semanticCache) keep(semanticCache)
    keep(cachedAsk)
    const preparing = keep(openPreparing(config.prepare, loss => logLoss(loss, log)))
    const indexMaintenance = keep(openIndexMaintenance({ database, store, log }))
    const onWritten = async (collection?: string) => {
      if (collection !== undefined) indexMaintenance.written(collection)
      snapshots.invalidate()
      // The embedded database has no replicas.
      if (database.kind === 'postgres') await waitUntilVisible()
    }
    const monitoring = windows && keep(openMonitoring(windows, { config, log, database, redis, store }))
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
      snapshots,
      semanticCache,
      cachedAsk,
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

function logLoss({ source, by, reason }: Parameters<OnLoss>[0], log: Logger): void {
  log.warn({ source, by, reason }, 'a document could not be prepared')
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

interface Observers {
  readonly metrics: Metrics
  readonly recent: RecentCounts
  readonly log: Logger
}

function openSharedCache(
  { url, prefix, timeoutMs }: NonNullable<Config['redis']>,
  database: string,
  { metrics, recent, log }: Observers,
): RedisServer {
  const redis = openRedis(url, {
    keyPrefix: keyPrefixOf(prefix, database),
    timeoutMs,
    log,
    onFailure: metrics.redisFailed,
    onSaved: seconds => metrics.saved('redis', seconds),
    onLost: () => recent.count('redis:lost'),
  })
  metrics.watchRedis(redis.isUsable)
  return redis
}

function observePool(
  database: Database,
  { metrics, recent, poolTimes, log }: Observers & Pick<Deps, 'poolTimes'>,
): void {
  const longMs = longWaitMs(database.status())
  database.observe({
    waited(seconds, wasQueued) {
      metrics.pool.waited(seconds)
      poolTimes.waitMs.record(seconds * 1000)
      if (wasQueued && seconds * 1000 >= longMs) recent.count('pool:waited')
    },
    held: (seconds, label) => (metrics.pool.held(seconds, label), poolTimes.holdMs.record(seconds * 1000)),
    failed: fault => (metrics.databaseFailed(fault), recent.count(`database:${fault}`)),
    overdue: (label, limitMs) =>
      log.error({ label, limitMs }, 'a database connection was held too long: its query was cancelled'),
  })
}

/** Logs rejected credentials, and a database replaced by a restore. */
function logLogins(database: Database, log: Logger): void {
  database.watchLogins(rejection => {
    if (rejection)
      log.error(
        { dependency: 'database', err: rejection },
        'Postgres rejected our credentials; check the user, password and database in DATABASE_URL, and the CONNECT privilege',
      )
    else log.info({ dependency: 'database' }, 'Postgres accepts our credentials again')
  })
  database.watchStale(err =>
    log.warn(
      { dependency: 'database', code: 'database-replaced', err },
      'the database was replaced under open connections, for example by a restore: all connections are reopened',
    ),
  )
}

/** Logs changes of write access, and at start only a database that accepts no writes. */
function logWriteAccess(database: Database, log: Logger): void {
  const logReadOnly = () =>
    log.warn(
      { dependency: 'database', code: 'database-read-only' },
      'Postgres accepts no writes (a standby, or read-only): questions are answered; to store documents, point DATABASE_URL at the primary',
    )
  if (database.isReadOnly()) logReadOnly()
  database.watchWrites(isWriter =>
    isWriter ? log.info({ dependency: 'database' }, 'Postgres accepts writes again') : logReadOnly(),
  )
}

/** Refuses to start on vectors of another model: comparing them would silently give nonsense. */
export async function checkModels(store: DocumentStore, model: string): Promise<void> {
  for (const collection of await store.collections()) {
    if (collection.model && collection.model.name !== model) throw modelMismatch(collection, model)
  }
}
