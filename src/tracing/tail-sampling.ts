import { SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import type { tracing as Tracing } from '@opentelemetry/sdk-node'

type Processor = Tracing.SpanProcessor
type Ended = Parameters<Processor['onEnd']>[0]

/** Traces in progress or decided recently. Above this number the oldest is dropped. */
const maxTraces = 1000
/** Spans buffered per trace. Above this number new ones are dropped. */
const maxSpans = 500

interface Pending {
  readonly spans: Ended[]
  /** Undefined until the request has ended. Later spans of its run follow the same decision. */
  isExported?: boolean
}

/**
 * Tail sampling in this process: unsampled traces are exported after all if their request failed, was degraded or took
 * `slowMs`. Their spans are buffered until the request ends. They are recorded without the "sampled" flag, so that
 * services we call do not store parts of a trace that may be dropped. Spans to export are passed on to `next`.
 */
export function createTailSampling(next: Processor, { slowMs }: { readonly slowMs: number }): Processor {
  const traces = new Map<string, Pending>()

  function onEnd(span: Ended): void {
    const { traceId, traceFlags } = span.spanContext()
    if (traceFlags & TraceFlags.SAMPLED) return next.onEnd(span)
    const pending = traces.get(traceId) ?? addTrace(traceId)
    if (pending.isExported) next.onEnd(asSampled(span))
    else if (isRoot(span)) decide(pending, span)
    else if (pending.isExported === undefined && pending.spans.length < maxSpans) pending.spans.push(span)
  }

  function addTrace(traceId: string): Pending {
    const [oldest] = traces.keys()
    if (traces.size >= maxTraces && oldest !== undefined) traces.delete(oldest)
    const pending: Pending = { spans: [] }
    traces.set(traceId, pending)
    return pending
  }

  function decide(pending: Pending, root: Ended): void {
    pending.isExported = isNotable(root, slowMs)
    for (const span of [...pending.spans.splice(0), root]) if (pending.isExported) next.onEnd(asSampled(span))
  }

  return {
    onStart: (span, context) => next.onStart(span, context),
    onEnd,
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  }
}

/** True for the root span in this process; its parent may be in another one. */
function isRoot({ parentSpanContext }: Ended): boolean {
  return parentSpanContext === undefined || parentSpanContext.isRemote === true
}

/** Failed, degraded or slow. */
function isNotable({ status, attributes, duration: [seconds, nanoseconds] }: Ended, slowMs: number): boolean {
  const degraded = attributes['askwell.degraded']
  const isDegraded = Array.isArray(degraded) && degraded.length > 0
  return status.code === SpanStatusCode.ERROR || isDegraded || seconds * 1000 + nanoseconds / 1e6 >= slowMs
}

/** A view of the span with the "sampled" flag. The span's own context is shared with others and must not change. */
function asSampled(span: Ended): Ended {
  const spanContext = { ...span.spanContext(), traceFlags: TraceFlags.SAMPLED }
  return Object.create(span, { spanContext: { value: () => spanContext } }) as Ended
}
