import type { Config } from './config.ts'

/**
 * How long one delivery may take, tries included. The last one is waited for at the exit, so a collector that is gone
 * may not take its usual ten seconds.
 */
const deliveryMs = 2000

/**
 * Starts OpenTelemetry when a collector is configured; otherwise nothing is even loaded, and spans cost next to
 * nothing. Returns the function that sends what is left and stops; spans that cannot be delivered are no failure.
 */
export async function startTelemetry({ endpoint, serviceName }: Config['telemetry']): Promise<() => Promise<void>> {
  if (endpoint === undefined) return async () => {}
  const [{ NodeSDK, tracing }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ])
  const sdk = new NodeSDK({
    serviceName,
    spanProcessors: [new tracing.BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: deliveryMs }))],
    // Figures are scraped at /metrics and logs go to stdout: neither is sent a second time.
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  return async () => await sdk.shutdown().catch(() => {})
}
