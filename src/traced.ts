import { trace, type Span } from '@opentelemetry/api'

/** The trace that a figure belongs to, where somebody will see it: for exemplars. */
export function traceIdOf(span: Span | undefined = trace.getActiveSpan()): string | undefined {
  return span?.isRecording() ? span.spanContext().traceId : undefined
}
