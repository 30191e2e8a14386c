import {
  alsoForTraces,
  attributes,
  exporterHeaders,
  hidden,
  integer,
  oneOf,
  propagators,
  readableFile,
  sampleShare,
  setting,
  trueFalse,
  url,
  words,
} from '../kinds.ts'

const protocols =
  'http/protobuf (grpc and http/json are not supported: use http/protobuf and the port of the collector for OTLP over HTTP, usually 4318)'

/** OpenTelemetry's own names. What we do not support is rejected, because its SDK would silently do something else. */
export const traceSettings = {
  otelServiceName: setting('OTEL_SERVICE_NAME', 'askwell', 'Service name in traces.', words),
  resourceAttributes: setting(
    'OTEL_RESOURCE_ATTRIBUTES',
    undefined,
    'More about the service, sent with each trace.',
    attributes,
  ),
  otelDisabled: setting('OTEL_SDK_DISABLED', 'false', '`true`: no tracing, whatever the others say.', trueFalse),
  tracesExporter: setting(
    'OTEL_TRACES_EXPORTER',
    'otlp',
    'Where traces go: `otlp`, to a collector; `none`: nowhere.',
    oneOf('otlp', 'none'),
  ),
  otlpEndpoint: setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    undefined,
    'OTLP collector for traces; `/v1/traces` is appended. Unset, and without `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`: no tracing.',
    url('http', 'https'),
  ),
  otlpTracesEndpoint: setting(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    undefined,
    'Full URL that traces are sent to, instead of `OTEL_EXPORTER_OTLP_ENDPOINT`.',
    url('http', 'https'),
  ),
  otlpProtocol: alsoForTraces(
    setting('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf', 'Protocol of the collector.', {
      ...oneOf('http/protobuf'),
      allowed: protocols,
    }),
  ),
  otlpHeaders: alsoForTraces(
    hidden(
      setting(
        'OTEL_EXPORTER_OTLP_HEADERS',
        undefined,
        'Headers sent to the collector, such as `Authorization=Bearer%20TOKEN`.',
        exporterHeaders,
      ),
    ),
  ),
  otlpTimeoutMs: alsoForTraces(
    setting(
      'OTEL_EXPORTER_OTLP_TIMEOUT',
      '2000',
      'Time limit for one delivery to the collector in ms, retries included.',
      integer(1, 600_000),
    ),
  ),
  otlpCompression: alsoForTraces(
    setting(
      'OTEL_EXPORTER_OTLP_COMPRESSION',
      'none',
      'Compression of what is sent to the collector.',
      oneOf('none', 'gzip'),
    ),
  ),
  otlpCertificate: alsoForTraces(
    setting(
      'OTEL_EXPORTER_OTLP_CERTIFICATE',
      undefined,
      'File with the CA certificates that the collector is verified with. Unset: those of Node.',
      readableFile,
    ),
  ),
  otlpClientCertificate: alsoForTraces(
    setting(
      'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
      undefined,
      'File with the client certificate for the collector.',
      readableFile,
    ),
  ),
  otlpClientKey: alsoForTraces(
    setting(
      'OTEL_EXPORTER_OTLP_CLIENT_KEY',
      undefined,
      'File with the key of the client certificate for the collector.',
      readableFile,
    ),
  ),
  tracesSampler: setting(
    'OTEL_TRACES_SAMPLER',
    undefined,
    'Which requests are traced: `parentbased_traceidratio` for a share, which costs least, or another OpenTelemetry sampler. Unset: all.',
    oneOf(
      'parentbased_traceidratio',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'always_on',
      'always_off',
    ),
  ),
  tracesSamplerArg: setting(
    'OTEL_TRACES_SAMPLER_ARG',
    undefined,
    'Share of requests that `OTEL_TRACES_SAMPLER` keeps, such as `0.01`. Unset: all.',
    sampleShare,
  ),
  otelPropagators: setting(
    'OTEL_PROPAGATORS',
    'tracecontext,baggage',
    'Headers in which the trace of a caller is read and passed on to models.',
    propagators,
  ),
  spanQueueSize: setting(
    'OTEL_BSP_MAX_QUEUE_SIZE',
    '2048',
    'Spans that may wait for delivery; further ones are lost, and counted.',
    integer(1, 1_000_000),
  ),
  spanBatchSize: setting(
    'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
    '512',
    'Most spans in one delivery; at most `OTEL_BSP_MAX_QUEUE_SIZE`.',
    integer(1, 1_000_000),
  ),
  spanDelayMs: setting(
    'OTEL_BSP_SCHEDULE_DELAY',
    '5000',
    'Longest wait of a span for its delivery, in ms.',
    integer(1, 3_600_000),
  ),
  traceSlowMs: setting(
    'TRACE_SLOW_MS',
    undefined,
    'Also send each trace of a question that failed, was degraded or took at least this many ms, even if not sampled. Unset: none.',
    integer(0, 3_600_000),
  ),
} as const
