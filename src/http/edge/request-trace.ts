import {
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AskError, isAskError } from '../../errors.ts'
import { drawn, isLeftOut } from '../../tracing/head-sampling.ts'
import { named } from '../../tracing/names.ts'
import { markFailed } from '../../tracing/span.ts'
import { traceIdOf } from '../../tracing/trace-id.ts'

export interface RequestTrace {
  /** Ids for the request's log lines; empty when the request is not traced. */
  readonly ids: { readonly trace_id?: string; readonly span_id?: string }
  /** Id of the trace if it is exported. */
  readonly traceId?: string | undefined
  /** Adds attributes to the span of an answered request; never the question or a model's text. */
  note(attributes: Attributes): void
  end(): void
}

export interface FollowedTrace extends RequestTrace {
  /**
   * Yields the same items. Each step of the generator runs inside the request's span, so the stages' spans become its
   * children no matter what reads them: the handler or later the socket. The span ends when the generator does.
   */
  follow<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined>
  /** Runs work with a single result inside the request's span. */
  within<Result>(work: () => Promise<Result>): Promise<Result>
}

/** Omits the ids of a span that is neither exported nor part of the caller's trace: they would lead nowhere. */
function idsOf(span: Span, isCallers: boolean): RequestTrace['ids'] {
  if (!span.isRecording() && !isCallers) return {}
  const spanContext = span.spanContext()
  return isSpanContextValid(spanContext) ? { trace_id: spanContext.traceId, span_id: spanContext.spanId } : {}
}

/** Traces a request that has no child spans. Most such requests are not sampled. */
export function startBriefTrace(request: FastifyRequest, reply: FastifyReply): RequestTrace {
  const root = sampleTrace(request)
  return root === 'unsampled' ? untraced : startTrace(request, reply, root)
}

/** Decides on sampling and returns the root context of the trace, or `unsampled`. */
export function sampleTrace(request: FastifyRequest): Context | 'unsampled' {
  if (isTracedByCaller(request)) return ROOT_CONTEXT
  return isLeftOut() ? 'unsampled' : drawn(ROOT_CONTEXT)
}

export const untraced: RequestTrace = { ids: {}, note() {}, end() {} }

/** Root context for a request that was not sampled but needs a run. */
export function unsampledRoot(): Context {
  return drawn(ROOT_CONTEXT, false)
}

function isTracedByCaller({ headers }: FastifyRequest): boolean {
  return headers['traceparent'] !== undefined
}

/** A proxy may send any text as the protocol. */
function schemeOf({ protocol }: FastifyRequest): 'http' | 'https' {
  return protocol === 'https' ? 'https' : 'http'
}

/** Starts the root span of a request; its parent is the caller's span if `traceparent` names one. */
export function startTrace(request: FastifyRequest, reply: FastifyReply, root: Context = ROOT_CONTEXT): FollowedTrace {
  const parent = isTracedByCaller(request) ? propagation.extract(ROOT_CONTEXT, request.headers) : root
  const route = request.routeOptions.url ?? 'unknown'
  const startTime = Date.now() - reply.elapsedTime
  const span = trace
    .getTracer('askwell')
    .startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, startTime }, parent)
  if (span.isRecording())
    span.setAttributes({
      [named.method]: request.method,
      [named.route]: route,
      [named.path]: route,
      [named.scheme]: schemeOf(request),
      'askwell.request_id': request.id,
    })

  let [isAnswered, isOver] = [false, false]

  async function* follow<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined> {
    const active = trace.setSpan(parent, span)
    try {
      for (;;) {
        const next = await context.with(active, () => items.next())
        if (next.done) return end(200)
        yield next.value
      }
    } catch (error) {
      fail(error)
      throw error
    } finally {
      await context.with(active, () => items.return(undefined))
      // A reader with the answer stops reading. Without an answer, a stream's reader disconnected between two events.
      if (!isOver && isAnswered) end(200)
      if (!isOver) fail(new AskError('cancelled'))
    }
  }

  async function within<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      const result = await context.with(trace.setSpan(parent, span), work)
      end(200)
      return result
    } catch (error) {
      fail(error)
      throw error
    }
  }

  function end(status?: number): void {
    isOver = true
    if (status !== undefined) span.setAttribute(named.status, status)
    span.end(startTime + reply.elapsedTime)
  }

  /** A stream has already sent status 200; a disconnected client gets no status. */
  function fail(error: unknown): void {
    const failure = isAskError(error) ? error : new AskError('internal')
    markFailed(span, failure)
    end(failure.code === 'cancelled' ? undefined : reply.raw.headersSent ? reply.statusCode : failure.status)
  }

  return {
    ids: idsOf(span, parent !== root && parent !== ROOT_CONTEXT),
    traceId: traceIdOf(span),
    note(attributes) {
      isAnswered = true
      if (span.isRecording()) span.setAttributes(attributes)
    },
    end: () => end(200),
    follow,
    within,
  }
}
