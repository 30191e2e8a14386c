import type { FastifyInstance } from 'fastify'
import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { createCacheAdmin } from './adapters/cache-admin.ts'
import { countLargeMetadata } from './adapters/postgres/store/large-metadata.ts'
import { codeOf, readOnlyDatabase } from './adapters/postgres/errors.ts'
import type { RedisServer } from './adapters/redis/redis.ts'
import { buildApp, buildMonitoringApp, type AppDeps } from './app.ts'
import { closeUnused } from './http/edge/accept-time.ts'
import { checkModels, openDeps, type Deps } from './deps.ts'
import { createReadinessLog } from './http/routes/health.ts'
import { documentApi } from './ingest/document-api.ts'
import { watchKeyFile, type KeySource } from './config/key-file.ts'
import { later } from './later.ts'
import { connectionsWithin, descriptorLimit } from './http/edge/connections.ts'
import { isLoopback } from './config/loopback.ts'
import { createLogger } from './log.ts'
import { createCollector } from './monitoring/findings/collect.ts'
import { watchConnections, type Connections } from './monitoring/findings/connections.ts'
import { beatMs, createMonitor, type Monitor } from './monitoring/findings/monitor.ts'
import { createRecentCounts, type RecentCounts } from './monitoring/figures/recent-counts.ts'
import { startTelemetry } from './tracing/start.ts'
import { version } from './version.ts'
import type { Monitoring } from './wiring/monitoring.ts'
import { knownHosts, rejectOpenAccess } from './config/access.ts'
import type { Config } from './config/terms.ts'

export interface RunningServer {
  /** URL the service listens on. */
  readonly address: string
  /** URL of monitoring, if it has its own port. */
  readonly monitoringAddress: string | null
  readonly deps: Deps
  /** Resolves when the server has stopped, after a signal or a call of `stop`. */
  readonly stopped: Promise<void>
  /** Reports unready → keeps accepting for DRAIN_DELAY_MS → finishes running requests → closes. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** Aborts startup: closes what was opened and rejects `startServer` with the reason. */
  readonly signal?: AbortSignal
  /** False for no rolling windows and no inspection of the database; for benchmarks only. */
  readonly isMonitored?: boolean
}

/** The parts of a starting or running server. */
interface ServerState {
  readonly config: Config
  readonly log: Logger
  readonly keySource: KeySource | undefined
  readonly recent: RecentCounts
  readonly stopTelemetry: () => Promise<void>
  app?: FastifyInstance
  monitoringApp?: FastifyInstance
  deps?: Deps
  /** Set once startup is complete. */
  services?: Services
  isDraining: boolean
}

/**
 * Starts the process: config → telemetry → app → listen → deps. It listens first, so that probes see it alive while it
 * waits for the database. Resolves when it is ready; rejects with an AskError that says what to do.
 */
export async function startServer(
  config: Config,
  log: Logger = createLogger(config),
  options: StartOptions = {},
): Promise<RunningServer> {
  rejectOpenAccess(config)
  options.signal?.throwIfAborted()
  const stopTelemetry = await startTelemetry(config.telemetry)
  const keySource = keySourceOf(config, log)
  for (const line of config.deprecations) log.warn(line)
  const state: ServerState = { config, log, keySource, recent: createRecentCounts(), stopTelemetry, isDraining: false }
  try {
    const { app, connections, address, monitoringAddress } = await openPorts(state)
    const deps = await openServices(state, options, connections)
    log.info(
      {
        address,
        database: deps.database.version,
        bm25: deps.bm25,
        embeddings: deps.models.embedder.model,
        chat: config.models.chat ?? 'extractive',
      },
      'ready',
    )
    const { promise: stopped, resolve, reject } = Promise.withResolvers<void>()
    let stopping: Promise<void> | undefined
    const stop = () =>
      (stopping ??= drain(state, app, deps)
        .then(resolve, reject)
        .then(() => stopped))
    return { address, monitoringAddress, deps, stopped, stop }
  } catch (error) {
    await closeOpened(state)
    throw error
  }
}

