import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { tracing } from '@opentelemetry/sdk-node'
import t, { type Test } from 'tap'
import { createDelivery } from '../../../src/tracing/delivery.ts'
import { until } from '../../support/until.ts'

type Reply = (status: number | null) => void

/** A collector whose replies wait for the test: a status, or null to break the connection off. */
async function startCollector(t: Test) {
  const waiting: Reply[] = []
  const server = createServer((request, reply) => {
    request.resume()
    waiting.push(status => (status === null ? request.destroy() : reply.writeHead(status).end()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const next = async () => {
    await until('something is delivered', () => waiting.length > 0)
    return waiting.shift()!
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, next }
}

/** Delivery to `endpoint` with a queue of `queueSize` spans, delivered when `batch` have ended. */
function deliverTo(t: Test, endpoint: string, { queueSize = 100, batch = 10, timeoutMs = 60_000 } = {}) {
  const lines: string[] = []
  const clock = { ms: 0 }
  const note = (_: object, text: string) => void lines.push(text)
  const log = { info: note, warn: note } as never
  const delivery = createDelivery({ endpoint, timeoutMs, queueSize, log, now: () => clock.ms })
  const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: timeoutMs })
  const processor = delivery.wrapProcessor(
    new tracing.BatchSpanProcessor(delivery.wrapExporter(exporter), {
      maxQueueSize: queueSize,
      maxExportBatchSize: batch,
      scheduledDelayMillis: 3_600_000,
    }),
  )
  const provider = new tracing.BasicTracerProvider({ spanProcessors: [processor] })
  const tracer = provider.getTracer('test')
  const end = (count: number) => {
    for (let i = 0; i < count; i++) tracer.startSpan('span').end()
  }
  t.teardown(() => exporter.shutdown().catch(() => {}))
  return { ...delivery, lines, clock, end }
}

t.test(
  'a collector that fails, in several ways: one line per cause, all spans counted, and one when it is well',
  async t => {
    const collector = await startCollector(t)
    const { end, lines, status, clock } = deliverTo(t, collector.url)
    const settled = () => status().delivered + status().lost.not_delivered
    const deliver = async (code: number | null) => {
      const before = settled()
      end(10)
      ;(await collector.next())(code)
      await until('it is settled', () => settled() === before + 10)
    }
    await deliver(200)
    t.same(lines, [])
    for (const code of [401, 401, 404, 401]) await deliver(code)
    t.match(lines, [/^traces are lost: the collector replied 401; check/, /replied 404/])
    t.match(status(), { delivered: 10, lost: { queue_full: 0, not_delivered: 40 }, lastLoss: { cause: 'replied 401' } })
    await deliver(200)
    t.equal(lines.length, 2, 'it may fail again at once')
    clock.ms += 10_000
    await deliver(200)
    t.same(lines.slice(2), ['traces reach the collector again'])
    await deliver(404)
    t.match(lines.slice(3), [/replied 404/], 'a new change')
  },
)

t.test('a collector that is too slow: what has no room is counted, and said once', async t => {
  const collector = await startCollector(t)
  const { end, lines, status, abandon } = deliverTo(t, collector.url, { queueSize: 30 })
  end(10)
  const reply = await collector.next()
  end(35)
  t.match(status(), { delivered: 0, lost: { queue_full: 5, not_delivered: 0 } })
  t.match(lines, [/the collector is too slow: spans wait and there is no room for more/])
  reply(200)
  await until('the first are delivered', () => status().delivered === 10)
  abandon()
  t.ok(status().lost.not_delivered >= 20, 'what still waits at the exit')
  for (let i = 0; i < 3; i++) (await collector.next())(200)
})

t.test('a collector that accepts and never replies: lost after the limit of a delivery', async t => {
  const collector = await startCollector(t)
  const { end, lines, status } = deliverTo(t, collector.url, { timeoutMs: 50 })
  end(10)
  await until('they are lost', () => status().lost.not_delivered === 10)
  t.match(lines, [/the collector did not reply within 50 ms/])
})

t.test('nobody listens, on the port of gRPC: the line says which port is meant', async t => {
  const { end, lines } = deliverTo(t, 'http://127.0.0.1:4317/v1/traces', { timeoutMs: 50 })
  end(10)
  await until('it is said', () => lines.length === 1)
  t.match(lines[0], /\(port 4317 is usually gRPC; OTLP over HTTP is on 4318\)$/)
})
