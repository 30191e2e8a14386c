import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { named } from '../../tracing/names.ts'
import type { AskForm, Connection } from '../asking/form.ts'
import { elapsedMs } from './accept-time.ts'
import { readCacheDirectives } from './cache-control.ts'
import { disconnectSignal } from './hangup.ts'
import { priorityOf } from './priority.ts'
import { noteFailure } from './request-log.ts'

interface HttpForm extends AskForm {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

interface QuestionBody {
  readonly timeout_ms?: number
  readonly include?: readonly string[]
}

type QuestionRequest = FastifyRequest<{ Body: QuestionBody }>

/**
 * Builds the form of a question from its HTTP request. Call it once per request, because `elapsedMs` allows one call.
 * Throws if the body includes `explain` and the caller may not have an explanation.
 */
export function askForm(request: QuestionRequest, reply: FastifyReply, isStreamed = false): AskForm {
  const form: HttpForm = {
    request: request as FastifyRequest,
    reply,
    id: request.id,
    apiKey: request.apiKey,
    cacheDirectives: readCacheDirectives(request.headers['cache-control']),
    priority: priorityOf(request.headers['x-priority'], request.apiKey),
    timeoutMs: request.body.timeout_ms,
    isStreamed,
    isExplained: wantsExplanation(request),
    startedAt: performance.now() - elapsedMs(request, reply),
    log: request.log,
    traceHeaders: request.headers,
    connect,
  }
  return form
}

function wantsExplanation(request: QuestionRequest): boolean {
  if (request.body.include?.includes('explain') !== true) return false
  request.server.requireScope('explain', request as FastifyRequest)
  return true
}

/** Uses `this`, because a closure per request would add to the time of every cached answer. */
function connect(this: HttpForm): Connection {
  const { request, reply } = this
  const route = request.routeOptions.url ?? 'unknown'
  return {
    spanName: `${request.method} ${route}`,
    spanAttributes: () => ({
      [named.method]: request.method,
      [named.route]: route,
      [named.path]: route,
      [named.scheme]: schemeOf(request),
    }),
    // As for the rate limit: a whole /64 of IPv6 belongs to one client, which must not get a turn for each address of it.
    address: () => normalizeIP(request.server.addressOf(request)),
    hasLeft: () => reply.raw.closed,
    signal: () => disconnectSignal(request, reply),
    // Fastify logs the end or failure of a request through the reply.
    logWith: ids => (request.log = reply.log = request.log.child(ids)),
    noteFailure: note => noteFailure(request, note),
  }
}

/** A proxy may send any text as the protocol. */
function schemeOf({ protocol }: FastifyRequest): 'http' | 'https' {
  return protocol === 'https' ? 'https' : 'http'
}