function keySourceOf({ keySources }: Config, log: Logger): KeySource | undefined {
  return keySources.file === undefined ? undefined : watchKeyFile({ ...keySources, file: keySources.file }, log)
}

async function openPorts(state: ServerState) {
  const { config, log } = state
  const parts = appDeps(state)
  const app = (state.app = await buildApp(parts))
  const connections = watchConnections(app.server)
  const address = await listen(app, config, 'PORT')
  logAccess(config, log)
  const monitoringAddress = config.monitoring
    ? await listen((state.monitoringApp = await buildMonitoringApp(parts)), config.monitoring, 'MONITORING_PORT')
    : null
  // Fastify handles errors until the port is open. Later errors mean that a connection could not be accepted.
  for (const each of [app, state.monitoringApp])
    each?.server.on('error', err =>
      log.error({ err }, 'could not accept a connection; check the limit of open files (ulimit -n)'),
    )
  log.info(
    { address, ...(monitoringAddress !== null && { monitoring: monitoringAddress }) },
    'listening; startup continues',
  )
  return { app, connections, address, monitoringAddress }
}

async function openServices(
  state: ServerState,
  { signal, ...options }: StartOptions,
  connections: Connections,
): Promise<Deps> {
  const { config, log, recent } = state
  const patienceMs = config.startTimeoutMs
  const deps = await openDeps(config, log, { ...options, patienceMs, recent, ...(signal && { signal }) })
  state.deps = deps
  await checkModels(deps.store, deps.models.embedder.model)
  signal?.throwIfAborted()
  state.services = servicesOf(config, deps, { log, connections, isDraining: () => state.isDraining })
  deps.metrics.watchService({ isOpen: () => !state.isDraining })
  return deps
}

/** Closes what a failed startup has opened. */
async function closeOpened({ keySource, app, monitoringApp, services, deps, stopTelemetry }: ServerState) {
  keySource?.close()
  if (app) await closeConnections(app)
  await monitoringApp?.close()
  services?.monitor.stop()
  await deps?.close()
  await stopTelemetry()
}

async function drain(state: ServerState, app: FastifyInstance, deps: Deps): Promise<void> {
  const { config, log, keySource, monitoringApp, services, stopTelemetry } = state
  state.isDraining = true
  log.info('shutting down: waiting for running requests')
  await delay(Math.max(config.drain.delayMs, minDrainDelayMs))
  const closed = closeConnections(app)
  const inTime = await Promise.race([closed.then(() => true), delay(config.drain.seconds * 1000).then(() => false)])
  if (!inTime) log.warn('requests still running after DRAIN_SECONDS: closing their connections')
  if (!inTime) app.server.closeAllConnections()
  await closed
  await monitoringApp?.close()
  services?.monitor.stop()
  keySource?.close()
  await deps.close()
  await stopTelemetry()
  log.info('stopped')
}

function appDeps(state: ServerState): AppDeps {
  const { config, log, keySource, recent } = state
  const at = () => state.services as Services
  return {
    logger: log,
    trustProxy: config.trustProxy,
    receiving: {
      ...config.receiving,
      maxConnections: connectionsFor(config, log),
      idleMs: config.ask.timeoutMs + 60_000,
      onBroken: code => state.services?.deps.metrics.unparsed(code),
    },
    keys: config.keys,
    keySource,
    isOpenToAll: config.allowAnonymous,
    knownHosts: knownHosts(config.host, config),
    monitoringHosts: config.monitoring && knownHosts(config.monitoring.host, config),
    allowedHosts: config.allowedHosts,
    corsOrigins: config.corsOrigins,
    ...questionDeps(config, at),
    documents: { documents: later(() => at().documents), maxBytes: maxDocumentBytes },
    cache: { cache: later(() => at().cache) },
    health: {
      isStarted: () => state.services !== undefined,
      isDraining: () => state.isDraining,
      pingDatabase: signal => at().deps.database.ping(signal),
      components: () => state.services && componentsOf(config, state.services.deps),
      breakers: () => state.services?.deps.states(),
      onReadiness: createReadinessLog(log),
    },
    loadShedding: { ...config.pressure, onRejected: by => recent.count(`pressure:${by}`) },
    rateLimit: {
      ...config.rateLimit,
      onRejected: () => recent.count('limited'),
      redis: config.redis && later(() => at().deps.redis as RedisServer),
    },
    registry: later(() => at().deps.metrics),
    // Nothing is counted during startup: every reply is `starting` then.
    counts: {
      responded: status => state.services?.deps.metrics.edge.responded(status),
      problem: code => state.services?.deps.metrics.edge.problem(code),
    },
    poolStatus: { status: () => at().monitor.look(), onRead: () => at().onMonitoringRead() },
    isMonitoredElsewhere: config.monitoring !== null,
    performance: {
      report: () => at().report(),
      onRejected: code => state.services?.deps.monitoring?.figures.failed(code),
    },
    about: { version, openapi: textOf('../openapi.yaml') },
  }
}

