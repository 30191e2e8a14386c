import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { spansOf, type CollectedSpan } from './otlp.ts'
import type { Owner } from './server-process.ts'

export type { CollectedSpan } from './otlp.ts'

/** A stand-in for an OpenTelemetry collector that accepts OTLP over HTTP and records everything it receives. */
export interface Collector {
  /** Value for OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string
  readonly spans: readonly CollectedSpan[]
  /** All received bytes as text, to check what must not be in them. */
  readonly raw: string
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
