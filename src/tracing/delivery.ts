import type { tracing as Tracing } from '@opentelemetry/sdk-node'
import type { Logger } from 'pino'

type Exporter = Tracing.SpanExporter
type Processor = Tracing.SpanProcessor
type Spans = Parameters<Exporter['export']>[0]
type Result = Parameters<Parameters<Exporter['export']>[1]>[0]

export const lossReasons = ['queue_full', 'not_delivered'] as const
export type LossReason = (typeof lossReasons)[number]

/** What became of the spans of this process that were meant for the collector. */
export interface DeliveryStatus {
  readonly delivered: number
  readonly lost: Readonly<Record<LossReason, number>>
  /** The latest loss. Null when there was none. */
  readonly lastLoss: { readonly agoMs: number; readonly cause: string } | null
}

export const nothingDelivered: DeliveryStatus = {
  delivered: 0,
  lost: { queue_full: 0, not_delivered: 0 },
  lastLoss: null,
}

export interface DeliveryOptions {
  readonly endpoint: string
  /** Limit of one delivery. */
  readonly timeoutMs: number
  readonly queueSize: number
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly now?: () => number
}

/** How long nothing may be lost before delivery counts as recovered; a collector that comes and goes logs one line. */
const calmMs = 10_000
/** Time for an exporter to report its own timeout first. */
const slackMs = 500
/** The SDK's code of a successful export; importing its enum would load the SDK. */
const success = 0

/**
 * Counts the spans that reach the collector and those that do not, and logs a line when delivery begins to fail, once
 * per cause, and when it works again. The SDK itself reports failures to nobody. Wrap both the exporter and the batch
 * processor that uses it.
 */
export function createDelivery({
  endpoint,
  timeoutMs,
  queueSize,
  log,
  now = () => performance.now(),
}: DeliveryOptions) {
  const lost: Record<LossReason, number> = { queue_full: 0, not_delivered: 0 }
  /** Causes that were logged since delivery last worked. */
  const logged = new Set<string>()
  let delivered = 0
  let queued = 0
  let lastLoss: { readonly at: number; readonly cause: string } | null = null

  function lose(count: number, reason: LossReason, cause: string): void {
    lost[reason] += count
    lastLoss = { at: now(), cause }
    if (logged.has(cause)) return
    logged.add(cause)
    log.warn(
      { code: 'traces-lost', cause, lost: lost.queue_full + lost.not_delivered },
      `traces are lost: the collector ${cause}; check OTEL_EXPORTER_OTLP_ENDPOINT and the collector${hintFor(endpoint)}`,
    )
  }

  function succeed(count: number): void {
    delivered += count
    if (logged.size === 0 || (lastLoss && now() - lastLoss.at < calmMs)) return
    logged.clear()
    log.info(
      { code: 'traces-delivered', lost: lost.queue_full + lost.not_delivered },
      'traces reach the collector again',
    )
  }

  /** Reports success in any case: a failure is reported here, and the processor could only report it again. */
  function wrapExporter(exporter: Exporter): Exporter {
    return {
      export(spans: Spans, done: (result: Result) => void) {
        queued -= spans.length
        let isSettled = false
        const settle = (cause: string | null) => {
          if (isSettled) return
          isSettled = true
          clearTimeout(timer)
          if (cause === null) succeed(spans.length)
          else lose(spans.length, 'not_delivered', cause)
          done({ code: success })
        }
        // A collector that replies a byte at a time never triggers the exporter's own timeout.
        const timer = setTimeout(() => settle(`did not reply within ${timeoutMs} ms`), timeoutMs + slackMs).unref()
        exporter.export(spans, ({ code, error }) => settle(code === success ? null : causeOf(error, timeoutMs)))
      },
      shutdown: () => exporter.shutdown(),
      ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush!() }),
    }
  }

  /** The processor drops spans when its queue is full, and does not say so. */
  function wrapProcessor(processor: Processor): Processor {
    return {
      onStart: (span, context) => processor.onStart(span, context),
      onEnd(span) {
        if (queued >= queueSize) return lose(1, 'queue_full', 'is too slow: spans wait and there is no room for more')
        queued += 1
        processor.onEnd(span)
      },
      forceFlush: () => processor.forceFlush(),
      shutdown: () => processor.shutdown(),
    }
  }

  return {
    wrapExporter,
    wrapProcessor,
    /** Counts what waits as lost: the process ends. */
    abandon(): void {
      if (queued > 0) lose(queued, 'not_delivered', 'did not take everything before the exit')
      queued = 0
    },
    status: (): DeliveryStatus => ({
      delivered,
      lost: { ...lost },
      lastLoss: lastLoss && { agoMs: now() - lastLoss.at, cause: lastLoss.cause },
    }),
  }
}

/** What the collector did, to follow "the collector". Never its reply: it may repeat a header. */
function causeOf(error: (Error & { readonly code?: unknown }) | undefined, timeoutMs: number): string {
  if (error === undefined) return 'rejected them'
  if (typeof error.code === 'number') return `replied ${error.code}`
  if (error.message === 'Request timed out') return `did not reply within ${timeoutMs} ms`
  if (error.message === 'Concurrent export limit reached') return 'is too slow: too many deliveries are in progress'
  if (/retryable/.test(error.message)) return 'replied that it is unavailable'
  return `cannot be reached (${typeof error.code === 'string' ? error.code : error.message || error.name})`
}

/** Collectors listen for OTLP over gRPC on 4317. */
function hintFor(endpoint: string): string {
  return new URL(endpoint).port === '4317' ? ' (port 4317 is usually gRPC; OTLP over HTTP is on 4318)' : ''
}
