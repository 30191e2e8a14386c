import { trace } from '@opentelemetry/api'
import type { tracing as Tracing } from '@opentelemetry/sdk-node'
import { isDrawn, sampleRoots } from './head-sampling.ts'
import { createTailSampling } from './tail-sampling.ts'
import type { Config } from '../config/terms.ts'

/**
 * How long one delivery may take, tries included. The last one is waited for at the exit, so a collector that is gone
 * may not take its usual ten seconds.
 */
const deliveryMs = 2000

/**
 * Starts OpenTelemetry when a collector is configured; otherwise nothing is even loaded, and spans cost next to
 * nothing. Returns the function that sends what is left and stops; spans that cannot be delivered are no failure.
 */
export async function startTelemetry({
  endpoint,
  serviceName,
  ...sampling
}: Config['telemetry']): Promise<() => Promise<void>> {
  sampleRoots(endpoint === undefined ? 0 : ratioOf(sampling))
  if (endpoint === undefined) return async () => {}
  const [{ NodeSDK, tracing }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ])
  const batches = new tracing.BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: deliveryMs }))
  const { slowMs } = sampling
  const sdk = new NodeSDK({
    serviceName,
    ...samplerOf(sampling, tracing),
    spanProcessors: [slowMs === undefined ? batches : createTailSampling(batches, { slowMs })],
    // Figures are scraped at /metrics and logs go to stdout: neither is sent a second time.
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  return async () => await sdk.shutdown().catch(() => {})
}

type Sampling = Pick<Config['telemetry'], 'sampler' | 'samplerArg' | 'slowMs'>

/** The share of requests to trace; undefined for every other sampler and for what is no share: the SDK reads those itself. */
function ratioOf({ sampler = '', samplerArg = '' }: Sampling): number | undefined {
  const ratio = Number(samplerArg)
  const isRatio = /^(parentbased_)?traceidratio$/.test(sampler) && samplerArg.trim() !== '' && ratio >= 0 && ratio <= 1
  return isRatio ? ratio : undefined
}

/** The sampler that the settings name, but for requests that are drawn already. */
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
      const wasDrawn = isDrawn(context)
      if (wasDrawn === undefined) return orRecorded(byTraceId.shouldSample(context, traceId))
      return wasDrawn
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : orRecorded({ decision: SamplingDecision.NOT_RECORD })
    },
    toString: () => byTraceId.toString(),
  }
  // Below a root that is only recorded everything is.
  const localParentNotSampled: Tracing.Sampler = {
    shouldSample: context =>
      trace.getSpan(context)?.isRecording() ? recorded : { decision: SamplingDecision.NOT_RECORD },
    toString: () => 'AsParent',
  }
  return {
    sampler: sampling.sampler === 'traceidratio' ? root : new ParentBasedSampler({ root, localParentNotSampled }),
  }
}
