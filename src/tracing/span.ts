import { context, SpanStatusCode, trace, type Attributes, type Span, type SpanKind } from '@opentelemetry/api'
import { isAskError } from '../errors.ts'
import { named } from './names.ts'

/** The active span, if it is recorded. Without a collector there is none; the check takes 20 ns. */
export function recordingSpan(): Span | undefined {
  const span = trace.getActiveSpan()
  return span?.isRecording() ? span : undefined
}

/** Starts a child of the active span, which the caller must end. Undefined if the active span is not recorded. */
export function startChild(name: string, kind: SpanKind, attributes: Attributes): Span | undefined {
  return recordingSpan() && trace.getTracer('askwell').startSpan(name, { kind, attributes })
}

/** Runs `work` in a child of the active span. The child is the active span during `work`. */
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

/**
 * Records the error code only, because messages may quote the question. A fault of the caller or its disconnect does
 * not set the status to error.
 */
export function markFailed(span: Span, error: unknown): void {
  const type = error instanceof Error ? codeOf(error) : 'unknown'
  span.setAttribute(named.errorType, type)
  if (!isAskError(error) || error.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: type })
}

/** Our error code, a driver's (an SQLSTATE, `ECONNRESET`), or else the name of the error class. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** Span attributes of the server behind a URL. */
export function serverOf(url: string): Attributes {
  const { hostname, port, protocol } = new URL(url)
  return { [named.address]: hostname, [named.port]: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }
}