/** Plain functions, because they are on the path of every request: `later` costs ten times as much. */
function questionDeps(config: Config, at: () => Services): Pick<AppDeps, 'ask' | 'search'> {
  const metrics: AppDeps['ask']['metrics'] & AppDeps['search']['metrics'] = {
    answered: (answer, seconds, facts) => at().deps.metrics.answered(answer, seconds, facts),
    searched: (result, seconds, facts) => at().deps.metrics.searched(result, seconds, facts),
    failed: (code, facts) => at().deps.metrics.failed(code, facts),
    observe: question => at().deps.monitoring?.slow.note(question),
  }
  const common = { timeoutMs: config.ask.timeoutMs, logQuestions: config.log.questions, metrics }
  return {
    ask: {
      ask: (question, run) => at().deps.cachedAsk.ask(question, run),
      getCached: (question, directives) => at().deps.cachedAsk.getCached(question, directives),
      getShared: (question, directives) => at().deps.cachedAsk.getShared(question, directives),
      ...common,
    },
    search: {
      search: (question, run, retriever) => at().deps.admission.search(at().deps.search)(question, run, retriever),
      ...common,
    },
  }
}

/** Descriptors for files, models, Redis, monitoring, and connections that are being handed over. */
const otherDescriptors = 200
/** Descriptors per worker process: its pipes, and the files read to monitor it. */
const descriptorsOfWorker = 8

/** MAX_CONNECTIONS, or fewer if the limit of open files does not allow that many. */
function connectionsFor({ receiving, database, prepare }: Config, log: Logger): number {
  const reserved =
    otherDescriptors + database.poolSize + database.poolMaxOverflow + descriptorsOfWorker * prepare.workers
  const [limit, wanted] = [descriptorLimit(), receiving.maxConnections]
  const most = connectionsWithin(limit, wanted, reserved)
  if (most < wanted)
    log.info(
      { maxConnections: most, descriptors: limit },
      `MAX_CONNECTIONS is ${wanted}, but this process may open only ${limit} files: accepting ${most} connections at once; raise ulimit -n`,
    )
  return most
}

/** Logs consequences of the settings that an operator may not expect: trusted proxies, and access to monitoring. */
function logAccess({ trustProxy, host, monitoring, keys, allowAnonymous }: Config, log: Logger): void {
  if (trustProxy !== null)
    log.info(
      { trustProxy },
      'hops' in trustProxy
        ? `trusting X-Forwarded-For of ${trustProxy.hops === 1 ? 'one proxy' : `${trustProxy.hops} chained proxies`} (TRUST_PROXY), read from its end`
        : 'trusting X-Forwarded-For of proxies in these networks (TRUST_PROXY)',
    )
  const isReachable = !isLoopback(monitoring?.host ?? host)
  if (isReachable && !allowAnonymous && !keys.some(({ scopes }) => scopes.includes('monitoring')))
    log.info(
      'no monitoring key is set: monitoring is available to this machine only; set MONITORING_API_KEY to allow others',
    )
}

