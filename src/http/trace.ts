import { context, isSpanContextValid, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Attributes, type Context, type Span } from '@opentelemetry/api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isAskError } from '../errors.ts'
import { drawn, isLeftOut } from '../sampling.ts'
import { traceIdOf } from '../traced.ts'

export interface RequestTrace {
  /** For the request's log lines; empty when nothing is traced. */
  readonly ids: { readonly trace_id?: string; readonly span_id?: string }
  /** Of a trace that somebody will see. */
  readonly traceId?: string | undefined
  /** Added to the span; never the question or a model's words. */
  note(attributes: Attributes): void
  end(): void
}

export interface FollowedTrace extends RequestTrace {
  /**
   * The same items. Each step of the generator runs inside the request's span, so that the stages' spans become
   * its children whoever pulls: the handler, or later the socket. The span ends when the generator does.
   */
  follow<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined>
  /** The same for work that gives one thing. */
  within<Result>(work: () => Promise<Result>): Promise<Result>
}

/** Of a span that nobody will see, and that is no part of the caller's trace, the ids say nothing. */
function idsOf(span: Span, parent: Context): RequestTrace['ids'] {
  if (!span.isRecording() && parent === ROOT_CONTEXT) return {}
  const spanContext = span.spanContext()
  return isSpanContextValid(spanContext) ? { trace_id: spanContext.traceId, span_id: spanContext.spanId } : {}
}

/** For a request that is one step, without spans below its own: of most such requests there is nothing to trace. */
export function startBriefTrace(request: FastifyRequest, reply: FastifyReply): RequestTrace {
  if (isTracedByCaller(request)) return startTrace(request, reply)
  return isLeftOut() ? untraced : startTrace(request, reply, drawn(ROOT_CONTEXT))
}

const untraced: RequestTrace = { ids: {}, note() {}, end() {} }

function isTracedByCaller({ headers }: FastifyRequest): boolean {
  return headers['traceparent'] !== undefined
}

/** The root span of one request; its parent is the caller's, when `traceparent` names one. */
export function startTrace(request: FastifyRequest, reply: FastifyReply, root: Context = ROOT_CONTEXT): FollowedTrace {
  const parent = isTracedByCaller(request) ? propagation.extract(ROOT_CONTEXT, request.headers) : root
  const route = request.routeOptions.url ?? 'unknown'
  const span = trace.getTracer('askwell').startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, startTime: Date.now() - reply.elapsedTime }, parent)
  if (span.isRecording()) span.setAttributes({ 'http.request.method': request.method, 'http.route': route, 'askwell.request_id': request.id })

  async function* follow<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined> {
    const active = trace.setSpan(parent, span)
    try {
      for (;;) {
        const next = await context.with(active, () => items.next())
        if (next.done) return
        yield next.value
      }
    } catch (error) {
      markFailed(error)
      throw error
    } finally {
      await context.with(active, () => items.return(undefined))
      span.end()
    }
  }

  async function within<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await context.with(trace.setSpan(parent, span), work)
    } catch (error) {
      markFailed(error)
      throw error
    } finally {
      span.end()
    }
  }

  function markFailed(error: unknown): void {
    const type = isAskError(error) ? error.code : 'internal'
    span.setAttribute('error.type', type)
    // What the caller did wrong, or that it left, is no failure of ours.
    if (!isAskError(error) || error.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: type })
  }

  return {
    ids: idsOf(span, parent),
    traceId: traceIdOf(span),
    note: attributes => void (span.isRecording() && span.setAttributes(attributes)),
    end: () => span.end(),
    follow,
    within,
  }
}
