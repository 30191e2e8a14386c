import type { SpanContext } from '@opentelemetry/api'
import { randomUUID } from 'node:crypto'
import { workflowSpan } from '../../tracing/workflow.ts'

/**
 * A name like no other's, which stays in the lease while it is held. Of a run that is traced it ends with trace and span,
 * so that who waits for it on another replica can link to it: some 50 bytes, and no round trip more.
 */
export function nameOfAsker(): string {
  const span = workflowSpan()
  if (!span?.isRecording()) return randomUUID()
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `${randomUUID()} ${traceId}-${spanId}-${traceFlags}`
}

/** `token`: of the lease, `1732…:<uuid> <trace>-<span>-<flags>`; another version's ends with the name alone. */
export function runOfHolder(token: string): { readonly run?: SpanContext } {
  const [, traceId, spanId, flags] = / ([0-9a-f]{32})-([0-9a-f]{16})-(\d+)$/.exec(token) ?? []
  return traceId && spanId ? { run: { traceId, spanId, traceFlags: Number(flags), isRemote: true } } : {}
}
