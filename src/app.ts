import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { knownHosts } from './config/access.ts'
import type { Config } from './config/terms.ts'
import type { Deps } from './deps.ts'
import { AskError } from './errors.ts'
import { silent, type Events } from './events.ts'
import { hostCheck, registerAllowedHosts } from './http/edge/allowed-hosts.ts'
import { registerAuth, registerLocks, type Keyring } from './http/edge/auth.ts'
import { registerBodyParser } from './http/edge/body-parser.ts'
import { clientAddress, proxiesOf } from './http/edge/client-address.ts'
import { registerCors } from './http/edge/cors.ts'
import { registerLoadShedding } from './http/edge/load-shedding.ts'
import { malformedOptions, registerOneHost } from './http/edge/malformed.ts'
import { registerNotFound } from './http/edge/not-found.ts'
import { registerRateLimit } from './http/edge/rate-limit.ts'
import { registerEarlyRejections } from './http/edge/refusals.ts'
import { requestId } from './http/edge/request-id.ts'
import { registerRequestLog, requestLogOptions } from './http/edge/request-log.ts'
import { securityHeaders } from './http/edge/security-headers.ts'
import { registerProblems } from './http/replies/problems.ts'
import { registerAbout } from './http/routes/about.ts'
import { createAsking, type Asking } from './http/asking.ts'
import { registerAsk } from './http/routes/ask.ts'
import { registerCache } from './http/routes/cache.ts'
import { registerDocuments } from './http/routes/documents.ts'
import { isProbe, registerHealth, registerStartingHealth } from './http/routes/health.ts'
import { registerMonitoring } from './http/routes/monitoring.ts'
import { registerMonitoringPage } from './http/routes/monitoring-page.ts'
import { registerSearch } from './http/routes/search.ts'
import { version } from './version.ts'
import type { Service } from './wiring/service.ts'

/** What exists before anything is opened. */
export interface EdgeParts {
  readonly config: Config
  readonly log: FastifyBaseLogger
  readonly keyring: Keyring
  readonly isDraining: () => boolean
  /** The content of openapi.yaml. */
  readonly openapi: string
}

/** Everything that routes can use. */
export interface AppParts extends EdgeParts, Deps, Service {}

/** The setting of a port. */
export type Port = 'PORT' | 'MONITORING_PORT'

/** Serves PORT. Reads no environment and does no I/O: everything comes from `parts`. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { config, keyring } = parts
  const { emit } = parts.events
  const headers = await securityHeaders()
  const app = emptyApp(parts, headers.data, emit)
  registerNotFound(app)
  registerEarlyRejections(app, emit.questionRejected)
  await registerCors(app, config.corsOrigins)
  registerLoadShedding(app, { ...config.pressure, onRejected: emit.requestShed })
  registerAuth(app, keyring)
  app.decorate('addressOf', clientAddress(proxiesOf(config.trustProxy)))
  registerRateLimit(app, {
    limits: config.rateLimit,
    patience: config.admission,
    redis: parts.redis,
    countWithWorkers: parts.workers.count,
    keyring,
    addressOf: app.addressOf,
    events: emit,
  })
  registerAccess(app, parts, 'PORT')
  registerHealth(app, parts)
  registerAbout(app, { version, openapi: parts.openapi, pageHeaders: headers.page })
  const asking = askingOf(parts)
  registerAsk(app, asking)
  registerSearch(app, asking)
  registerDocuments(app, parts)
  registerCache(app, parts)
  if (config.monitoring === null) registerMonitoring(app, parts, headers.page)
  return app
}

/** Serves MONITORING_PORT: monitoring and the probes. */
export async function buildMonitoringApp(parts: AppParts): Promise<FastifyInstance> {
  const headers = await securityHeaders()
  const app = emptyApp(parts, headers.data, parts.events.emit)
  registerNotFound(app)
  registerAuth(app, parts.keyring)
  registerAccess(app, parts, 'MONITORING_PORT')
  registerHealth(app, parts)
  registerMonitoring(app, parts, headers.page)
  return app
}

/**
 * Serves a port until the other parts are open: the probes, the monitoring page, which reports this state, and
 * `starting` for everything else.
 */
export async function buildStartingApp(parts: EdgeParts, port: Port): Promise<FastifyInstance> {
  const { config, keyring } = parts
  const headers = await securityHeaders()
  // Nothing is counted during startup: the metrics exist only with the other parts.
  const app = emptyApp(parts, headers.data, silent)
  const hosts = hostsOf(config, port)
  const checkHost = hosts && hostCheck(hosts, keyring.isLocked)(port === 'PORT' ? 'ask' : 'monitoring')
  app.addHook('onRequest', (request, reply, done) =>
    checkHost === null || isProbe(request) ? done() : checkHost(request, reply, done),
  )
  app.addHook('onRequest', (request, _, done) =>
    done(isProbe(request) ? undefined : new AskError('starting', { retryAfter: 1 })),
  )
  registerStartingHealth(app)
  if (port === 'MONITORING_PORT' || config.monitoring === null) registerMonitoringPage(app, headers.page)
  return app
}

/** Limit for question bodies; document uploads have a larger one. */
const maxBodyBytes = 256 * 1024

/** An app with what applies to all its routes; register them afterwards. */
function emptyApp(
  { config, log, isDraining }: EdgeParts,
  headers: Record<string, string>,
  events: Events,
): FastifyInstance {
  const app = Fastify({
    loggerInstance: log,
    ...requestLogOptions,
    ...malformedOptions,
    trustProxy: config.trustProxy !== null && proxiesOf(config.trustProxy),
    bodyLimit: maxBodyBytes,
    genReqId: requestId,
    ajv: { customOptions: { allErrors: true, coerceTypes: false, removeAdditional: false } },
  })
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers).header('x-request-id', request.id)
    if (isDraining()) reply.header('connection', 'close')
    done()
  })
  // Also for requests that were already running, so that their clients send the next one to another server.
  app.addHook('onSend', (_, reply, payload, done) => {
    if (isDraining()) reply.header('connection', 'close')
    done(null, payload)
  })
  registerProblems(app, events)
  registerOneHost(app)
  registerBodyParser(app)
  registerRequestLog(app, events)
  return app
}

/** Locks the routes that are registered afterwards, and checks the Host header where no key is needed. */
function registerAccess(app: FastifyInstance, { config, keyring }: EdgeParts, port: Port): void {
  registerLocks(app, keyring, config.allowAnonymous, config.allowedHosts)
  const hosts = hostsOf(config, port)
  if (hosts) registerAllowedHosts(app, hosts, keyring.isLocked)
}

function hostsOf(config: Config, port: Port): readonly string[] | null {
  const { host } = (port === 'MONITORING_PORT' && config.monitoring) || config
  return knownHosts(host, config)
}

function askingOf({ config, cachedAsk, admission, search, events }: AppParts): Asking {
  return createAsking({
    ...cachedAsk,
    search: admission.search(search),
    events: events.emit,
    timeoutMs: config.ask.timeoutMs,
    logQuestions: config.log.questions,
  })
}
