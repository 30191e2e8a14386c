import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Owner } from './server-process.ts'

/** A stand-in for an OpenTelemetry collector: takes OTLP over HTTP and keeps what was sent. */
export interface Collector {
  /** What OTEL_EXPORTER_OTLP_ENDPOINT wants. */
  readonly url: string
  readonly spans: readonly CollectedSpan[]
  /** All bytes that came, as text: for what must not be in them. */
  readonly raw: string
}

export interface CollectedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root. */
  readonly parentSpanId: string
}

export async function startCollector(t: Owner): Promise<Collector> {
  const bodies: Buffer[] = []
  const server = createServer((request, reply) => {
    void buffer(request).then(body => {
      bodies.push(body)
      reply.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get spans() {
      return bodies.flatMap(spansOf)
    },
    get raw() {
      return Buffer.concat(bodies).toString('utf8')
    },
  }
}

/** ExportTraceServiceRequest → resource_spans (1) → scope_spans (2) → spans (2). */
function spansOf(body: Buffer): CollectedSpan[] {
  return fieldsOf(body, 1).flatMap(resource => fieldsOf(resource, 2)).flatMap(scope => fieldsOf(scope, 2)).map(spanOf)
}

function spanOf(span: Buffer): CollectedSpan {
  const text = (field: number, encoding: 'hex' | 'utf8') => fieldsOf(span, field)[0]?.toString(encoding) ?? ''
  return { traceId: text(1, 'hex'), spanId: text(2, 'hex'), parentSpanId: text(4, 'hex'), name: text(5, 'utf8') }
}

/** The values of one length-delimited field of a protobuf message: enough of the format to need no library. */
function fieldsOf(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const length = [() => (varint(), 0), () => 8, varint, undefined, undefined, () => 4][tag & 7]?.()
    if (length === undefined) throw new Error(`not a protobuf message: wire type ${tag & 7}`)
    if (tag >>> 3 === wanted) found.push(message.subarray(at, at + length))
    at += length
  }
  return found
}
