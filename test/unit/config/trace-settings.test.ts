import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import { faultsOf } from '../../support/config-faults.ts'

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

t.test('where traces go', async t => {
  const endpointOf = (env: Record<string, string>) => readConfig(env).telemetry.endpoint
  t.equal(endpointOf(endpoint), 'http://collector:4318/v1/traces')
  t.equal(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://tempo/otlp/?key=x' }), 'http://tempo/otlp/v1/traces?key=x')
  const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://tempo/here' }
  t.equal(endpointOf(own), 'http://tempo/here', 'as it is')
  t.equal(endpointOf({ ...endpoint, ...own }), 'http://tempo/here')
  t.equal(endpointOf({}), undefined)
  for (const off of ['true', 'True']) t.equal(endpointOf({ ...endpoint, OTEL_SDK_DISABLED: off }), undefined)
  t.equal(endpointOf({ ...endpoint, OTEL_SDK_DISABLED: 'false' }), 'http://collector:4318/v1/traces')
  t.equal(endpointOf({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), undefined)
})

const refused: readonly (readonly [name: string, value: string])[] = [
  ['OTEL_SDK_DISABLED', 'yes'],
  ['OTEL_TRACES_EXPORTER', 'console'],
  ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/json'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'Authorization: Basic aHVzaA=='],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=1,hush'],
  ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'a=%zz'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '2s'],
  ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', '0'],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd'],
  ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/nowhere/ca.pem'],
  ['OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY', '/nowhere/key.pem'],
  ['OTEL_TRACES_SAMPLER', 'always'],
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
  ['OTEL_TRACES_SAMPLER_ARG', '0,5'],
  ['OTEL_TRACES_SAMPLER_ARG', '5%'],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
  ['OTEL_PROPAGATORS', 'xray'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a b c'],
  ['OTEL_BSP_SCHEDULE_DELAY', '5s'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '-1'],
]

t.test('what is not supported stops the start by its name; with no tracing it does not matter', async t => {
  for (const [name, value] of refused) {
    const [fault = '', ...others] = faultsOf({ ...endpoint, [name]: value })
    t.ok(fault.startsWith(`${name} is `), fault)
    t.match(fault, / must be /)
    t.same(others, [])
    t.notMatch(fault, /hush|aHVzaA/)
    t.same(faultsOf({ [name]: value }), [], `${name} without a collector`)
    if (name !== 'OTEL_SDK_DISABLED')
      t.same(faultsOf({ ...endpoint, [name]: value, OTEL_SDK_DISABLED: 'true' }), [], `${name}, disabled`)
  }
  t.match(faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }), [/^OTEL_EXPORTER_OTLP_ENDPOINT is /])
  t.match(faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://tempo/v1/traces' }), [
    /ends in \/v1\/traces, which is appended to it/,
  ])
})

t.test('what OpenTelemetry allows is accepted', async t => {
  const file = fileURLToPath(import.meta.url)
  const { telemetry } = readConfig({
    ...endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20x, x-tenant = one,',
    OTEL_EXPORTER_OTLP_TIMEOUT: '10000',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '3000',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_CERTIFICATE: file,
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '1e-3',
    OTEL_PROPAGATORS: 'tracecontext, b3',
    OTEL_RESOURCE_ATTRIBUTES: 'a=b,c=d e',
  })
  t.match(telemetry, { timeoutMs: 3000, samplerArg: 0.001, headers: { Authorization: 'Bearer x', 'x-tenant': 'one' } })
})

t.test('settings without effect are said', async t => {
  const noticesOf = (env: Record<string, string>) => readConfig(env).notices
  t.match(noticesOf({ OTEL_TRACES_EXPORTER: 'otlp' }), [/^OTEL_TRACES_EXPORTER has no effect: without OTEL_EXP/])
  t.match(noticesOf({ ...endpoint, OTEL_TRACES_SAMPLER_ARG: '0.1' }), [/^OTEL_TRACES_SAMPLER_ARG has no effect/])
  t.match(noticesOf({ OTEL_METRICS_EXPORTER: 'otlp' }), [/^OTEL_METRICS_EXPORTER has no effect/])
  t.same(noticesOf({ OTEL_METRICS_EXPORTER: 'none', OTEL_TRACES_EXPORTER: 'none' }), [])
})
