import { context, propagation, trace, type Span } from '@opentelemetry/api'

/**
 * `traceparent` and `tracestate` for a request that is made now, below this span or the one under way. Not the caller's
 * `baggage`: what is in there was not meant for whoever runs the model.
 */
export function traceHeaders(span?: Span): Record<string, string> {
  const active = span ? trace.setSpan(context.active(), span) : context.active()
  const headers: Record<string, string> = {}
  propagation.inject(propagation.deleteBaggage(active), headers)
  return headers
}
