import { context, SpanStatusCode, trace, type Attributes, type Span, type SpanKind } from '@opentelemetry/api'
import { isAskError } from '../errors.ts'
import { named } from './names.ts'

/** The span under way, if anybody will see it. Where there is no collector there is none, and to know it takes 20 ns. */
export function recordingSpan(): Span | undefined {
  const span = trace.getActiveSpan()
  return span?.isRecording() ? span : undefined
}

/** A child of the span under way; undefined when nobody will see it. Who starts it ends it. */
export function startChild(name: string, kind: SpanKind, attributes: Attributes): Span | undefined {
  return recordingSpan() && trace.getTracer('askwell').startSpan(name, { kind, attributes })
}

/** Work inside a child of the span under way, which is its own parent for what it asks in turn. */
export async function inChild<Result>(
  name: string,
  kind: SpanKind,
  attributes: () => Attributes,
  work: (span?: Span) => Promise<Result>,
): Promise<Result> {
  if (!recordingSpan()) return await work()
  const span = startChild(name, kind, attributes()) as Span
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span))
  } catch (error) {
    markFailed(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** What the caller did wrong, or that it left, is no failure of ours. Codes only: messages may repeat what was asked. */
export function markFailed(span: Span, error: unknown): void {
  const type = error instanceof Error ? codeOf(error) : 'unknown'
  span.setAttribute(named.errorType, type)
  if (!isAskError(error) || error.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: type })
}

/** Ours, a driver's (an SQLSTATE, `ECONNRESET`), or the kind of error. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** Of what is asked at this address. */
export function serverOf(url: string): Attributes {
  const { hostname, port, protocol } = new URL(url)
  return { [named.address]: hostname, [named.port]: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }
}
