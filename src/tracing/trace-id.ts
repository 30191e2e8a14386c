import { trace, TraceFlags, type Span } from '@opentelemetry/api'

/** The trace that a figure belongs to, where somebody will see it: for exemplars. */
export function traceIdOf(span: Span | undefined = trace.getActiveSpan()): string | undefined {
  const spanContext = span?.spanContext()
  // What is recorded but not drawn may be dropped when it is over (tail-sampling.ts).
  return spanContext && spanContext.traceFlags & TraceFlags.SAMPLED ? spanContext.traceId : undefined
}
