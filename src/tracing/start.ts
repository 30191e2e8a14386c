import { diag, DiagLogLevel, trace, type DiagLogger } from '@opentelemetry/api'
import type { tracing as Tracing } from '@opentelemetry/sdk-node'
import type { Logger } from 'pino'
import { createDelivery, nothingDelivered, type DeliveryStatus } from './delivery.ts'
import { isDrawn, sampleRoots } from './head-sampling.ts'
import { createTailSampling } from './tail-sampling.ts'
import { exporterHeaders } from '../config/kinds.ts'
import type { Config, FollowSecret } from '../config/terms.ts'

/** Limit of the shutdown, whatever the limit of a delivery is. */
const shutdownMs = 3000

export interface Telemetry {
  status(): DeliveryStatus
  /** Delivers what is left, within bounds, and stops. Never rejects. */
  close(): Promise<void>
}

/**
 * Starts OpenTelemetry if a collector is configured. Otherwise the SDK is not even loaded, and spans cost next to
 * nothing. Spans that cannot be delivered are dropped; the log and the metrics say so.
 */
export async function startTelemetry(
  { endpoint, serviceName, headers, timeoutMs, queue, ...sampling }: Config['telemetry'],
  log: Pick<Logger, 'info' | 'warn'>,
  follow: FollowSecret = () => {},
): Promise<Telemetry> {
  sampleRoots(endpoint === undefined ? 0 : ratioOf(sampling))
  if (endpoint === undefined) return { status: () => nothingDelivered, close: async () => {} }
  const [{ NodeSDK, core, tracing }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ])
  const diagnostics = diagnosticsTo(log)
  diag.setLogger(diagnostics, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  core.setGlobalErrorHandler(error => diagnostics.error(error instanceof Error ? error.message : 'unknown error'))
  const delivery = createDelivery({ endpoint, timeoutMs, queueSize: queue.size, log })
  let sent = headers ?? {}
  for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'])
    follow(name, text => void (sent = exporterHeaders.read(text) ?? sent))
  const exporter = new OTLPTraceExporter({
    url: endpoint,
    timeoutMillis: timeoutMs,
    headers: () => Promise.resolve({ ...sent }),
  })
  const counted = delivery.wrapExporter(exporter)
  const batches = delivery.wrapProcessor(
    new tracing.BatchSpanProcessor(counted, {
      maxQueueSize: queue.size,
      maxExportBatchSize: queue.batch,
      scheduledDelayMillis: queue.delayMs,
      // The delivery has a limit of its own.
      exportTimeoutMillis: timeoutMs + 5000,
    }),
  )
  const { slowMs } = sampling
  // With OTEL_LOG_LEVEL, the SDK chooses the console here, whose lines are not JSON, and would report the change.
  diag.disable()
  const sdk = new NodeSDK({
    serviceName,
    ...samplerOf(sampling, tracing),
    spanProcessors: [slowMs === undefined ? batches : createTailSampling(batches, { slowMs })],
    // Metrics are scraped at /metrics and logs go to stdout, so neither is exported here.
    metricReaders: [],
    logRecordProcessors: [],
  })
  diag.setLogger(diagnostics, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  sdk.start()
  // A delivery of nothing: what is wrong is in the log now, not after the first question.
  counted.export([], () => {})
  const stop = async () => await sdk.shutdown().catch(() => {})
  return {
    status: delivery.status,
    async close() {
      await Promise.race([stop(), new Promise(resolve => void setTimeout(resolve, shutdownMs).unref())])
      delivery.abandon()
    },
  }
}

const maxDiagnostics = 100

/** Logs each message of the SDK once, because it would repeat some per span. Numbers do not make it another one. */
function diagnosticsTo(log: Pick<Logger, 'warn'>): DiagLogger {
  const logged = new Set<string>()
  const report = (...parts: readonly unknown[]) => {
    const text = parts.filter(part => typeof part === 'string').join(' ')
    const kind = text.replace(/\d+/g, '#')
    if (logged.has(kind) || logged.size >= maxDiagnostics) return
    logged.add(kind)
    log.warn({ code: 'tracing-diagnostic' }, `OpenTelemetry: ${text}`)
  }
  return { error: report, warn: report, info() {}, debug() {}, verbose() {} }
}

type Sampling = Pick<Config['telemetry'], 'sampler' | 'samplerArg' | 'slowMs'>

/** The sampling ratio of the settings. Undefined for other samplers, which the SDK reads itself. */
function ratioOf({ sampler = '', samplerArg = 1 }: Sampling): number | undefined {
  return /^(parentbased_)?traceidratio$/.test(sampler) ? samplerArg : undefined
}

/** The configured ratio sampler, except that it follows the head-sampling decision where there is one. */
function samplerOf(
  sampling: Sampling,
  { ParentBasedSampler, SamplingDecision, TraceIdRatioBasedSampler }: typeof Tracing,
): { sampler?: Tracing.Sampler } {
  const ratio = ratioOf(sampling)
  if (ratio === undefined) return {}
  const byTraceId = new TraceIdRatioBasedSampler(ratio)
  const recorded = { decision: SamplingDecision.RECORD }
  const orRecorded = (result: Tracing.SamplingResult) =>
    sampling.slowMs !== undefined && result.decision === SamplingDecision.NOT_RECORD ? recorded : result
  const root: Tracing.Sampler = {
    shouldSample(context, traceId) {
      const isSampled = isDrawn(context)
      if (isSampled === undefined) return orRecorded(byTraceId.shouldSample(context, traceId))
      return isSampled
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : orRecorded({ decision: SamplingDecision.NOT_RECORD })
    },
    toString: () => byTraceId.toString(),
  }
  // Children of a root that is recorded but not sampled are recorded too.
  const localParentNotSampled: Tracing.Sampler = {
    shouldSample: context =>
      trace.getSpan(context)?.isRecording() ? recorded : { decision: SamplingDecision.NOT_RECORD },
    toString: () => 'AsParent',
  }
  return {
    sampler: sampling.sampler === 'traceidratio' ? root : new ParentBasedSampler({ root, localParentNotSampled }),
  }
}
