import { trace, TraceFlags, type Span } from '@opentelemetry/api'

/** The trace id for an exemplar. Undefined when the trace is not sampled. */
export function traceIdOf(span: Span | undefined = trace.getActiveSpan()): string | undefined {
  const spanContext = span?.spanContext()
  // A trace that is recorded but not sampled may still be dropped (tail-sampling.ts).
  return spanContext && spanContext.traceFlags & TraceFlags.SAMPLED ? spanContext.traceId : undefined
}
