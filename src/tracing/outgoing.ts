import { context, propagation, trace, type Span } from '@opentelemetry/api'

/**
 * `traceparent` and `tracestate` for an outgoing request, as a child of `span` or of the active span. The caller's
 * `baggage` is removed because its contents were not meant for the provider of the model.
 */
export function traceHeaders(span?: Span): Record<string, string> {
  const active = span ? trace.setSpan(context.active(), span) : context.active()
  const headers: Record<string, string> = {}
  propagation.inject(propagation.deleteBaggage(active), headers)
  return headers
}
