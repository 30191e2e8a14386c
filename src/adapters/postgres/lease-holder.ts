import type { SpanContext } from '@opentelemetry/api'
import { randomUUID } from 'node:crypto'
import { workflowSpan } from '../../tracing/workflow.ts'

/**
 * A unique name that is stored in the fill lease while it is held. If the run is traced, the name ends with trace and
 * span, so that a process waiting on another replica can link to it: some 50 bytes and no extra round trip.
 */
export function nameOfAsker(): string {
  const span = workflowSpan()
  if (!span?.isRecording()) return randomUUID()
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `${randomUUID()} ${traceId}-${spanId}-${traceFlags}`
}

/**
 * Parses the lease's token, `1732…:<uuid> <trace>-<span>-<flags>`. Tokens without tracing, or of another version, end
 * with the name.
 */
export function runOfHolder(token: string): { readonly run?: SpanContext } {
  const [, traceId, spanId, flags] = / ([0-9a-f]{32})-([0-9a-f]{16})-(\d+)$/.exec(token) ?? []
  return traceId && spanId ? { run: { traceId, spanId, traceFlags: Number(flags), isRemote: true } } : {}
}
