import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { registerAbout, type AboutOptions } from './http/about.ts'
import { registerAsk, type AskRouteOptions } from './http/ask.ts'
import { registerBodyParser } from './http/body.ts'
import { registerCache, type CacheRouteOptions } from './http/cache.ts'
import { registerDocuments, type DocumentRouteOptions } from './http/documents.ts'
import { registerHealth, type Health } from './http/health.ts'
import { registerRequestLog, requestLogOptions } from './http/request-log.ts'
import { registerPressure, type PressureOptions } from './http/pressure.ts'
import { registerProblems } from './http/problems.ts'
import { registerRateLimit, type RateLimitOptions } from './http/rate-limit.ts'
import { requestId } from './http/request-id.ts'
import { registerScrape, type Scrapable } from './http/scrape.ts'
import { registerSearch, type SearchRouteOptions } from './http/search.ts'
import { registerUnparsed, unparsedOptions } from './http/unparsed.ts'

export interface AppDeps {
  readonly logger: FastifyBaseLogger
  readonly trustProxy: boolean
  readonly ask: AskRouteOptions
  readonly search: SearchRouteOptions
  readonly documents: DocumentRouteOptions
  readonly cache: CacheRouteOptions
  readonly health: Health
  readonly pressure: PressureOptions
  readonly rateLimit: RateLimitOptions
  readonly registry: Scrapable
  readonly about: AboutOptions
}

/** Bodies of questions; documents have a larger bound of their own. */
const maxBodyBytes = 256 * 1024

/** The list of what is served. No environment, no I/O: everything is handed over. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.logger,
    ...requestLogOptions,
    trustProxy: deps.trustProxy,
    bodyLimit: maxBodyBytes,
    genReqId: requestId,
    forceCloseConnections: 'idle',
    ...unparsedOptions,
    ajv: { customOptions: { allErrors: true, coerceTypes: false, removeAdditional: false } },
  })
  registerProblems(app)
  registerUnparsed(app)
  registerBodyParser(app)
  registerRequestLog(app)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  await registerPressure(app, deps.pressure)
  await registerRateLimit(app, deps.rateLimit)
  registerHealth(app, deps.health)
  registerAbout(app, deps.about)
  registerAsk(app, deps.ask)
  registerSearch(app, deps.search)
  registerDocuments(app, deps.documents)
  registerCache(app, deps.cache)
  registerScrape(app, deps.registry)
  return app
}
