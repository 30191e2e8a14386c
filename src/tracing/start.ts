import { trace } from '@opentelemetry/api'
import type { tracing as Tracing } from '@opentelemetry/sdk-node'
import { isDrawn, sampleRoots } from './head-sampling.ts'
import { createTailSampling } from './tail-sampling.ts'
import type { Config } from '../config/terms.ts'

/**
 * Limit of one export, retries included. Shutdown waits for the last export, so an unreachable collector must not take
 * the default of ten seconds.
 */
const exportTimeoutMs = 2000

/**
 * Starts OpenTelemetry if a collector is configured. Otherwise the SDK is not even loaded, and spans cost next to
 * nothing. Returns a function that flushes and shuts down; spans that cannot be exported are dropped without an error.
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
  const batches = new tracing.BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: exportTimeoutMs }))
  const { slowMs } = sampling
  const sdk = new NodeSDK({
    serviceName,
    ...samplerOf(sampling, tracing),
    spanProcessors: [slowMs === undefined ? batches : createTailSampling(batches, { slowMs })],
    // Metrics are scraped at /metrics and logs go to stdout, so neither is exported here.
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  return async () => await sdk.shutdown().catch(() => {})
}

type Sampling = Pick<Config['telemetry'], 'sampler' | 'samplerArg' | 'slowMs'>

/**
 * The sampling ratio of the settings. Undefined for other samplers and for an invalid ratio, which the SDK handles
 * itself.
 */
function ratioOf({ sampler = '', samplerArg = '' }: Sampling): number | undefined {
  const ratio = Number(samplerArg)
  const isRatio = /^(parentbased_)?traceidratio$/.test(sampler) && samplerArg.trim() !== '' && ratio >= 0 && ratio <= 1
  return isRatio ? ratio : undefined
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
