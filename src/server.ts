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
import { watchKeyFile } from './config/key-file.ts'
import { later } from './later.ts'
import { connectionsWithin, descriptorLimit } from './http/edge/connections.ts'
import { isLoopback } from './config/loopback.ts'
import { createLogger } from './log.ts'
import { createCollector } from './monitoring/findings/collect.ts'
import { watchConnections, type Connections } from './monitoring/findings/connections.ts'
import { beatMs, createMonitor, type Monitor } from './monitoring/findings/monitor.ts'
import { createRecentCounts } from './monitoring/figures/recent-counts.ts'
import { startTelemetry } from './tracing/start.ts'
import { version } from './version.ts'
import type { Monitoring } from './wiring/monitoring.ts'
import { knownHosts, refuseStrangers } from './config/access.ts'
import type { Config } from './config/terms.ts'

export interface RunningServer {
  /** Where it listens, for people and for curl. */
  readonly address: string
  /** Of the monitoring, where it has a port of its own. */
  readonly monitoringAddress: string | null
  readonly deps: Deps
  /** Resolves when the server has stopped, after a signal or `stop`. */
  readonly stopped: Promise<void>
  /** Unready → accept a little longer if so set → finish what runs → close. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** Gives the start up: what was opened is closed, and `startServer` rejects with its reason. */
  readonly signal?: AbortSignal
  /** False: no figures over windows, no inspection of the database. For benches alone. */
  readonly isMonitored?: boolean
}

/**
 * The process: config → telemetry → app → listen → deps. It listens first, so that whoever watches it sees it alive
 * while it waits for the database. Resolves when it is ready; rejects with an AskError that says what to do.
 */