/** What the routes use, built from the opened parts. */
interface Services {
  readonly deps: Deps
  readonly documents: ReturnType<typeof documentApi>
  readonly cache: ReturnType<typeof createCacheAdmin>
  readonly monitor: Monitor
  /** Call when monitoring is read, so that the background inspection continues. */
  onMonitoringRead(): void
  report: AppDeps['performance']['report']
}

interface ServerContext {
  readonly log: Logger
  readonly connections: Connections
  readonly isDraining: () => boolean
}

function monitorOf(
  deps: Deps,
  { log, connections, isDraining }: ServerContext,
): Pick<Services, 'monitor' | 'onMonitoringRead' | 'report'> {
  const collector = createCollector({
    ...deps,
    countLargeMetadata: signal => deps.database.aside({ signal, label: 'inspect' }, countLargeMetadata),
    times: deps.poolTimes,
    connections,
    isDraining,
    beatMs,
  })
  const monitor = createMonitor({ collect: collector.collect, onBeat: collector.beat, log })
  deps.metrics.watchMonitor(monitor.look, connections.facts)
  const report = () => {
    const { service, findings } = monitor.look()
    collector.looked()
    return { verdict: service, findings, ...(deps.monitoring as Monitoring).report() }
  }
  return { monitor, onMonitoringRead: collector.looked, report }
}

function servicesOf(config: Config, deps: Deps, context: ServerContext): Services {
  const { models, metrics, onWritten } = deps
  return {
    deps,
    ...monitorOf(deps, context),
    documents: whileWritable(
      deps,
      documentApi({ store: deps.store, embedder: models.embedder, preparing: deps.preparing, onWritten }),
    ),
    cache: createCacheAdmin({
      ...deps,
      config: config.cache,
      registry: metrics.registry,
      model: models.embedder.model,
    }),
  }
}

/** Rejects writes to a read-only database before documents are parsed. */
function whileWritable({ database, metrics, recent }: Deps, documents: Services['documents']): Services['documents'] {
  const checked =
    <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) =>
    async (...args: Args) => {
      if (await database.mayWrite()) return await work(...args)
      metrics.databaseFailed('read_only')
      recent.count('database:read_only')
      throw readOnlyDatabase()
    }
  return { ...documents, put: checked(documents.put), remove: checked(documents.remove) }
}

function componentsOf(config: Config, { database, bm25, redis, models }: Deps): Record<string, string> {
  return {
    database: database.kind,
    writes: database.isReadOnly() ? 'database_read_only' : 'ok',
    bm25,
    redis: redis?.status() ?? 'off',
    chat: models.chat?.model ?? 'extractive',
    embeddings: models.embedder.model,
    rerank: config.rerank?.model ?? 'off',
  }
}

/**
 * How long replies carry `connection: close` before the first connection is closed. Without the header a client may
 * send its next request on a connection that is being closed, and may not retry it.
 */
const minDrainDelayMs = 200

/**
 * Node closes connections that are idle now, but keeps a connection with a reply in progress open for a next request
 * that will never be accepted. Without the repeated sweep, any keep-alive client could delay the exit indefinitely.
 */
async function closeConnections(app: FastifyInstance): Promise<void> {
  const sweep = setInterval(() => {
    app.server.closeIdleConnections()
    closeUnused(app)
  }, 50)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
  }
}

/**
 * Connections that may wait to be accepted (Linux allows at most `net.core.somaxconn`). With Node's default of 511, a
 * burst of new connections during a busy moment loses some, and their clients retry after 1, 3, 7 and 15 s.
 */
const backlog = 4096

/** Resolves with the address. If the port is taken, rejects with an error that names the setting to change. */
async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
  setting: string,
): Promise<string> {
  try {
    return await app.listen({ host, port, backlog })
  } catch (cause) {
    if (codeOf(cause) !== 'EADDRINUSE') throw cause
    throw new Error(`port ${port} is in use; set ${setting} to another port, or stop the process that uses it`, {
      cause,
    })
  }
}

const maxDocumentBytes = 16 * 1024 * 1024

function textOf(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

/** Does not keep the process alive: once everything else is closed there is nothing to wait for. */
function delay(ms: number): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, ms).unref())
}
