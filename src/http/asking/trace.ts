import { context, isSpanContextValid, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import type { Attributes, Context, Span } from '@opentelemetry/api'
import { AskError, isAskError } from '../../errors.ts'
import { drawn, isLeftOut } from '../../tracing/head-sampling.ts'
import { named } from '../../tracing/names.ts'
import { markFailed } from '../../tracing/span.ts'
import { traceIdOf } from '../../tracing/trace-id.ts'
import type { AskForm, Connection } from './form.ts'

/** The trace of a question without child spans. */
interface BriefTrace {
  /** Ids for the question's log lines; empty when it is not traced. */
  readonly ids: { readonly trace_id?: string; readonly span_id?: string }
  /** Id of the trace if it is exported. */
  readonly traceId?: string | undefined
  /** False when notes are dropped. */
  readonly isRecording: boolean
  /** Adds attributes to the span of an answered question; never the question or a model's text. */
  note(attributes: Attributes): void
  /** Ends the span of an answered question. */
  end(): void
}

export interface RunTrace extends BriefTrace {
  /** Runs work inside the question's span, so that spans of the stages become its children. */
  within<Result>(work: () => Promise<Result>): Promise<Result>
  /** Ends the span of a question that failed. `hasReplied`: its reply has already begun with status 200. */
  fail(error: unknown, hasReplied: boolean): void
}

/** Omits the ids of a span that is neither exported nor part of the caller's trace: they would lead nowhere. */
function idsOf(span: Span, isCallers: boolean): BriefTrace['ids'] {
  if (!span.isRecording() && !isCallers) return {}
  const spanContext = span.spanContext()
  return isSpanContextValid(spanContext) ? { trace_id: spanContext.traceId, span_id: spanContext.spanId } : {}
}

/** Traces a question that has no child spans. Most such questions are not sampled. */
export function startBriefTrace(form: AskForm): BriefTrace {
  const root = sampleTrace(form)
  return root === 'unsampled' ? untraced : startTrace(form, form.connect(), root)
}

/** Decides on sampling and returns the root context of the trace, or `unsampled`. */
export function sampleTrace(form: AskForm): Context | 'unsampled' {
  if (isTracedByCaller(form)) return ROOT_CONTEXT
  return isLeftOut() ? 'unsampled' : drawn(ROOT_CONTEXT)
}

export const untraced: BriefTrace = { ids: {}, isRecording: false, note() {}, end() {} }

/** Root context for a question that was not sampled but needs a run. */
export function unsampledRoot(): Context {
  return drawn(ROOT_CONTEXT, false)
}

function isTracedByCaller({ traceHeaders }: AskForm): boolean {
  return traceHeaders['traceparent'] !== undefined
}

/** Starts the root span of a question; its parent is the caller's span if `traceparent` names one. */
export function startTrace(form: AskForm, connection: Connection, root: Context = ROOT_CONTEXT): RunTrace {
  const parent = isTracedByCaller(form) ? propagation.extract(ROOT_CONTEXT, form.traceHeaders) : root
  const elapsedMs = () => performance.now() - form.startedAt
  const startTime = Date.now() - elapsedMs()
  const span = trace.getTracer('askwell').startSpan(connection.spanName, { kind: SpanKind.SERVER, startTime }, parent)
  const isRecording = span.isRecording()
  if (isRecording) span.setAttributes({ ...connection.spanAttributes(), 'askwell.request_id': form.id })
  const active = trace.setSpan(parent, span)

  function end(status?: number): void {
    if (status !== undefined) span.setAttribute(named.status, status)
    span.end(startTime + elapsedMs())
  }

  return {
    ids: idsOf(span, parent !== root && parent !== ROOT_CONTEXT),
    traceId: traceIdOf(span),
    isRecording,
    note: attributes => void span.setAttributes(attributes),
    within: work => context.with(active, work),
    end: () => end(200),
    /** A caller that has left gets no status. */
    fail(error, hasReplied) {
      const failure = isAskError(error) ? error : new AskError('internal')
      markFailed(span, failure)
      end(failure.code === 'cancelled' ? undefined : hasReplied ? 200 : failure.status)
    },
  }
}