export async function startServer(
  config: Config,
  log: Logger = createLogger(config),
  { signal, ...options }: StartOptions = {},
): Promise<RunningServer> {
  refuseStrangers(config)
  signal?.throwIfAborted()
  const stopTelemetry = await startTelemetry(config.telemetry)
  const { keySources } = config
  const keySource =
    keySources.file === undefined ? undefined : watchKeyFile({ ...keySources, file: keySources.file }, log)
  for (const line of config.deprecations) log.warn(line)
  let isDraining = false
  let services: Services | undefined
  let opened: Deps | undefined
  let app: FastifyInstance | undefined
  let monitoringApp: FastifyInstance | undefined
  const recent = createRecentCounts()
  try {
    const parts = appDeps(() => services as Services)
    app = await buildApp(parts)
    const connections = watchConnections(app.server)
    const address = await listen(app, config, 'PORT')
    sayWhatIsOpen(config, log)
    if (config.monitoring) monitoringApp = await buildMonitoringApp(parts)
    const monitoringAddress =
      config.monitoring && monitoringApp ? await listen(monitoringApp, config.monitoring, 'MONITORING_PORT') : null
    // Fastify hears of errors until the port is open. Later ones are of connections that could not be accepted.
    for (const each of [app, monitoringApp])
      each?.server.on('error', err => log.error({ err }, 'a connection could not be accepted'))
    log.info(
      { address, ...(monitoringAddress !== null && { monitoring: monitoringAddress }) },
      'listening, and starting',
    )
    const deps = (opened = await openDeps(config, log, {
      ...options,
      patienceMs: config.startTimeoutMs,
      recent,
      ...(signal && { signal }),
    }))
    await checkModels(deps.store, deps.models.embedder.model)
    signal?.throwIfAborted()
    services = servicesOf(config, deps, { log, connections, isDraining: () => isDraining })
    deps.metrics.watchService({ isOpen: () => !isDraining })
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
      (stopping ??= drain(app as FastifyInstance, deps)
        .then(resolve, reject)
        .then(() => stopped))
    return { address, monitoringAddress, deps, stopped, stop }
  } catch (error) {
    keySource?.close()
    if (app) await closeConnections(app)
    await monitoringApp?.close()
    services?.monitor.stop()
    await opened?.close()
    await stopTelemetry()
    throw error
  }

  function appDeps(at: () => Services): AppDeps {
    // Plain functions where every request comes by: `later` costs ten times as much.
    const metrics: AppDeps['ask']['metrics'] & AppDeps['search']['metrics'] = {
      answered: (answer, seconds, of) => at().deps.metrics.answered(answer, seconds, of),
      searched: (found, seconds, of) => at().deps.metrics.searched(found, seconds, of),
      failed: (code, of) => at().deps.metrics.failed(code, of),
      heard: heard => at().deps.monitoring?.slow.note(heard),
    }
    const asking = { timeoutMs: config.ask.timeoutMs, logQuestions: config.log.questions, metrics }
    return {
      logger: log,
      trustProxy: config.trustProxy,
      receiving: {
        ...config.receiving,
        maxConnections: connectionsFor(config, log),
        silentMs: config.ask.timeoutMs + 60_000,
        onBroken: code => services?.deps.metrics.unparsed(code),
      },
      keys: config.keys,
      keySource,
      isOpenToAll: config.allowAnonymous,
      knownHosts: knownHosts(config.host, config),
      monitoringHosts: config.monitoring && knownHosts(config.monitoring.host, config),
      allowedHosts: config.allowedHosts,
      corsOrigins: config.corsOrigins,
      ask: {
        ask: (question, run) => at().deps.cachedAsk.ask(question, run),
        recall: (question, wishes) => at().deps.cachedAsk.getCached(question, wishes),
        reach: (question, wishes) => at().deps.cachedAsk.getShared(question, wishes),
        ...asking,
      },
      search: {
        search: (question, run, arm) => at().deps.admission.search(at().deps.search)(question, run, arm),
        ...asking,
      },
      documents: { documents: later(() => at().documents), maxBytes: maxDocumentBytes },
      cache: { cache: later(() => at().cache) },
      health: {
        isStarted: () => services !== undefined,
        isDraining: () => isDraining,
        pingDatabase: signal => at().deps.database.ping(signal),
        components: () => services && componentsOf(config, services.deps),
        breakers: () => services?.deps.states(),
        onReadiness: createReadinessLog(log),
      },
      pressure: { ...config.pressure, onRefused: by => recent.count(`pressure:${by}`) },
      rateLimit: {
        ...config.rateLimit,
        onRefused: () => recent.count('limited'),
        redis: config.redis && later(() => at().deps.redis as RedisServer),
      },
      registry: later(() => at().deps.metrics),
      // Before all is open nothing is counted: every reply is `starting` then.
      counts: {
        responded: status => services?.deps.metrics.edge.responded(status),
        problem: code => services?.deps.metrics.edge.problem(code),
      },
      poolStatus: { look: () => at().monitor.look(), looked: () => at().looked() },
      isMonitoredElsewhere: config.monitoring !== null,
      performance: {
        report: () => at().report(),
        refused: code => services?.deps.monitoring?.figures.failed(code),
      },
      about: { version, openapi: textOf('../openapi.yaml') },
      monitoringPage: textOf('./http/routes/monitoring.html'),
    }
  }

  async function drain(running: FastifyInstance, deps: Deps): Promise<void> {
    isDraining = true
    log.info('stopping: finishing what runs')
    await delay(Math.max(config.drain.delayMs, farewellMs))
    const closed = closeConnections(running)
    const inTime = await Promise.race([closed.then(() => true), delay(config.drain.seconds * 1000).then(() => false)])
    if (!inTime) log.warn('requests still ran when the time to drain was over: closing their connections')
    if (!inTime) running.server.closeAllConnections()
    await closed
    await monitoringApp?.close()
    services?.monitor.stop()
    keySource?.close()
    await deps.close()
    await stopTelemetry()
    log.info('stopped')
  }
}

/** For files, models, Redis, what looks at the processes, and moments in which a connection is taken over. */
const otherDescriptors = 200
/** Pipes and what is read of it. */
const descriptorsOfWorker = 8

