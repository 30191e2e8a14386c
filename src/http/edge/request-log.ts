import {
  LogController,
  type FastifyBaseLogger,
  type FastifyContextConfig,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { namedKey } from './auth.ts'
import { shownPath } from './shown-path.ts'

/** Said at a route that writes a line of its own for each request that went well. */
declare module 'fastify' {
  interface FastifyContextConfig {
    readonly tellsItself?: true
  }
}

/** Not Fastify's two lines and two loggers a request: they cost more than a cached answer. */
export const requestLogOptions = {
  logController: new LogController({ disableRequestLogging: true }),
  childLoggerFactory: (logger: FastifyBaseLogger) => logger,
}

/** Of every reply, whichever route gave it. */
export interface ReplyCounts {
  responded(status: number): void
}

/** Why a request failed, for its line. */
export interface FailureNote {
  readonly code: string
  /** The stage that failed. */
  readonly stage?: string
  /** Milliseconds of each stage, as far as it got. */
  readonly stages?: Readonly<Record<string, number>>
}

const failures = new WeakMap<FastifyRequest, FailureNote>()

/** The first one counts: who knows the stage speaks before who makes the reply. */
export function noteFailure(request: FastifyRequest, note: FailureNote): void {
  if (!failures.has(request)) failures.set(request, note)
}

/** One line a request, but for probes that are answered well: those are quiet. */
export function registerRequestLog(app: FastifyInstance, counts: ReplyCounts): void {
  app.addHook('onResponse', (request, reply, done) => {
    counts.responded(reply.statusCode)
    const { config, logLevel } = request.routeOptions
    const isFine = reply.statusCode < 400
    if (!isFine || (!isTold(config) && logLevel !== 'warn')) {
      const line = {
        ...namesOf(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        ...failures.get(request),
      }
      request.log[reply.statusCode < 500 ? 'info' : 'warn'](line, 'request completed')
    }
    done()
  })
}

/** The line of a request whose client left before the reply, or was cut off: such a reply is never complete. */
export function logUnanswered(request: FastifyRequest, reply: FastifyReply): void {
  request.log.info({ ...namesOf(request), code: 'cancelled', ms: Math.round(reply.elapsedTime) }, 'not answered')
}

function namesOf(request: FastifyRequest) {
  const ids = request.log === request.server.log ? { reqId: request.id, ...namedKey(request) } : {}
  return { ...ids, method: request.method, url: shownPath(request.url) }
}

function isTold(config: FastifyContextConfig): boolean {
  return config.tellsItself === true
}
