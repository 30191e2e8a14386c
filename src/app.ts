import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { AskError } from './errors.ts'
import { registerAcceptTime } from './http/edge/accept-time.ts'
import type { ApiKey } from './config/api-keys.ts'
import { registerAbout, type AboutOptions } from './http/routes/about.ts'
import { registerAsk, type AskRouteOptions } from './http/routes/ask.ts'
import { registerBodyParser } from './http/edge/body-parser.ts'
import { clientAddress, proxiesOf } from './http/edge/client-address.ts'
import { registerCache, type CacheRouteOptions } from './http/routes/cache.ts'
import { registerCors } from './http/edge/cors.ts'
import { registerDocuments, type DocumentRouteOptions } from './http/routes/documents.ts'
import { isProbe, registerHealth, type Health } from './http/routes/health.ts'
import { registerAllowedHosts } from './http/edge/allowed-hosts.ts'
import { createKeyring, registerAuth, registerLocks } from './http/edge/auth.ts'
import { registerRequestLog, requestLogOptions, type ReplyCounts } from './http/edge/request-log.ts'
import { registerMonitoring } from './http/routes/monitoring.ts'
import type { PoolStatusOptions } from './http/routes/pool-status.ts'
import type { PerformanceRouteOptions } from './http/routes/performance-metrics.ts'
import { registerLoadShedding, type LoadSheddingOptions } from './http/edge/load-shedding.ts'
import { registerProblems, type ProblemCounts } from './http/replies/problems.ts'
import { registerRateLimit, type RateLimitOptions } from './http/edge/rate-limit.ts'
import { registerEarlyRejections } from './http/edge/refusals.ts'
import type { KeySource } from './config/key-file.ts'
import { requestId } from './http/edge/request-id.ts'
import type { Scrapable } from './http/routes/metrics.ts'
import type { ProxyTrust } from './config/kinds.ts'
import { registerSearch, type SearchRouteOptions } from './http/routes/search.ts'
import { securityHeaders } from './http/edge/security-headers.ts'
import { receivingOptions, registerMalformed, type ReceivingLimits } from './http/edge/malformed.ts'

export interface AppDeps {
  readonly logger: FastifyBaseLogger
  /** Null when no X-Forwarded-… header is trusted. */
  readonly trustProxy: ProxyTrust | null
  readonly receiving: ReceivingLimits
  /** API keys; if there are none, everyone may ask. */
  readonly keys: readonly ApiKey[]
  /** Reports keys that change while the service runs. */
  readonly keySource?: Pick<KeySource, 'watch'> | undefined
  /** ALLOW_ANONYMOUS: something else restricts access. */
  readonly isOpenToAll?: boolean
  /** Host names that are accepted where no key is needed; null for any. */
  readonly knownHosts?: readonly string[] | null
  /** `knownHosts` for the monitoring port. */
  readonly monitoringHosts?: readonly string[] | null
  readonly allowedHosts?: readonly string[] | undefined
  readonly corsOrigins: readonly string[] | null
  readonly ask: AskRouteOptions
  readonly search: SearchRouteOptions
  readonly documents: DocumentRouteOptions
  readonly cache: CacheRouteOptions
  readonly health: Health
  readonly loadShedding: LoadSheddingOptions
  readonly rateLimit: RateLimitOptions
  readonly registry: Scrapable
  readonly counts: ProblemCounts & ReplyCounts
  readonly poolStatus: PoolStatusOptions
  /** True if monitoring has its own port ({@link buildMonitoringApp}) and is not served here. */
  readonly isMonitoredElsewhere?: boolean
  readonly performance: PerformanceRouteOptions & {
    /** Called for each question that was rejected before its route ran, with the code. */
    readonly onRejected: (code: string) => void
  }
  readonly about: Omit<AboutOptions, 'pageHeaders'>
}

/** Limit for question bodies; document uploads have a larger one. */
const maxBodyBytes = 256 * 1024

/** Registers everything the service serves. Reads no environment and does no I/O: everything comes from `deps`. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = emptyApp(deps)
  const headers = await securityHeaders()
  registerEdge(app, deps, headers.data)
  registerEarlyRejections(app, deps.performance.onRejected)
  await registerCors(app, deps.corsOrigins)
  registerLoadShedding(app, deps.loadShedding)
  const keyring = createKeyring(deps.keys, deps.keySource)
  registerAuth(app, keyring)
  registerRateLimit(app, deps.rateLimit, clientAddress(proxiesOf(deps.trustProxy)), keyring.mayLimit)
  registerLocks(app, keyring, deps.isOpenToAll ?? false, deps.allowedHosts)
  if (deps.knownHosts) registerAllowedHosts(app, deps.knownHosts, keyring.isLocked)
  registerHealth(app, deps.health)
  registerAbout(app, { ...deps.about, pageHeaders: headers.page })
  registerAsk(app, deps.ask)
  registerSearch(app, deps.search)
  registerDocuments(app, deps.documents)
  registerCache(app, deps.cache)
  if (deps.isMonitoredElsewhere !== true) registerMonitoring(app, deps, headers.page)
  return app
}

/** Serves monitoring and the probes on the monitoring port. */
export async function buildMonitoringApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = emptyApp(deps)
  const headers = await securityHeaders()
  registerEdge(app, deps, headers.data)
  const keyring = createKeyring(deps.keys, deps.keySource)
  registerAuth(app, keyring)
  registerLocks(app, keyring, deps.isOpenToAll ?? false, deps.allowedHosts)
  if (deps.monitoringHosts) registerAllowedHosts(app, deps.monitoringHosts, keyring.isLocked)
  registerHealth(app, deps.health)
  registerMonitoring(app, deps, headers.page)
  return app
}

function emptyApp(deps: AppDeps): FastifyInstance {
  return Fastify({
    loggerInstance: deps.logger,
    ...requestLogOptions,
    trustProxy: deps.trustProxy !== null && proxiesOf(deps.trustProxy),
    bodyLimit: maxBodyBytes,
    genReqId: requestId,
    forceCloseConnections: 'idle',
    ...receivingOptions(deps.receiving),
    ajv: { customOptions: { allErrors: true, coerceTypes: false, removeAdditional: false } },
  })
}

/** Registers what applies to all routes; call it before registering them. */
function registerEdge(app: FastifyInstance, deps: AppDeps, headers: Record<string, string>): void {
  registerAcceptTime(app)
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers).header('x-request-id', request.id)
    if (deps.health.isDraining()) reply.header('connection', 'close')
    done(deps.health.isStarted() || isProbe(request) ? undefined : new AskError('starting', { retryAfter: 1 }))
  })
  // Also for requests that were already running, so that their clients send the next one to another server.
  app.addHook('onSend', (_, reply, payload, done) => {
    if (deps.health.isDraining()) reply.header('connection', 'close')
    done(null, payload)
  })
  registerProblems(app, deps.counts)
  registerMalformed(app, deps.receiving)
  registerBodyParser(app)
  registerRequestLog(app, deps.counts)
}
