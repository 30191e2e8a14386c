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
import type { Events } from '../../events.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for a route that writes its own log line for each successful request. */
    readonly logsItself?: true
  }
}

/** Turns off Fastify's two log lines and two loggers per request, which cost more than a cached answer. */
export const requestLogOptions = {
  logController: new LogController({ disableRequestLogging: true }),
  childLoggerFactory: (logger: FastifyBaseLogger) => logger,
}

/** Why a request failed, for its log line. */
export interface FailureNote {
  readonly code: string
  /** The stage that failed. */
  readonly stage?: string
  /** Duration in milliseconds of each stage that ran. */
  readonly stages?: Readonly<Record<string, number>>
}

const failures = new WeakMap<FastifyRequest, FailureNote>()

/** Only the first note is kept: the route, which knows the stage, notes before the error handler does. */
export function noteFailure(request: FastifyRequest, note: FailureNote): void {
  if (!failures.has(request)) failures.set(request, note)
}

/** Logs one line per request, except for successful probes. */
export function registerRequestLog(app: FastifyInstance, events: Pick<Events, 'responseSent'>): void {
  app.addHook('onResponse', (request, reply, done) => {
    events.responseSent(reply.statusCode)
    const { config, logLevel } = request.routeOptions
    const isFine = reply.statusCode < 400
    if (!isFine || (!logsItself(config) && logLevel !== 'warn')) {
      const line = {
        ...namesOf(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        ...failures.get(request),
      }
      request.log[levelOf(reply.statusCode, line.code)](line, 'request completed')
    }
    done()
  })
}

/** Rejections under overload are counted in one line a second (log-events.ts). */
function levelOf(status: number, code: string | undefined): 'debug' | 'info' | 'warn' {
  if (code === 'overloaded') return 'debug'
  return status < 500 ? 'info' : 'warn'
}

/** Logs a request whose client disconnected, or was disconnected, before the reply was complete. */
export function logUnanswered(request: FastifyRequest, reply: FastifyReply): void {
  request.log.info({ ...namesOf(request), code: 'cancelled', ms: Math.round(reply.elapsedTime) }, 'not answered')
}

function namesOf(request: FastifyRequest) {
  const ids = request.log === request.server.log ? { reqId: request.id, ...namedKey(request) } : {}
  return { ...ids, method: request.method, url: shownPath(request.url) }
}

function logsItself(config: FastifyContextConfig): boolean {
  return config.logsItself === true
}
