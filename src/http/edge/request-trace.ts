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
  /** For the request's log lines; empty when nothing is traced. */
  readonly ids: { readonly trace_id?: string; readonly span_id?: string }
  /** Of a trace that somebody will see. */
  readonly traceId?: string | undefined
  /** Added to the span of a request that is answered; never the question or a model's words. */
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
function idsOf(span: Span, isCallers: boolean): RequestTrace['ids'] {
  if (!span.isRecording() && !isCallers) return {}
  const spanContext = span.spanContext()
  return isSpanContextValid(spanContext) ? { trace_id: spanContext.traceId, span_id: spanContext.spanId } : {}
}

/** For a request that is one step, without spans below its own: of most such requests there is nothing to trace. */
export function startBriefTrace(request: FastifyRequest, reply: FastifyReply): RequestTrace {
  const root = drawTrace(request)
  return root === 'left out' ? untraced : startTrace(request, reply, root)
}

/** Where the trace of a request begins, if there is anything to trace. */
export function drawTrace(request: FastifyRequest): Context | 'left out' {
  if (isTracedByCaller(request)) return ROOT_CONTEXT
  return isLeftOut() ? 'left out' : drawn(ROOT_CONTEXT)
}

export const untraced: RequestTrace = { ids: {}, note() {}, end() {} }

/** For a request that was left out and needs a run after all. */
export function leftOut(): Context {
  return drawn(ROOT_CONTEXT, false)
}

function isTracedByCaller({ headers }: FastifyRequest): boolean {
  return headers['traceparent'] !== undefined
}

/** A proxy's word for it may be any text. */
function schemeOf({ protocol }: FastifyRequest): 'http' | 'https' {
  return protocol === 'https' ? 'https' : 'http'
}

/** The root span of one request; its parent is the caller's, when `traceparent` names one. */
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
      // Who has the answer reads no further; else the reader of a stream left between two events.
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

  /** Of a stream the head is out, and says 200; of who left none is sent. */
  function fail(error: unknown): void {
    const told = isAskError(error) ? error : new AskError('internal')
    markFailed(span, told)
    end(told.code === 'cancelled' ? undefined : reply.raw.headersSent ? reply.statusCode : told.status)
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