/** MAX_CONNECTIONS, or fewer where the process may not have so many files open. */
function connectionsFor({ receiving, database, prepare }: Config, log: Logger): number {
  const reserved =
    otherDescriptors + database.poolSize + database.poolMaxOverflow + descriptorsOfWorker * prepare.workers
  const [limit, wanted] = [descriptorLimit(), receiving.maxConnections]
  const most = connectionsWithin(limit, wanted, reserved)
  if (most < wanted)
    log.info(
      { maxConnections: most, descriptors: limit },
      `MAX_CONNECTIONS is ${wanted}, but this process may have ${limit} files open (ulimit -n): ${most} connections are taken at once`,
    )
  return most
}

/** What an operator may not expect of the settings: whose word is believed, and who may look. */
function sayWhatIsOpen({ trustProxy, host, monitoring, keys, allowAnonymous }: Config, log: Logger): void {
  if (trustProxy !== null)
    log.info(
      { trustProxy },
      'hops' in trustProxy
        ? `X-Forwarded-For is believed of ${trustProxy.hops === 1 ? 'one proxy' : `${trustProxy.hops} proxies, one behind the other`} (TRUST_PROXY): it is read from its end`
        : 'X-Forwarded-For is believed of proxies in these networks (TRUST_PROXY)',
    )
  const isReached = !isLoopback(monitoring?.host ?? host)
  if (isReached && !allowAnonymous && !keys.some(({ scopes }) => scopes.includes('monitoring')))
    log.info('no key for monitoring is set: only this machine may look; set MONITORING_API_KEY for others')
}

/** What is made of the opened parts for the routes. */
interface Services {
  readonly deps: Deps
  readonly documents: ReturnType<typeof documentApi>
  readonly cache: ReturnType<typeof createCacheAdmin>
  readonly monitor: Monitor
  /** Somebody looks at the monitoring. */
  looked(): void
  report: AppDeps['performance']['report']
}

interface Around {
  readonly log: Logger
  readonly connections: Connections
  readonly isDraining: () => boolean
}

function monitorOf(
  deps: Deps,
  { log, connections, isDraining }: Around,
): Pick<Services, 'monitor' | 'looked' | 'report'> {
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
  return { monitor, looked: collector.looked, report }
}

function servicesOf(config: Config, deps: Deps, around: Around): Services {
  const { models, metrics, onWritten } = deps
  return {
    deps,
    ...monitorOf(deps, around),
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

/** A document that cannot be stored need not be read first. */
function whileWritable({ database, metrics, recent }: Deps, documents: Services['documents']): Services['documents'] {
  const checked =
    <Given extends unknown[], T>(work: (...given: Given) => Promise<T>) =>
    async (...given: Given) => {
      if (await database.mayWrite()) return await work(...given)
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
 * So long every reply says `connection: close` before the first connection is closed: a client that sends its next
 * request on one that it was not told of would see it fail, and may not send it again.
 */
const farewellMs = 200

/**
 * Node closes the connections that are idle now, but keeps one whose answer is still on its way for another request
 * that will never be taken: every keep-alive client would hold the exit up for as long as it likes.
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
 * Connections that may wait to be accepted (Linux takes no more than `net.core.somaxconn`). With Node's 511 a rush of
 * new ones while the process is busy for a moment loses some, and whose was lost tries again after 1, 3, 7, 15 s.
 */
const backlog = 4096

/** Resolves with the address. Rejects with which setting to change when the port is taken. */
async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
  setting: string,
): Promise<string> {
  try {
    return await app.listen({ host, port, backlog })
  } catch (cause) {
    if (codeOf(cause) !== 'EADDRINUSE') throw cause
    throw new Error(`port ${port} is in use: set ${setting}, or stop what uses it`, { cause })
  }
}

const maxDocumentBytes = 16 * 1024 * 1024

function textOf(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

/** Not holding the process open: when everything else is closed there is nothing to wait for. */
function delay(ms: number): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, ms).unref())
}
