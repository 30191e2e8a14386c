import { SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import type { tracing as Tracing } from '@opentelemetry/sdk-node'

type Processor = Tracing.SpanProcessor
type Ended = Parameters<Processor['onEnd']>[0]

/** Traces under way or decided a moment ago, and spans of one; past these the oldest is forgotten, or what comes is left out. */
const mostTraces = 1000
const mostSpans = 500

interface Pending {
  readonly spans: Ended[]
  /** Undefined until the request is over. What its run still does then goes the same way. */
  isKept?: boolean
}

/**
 * Tail sampling in the process: of traces that were not drawn, those of requests that failed, were degraded or took
 * `slowMs` are sent as well. Their spans are recorded without the flag "sampled" (so nobody who is asked keeps a part of
 * a trace that may be dropped), and held until the request is over. In front of `next`, which takes what is sampled.
 */
export function createTailSampling(next: Processor, { slowMs }: { readonly slowMs: number }): Processor {
  const traces = new Map<string, Pending>()

  function onEnd(span: Ended): void {
    const { traceId, traceFlags } = span.spanContext()
    if (traceFlags & TraceFlags.SAMPLED) return next.onEnd(span)
    const pending = traces.get(traceId) ?? begun(traceId)
    if (pending.isKept) next.onEnd(asSampled(span))
    else if (isRoot(span)) decide(pending, span)
    else if (pending.isKept === undefined && pending.spans.length < mostSpans) pending.spans.push(span)
  }

  function begun(traceId: string): Pending {
    const [oldest] = traces.keys()
    if (traces.size >= mostTraces && oldest !== undefined) traces.delete(oldest)
    const pending: Pending = { spans: [] }
    traces.set(traceId, pending)
    return pending
  }

  function decide(pending: Pending, root: Ended): void {
    pending.isKept = isTelling(root, slowMs)
    for (const span of [...pending.spans.splice(0), root]) if (pending.isKept) next.onEnd(asSampled(span))
  }

  return {
    onStart: (span, context) => next.onStart(span, context),
    onEnd,
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  }
}

/** Of this process. */
function isRoot({ parentSpanContext }: Ended): boolean {
  return parentSpanContext === undefined || parentSpanContext.isRemote === true
}

function isTelling({ status, attributes, duration: [seconds, nanoseconds] }: Ended, slowMs: number): boolean {
  const degraded = attributes['askwell.degraded']
  const isDegraded = Array.isArray(degraded) && degraded.length > 0
  return status.code === SpanStatusCode.ERROR || isDegraded || seconds * 1000 + nanoseconds / 1e6 >= slowMs
}

/** The same span to who asks; its context was given to others and stays as it was. */
function asSampled(span: Ended): Ended {
  const spanContext = { ...span.spanContext(), traceFlags: TraceFlags.SAMPLED }
  return Object.create(span, { spanContext: { value: () => spanContext } }) as Ended
}
