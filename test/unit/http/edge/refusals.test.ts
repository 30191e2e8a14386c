import type { FastifyInstance, InjectOptions } from 'fastify'
import { once } from 'node:events'
import { connect } from 'node:net'
import tap, { type Test } from 'tap'
import type { AskEvent } from '../../../../src/ask/terms/answer.ts'
import { AskError, errorTable } from '../../../../src/errors.ts'
import { assertContract } from '../../../support/contract.ts'
import { behindGate, edgeApp, edgeStartingApp } from '../../../support/edge.ts'
import { until } from '../../../support/until.ts'

tap.test('errors of a question: each with its status, and as documented', async t => {
  for (const code of [
    'unknown_collection',
    'model_failed',
    'model_rejected',
    'model_busy',
    'pool_exhausted',
    'database_unavailable',
    'deadline_exceeded',
  ] as const) {
    for (const stream of [false, true]) {
      const { statusCode, json, headers } = await asked(t, failing(new AskError(code)), stream)
      t.equal(statusCode, errorTable[code].status)
      t.equal(json().code, code)
      t.equal(headers['retry-after'], statusCode === 503 ? '1' : undefined)
    }
  }
})

tap.test('errors of a search: the same; each is counted', async t => {
  const counted: string[] = []
  for (const code of ['unknown_collection', 'pool_exhausted', 'database_unavailable', 'deadline_exceeded'] as const) {
    const search = async () => {
      throw new AskError(code)
    }
    const app = await edgeApp({ search, subscriber: { questionFailed: (_, code) => void counted.push(code) } })
    const reply = await injected(t, app, { method: 'POST', url: '/search', payload: { question: 'x' } })
    t.match({ status: reply.statusCode, code: reply.json().code }, { status: errorTable[code].status, code })
  }
  t.same(counted, ['unknown_collection', 'pool_exhausted', 'database_unavailable', 'deadline_exceeded'])
})

tap.test('an unknown error: 500 without its words', async t => {
  const { statusCode, body } = await asked(t, failing(new Error('password authentication failed for user "askwell"')))
  t.equal(statusCode, 500)
  t.notMatch(body, /password/)
})

tap.test('an error after the first event: an event of the stream', async t => {
  const { body } = await asked(
    t,
    async function* () {
      yield { type: 'delta', text: 'The ' }
      throw new AskError('model_failed')
    },
    true,
  )
  t.match(body, /^event: delta\n.*event: error\ndata: \{"type":"\/problems\/model_failed"/s)
})

tap.test('no key set: the document API and the caches are switched off', async t => {
  const app = await edgeApp()
  for (const [method, url] of [
    ['PUT', '/documents'],
    ['GET', '/collections'],
    ['DELETE', '/documents/a'],
    ['GET', '/cache'],
    ['DELETE', '/cache?collection=a'],
  ] as const) {
    t.equal((await injected(t, app, { method, url })).json().code, 'admin_disabled')
  }
})

tap.test('too many requests: 429 with Retry-After; probes are never limited', async t => {
  const app = await edgeApp({}, { rateLimit: { max: 2, keyMax: 0, seconds: 60 } })
  const codes = []
  for (let n = 0; n < 4; n++) codes.push((await injected(t, app, { method: 'POST', url: '/ask' })).json().code)
  t.same(codes, ['invalid_request', 'invalid_request', 'rate_limited', 'rate_limited'])
  t.equal((await injected(t, app, { method: 'GET', url: '/livez' })).statusCode, 200)
})

tap.test('probes of a service that is not ready', async t => {
  const starting = await edgeStartingApp()
  t.match((await injected(t, starting, { method: 'GET', url: '/readyz' })).json(), { status: 'starting' })
  t.equal((await injected(t, starting, { method: 'GET', url: '/startupz' })).statusCode, 503)
  const alone = await edgeApp({ ping: async () => false })
  t.match((await injected(t, alone, { method: 'GET', url: '/readyz' })).json(), { status: 'no database' })
  const draining = await edgeApp({ isDraining: () => true })
  const unready = await injected(t, draining, { method: 'GET', url: '/readyz' })
  t.same([unready.statusCode, unready.json().status], [503, 'draining'])
})

tap.test('a request that never ends: 408', async t => {
  const { port } = await behindGate(t, await edgeApp(), { headersMs: 100, wholeMs: 100 })
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /ask HTTP/1.1\r\nhost: a\r\n')
  const [reply] = (await once(socket, 'data')) as [Buffer]
  const [head = '', body = ''] = reply.toString().split('\r\n\r\n')
  const headers = Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map(line => line.split(': ')),
  )
  assertContract(t, { method: 'POST', path: '/ask', status: Number(head.split(' ')[1]), headers, body })
  t.equal(JSON.parse(body).code, 'request_timeout')
})

tap.test('a client that asks for a stream and does not read it: cut off, and what made it ends', async t => {
  let hasEnded = false
  const endless = async function* (): AsyncGenerator<AskEvent, void, undefined> {
    try {
      for (;;) yield { type: 'delta', text: 'a'.repeat(10_000) }
    } finally {
      hasEnded = true
    }
  }
  const { port } = await behindGate(t, await edgeApp({ cachedAsk: { ask: endless } }), { idleMs: 200 })
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  const body = '{"question":"x","stream":true}'
  socket.write(
    `POST /ask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await until('what made it has ended', () => hasEnded)
  socket.destroy()
})

async function asked(t: Test, ask: () => AsyncGenerator<AskEvent, void, undefined>, stream = false) {
  const app = await edgeApp({ cachedAsk: { ask } })
  return await injected(t, app, { method: 'POST', url: '/ask', payload: { question: 'x', stream } })
}

async function injected(
  t: Test,
  app: FastifyInstance,
  request: InjectOptions & { method: 'GET' | 'PUT' | 'POST' | 'DELETE'; url: string },
) {
  const reply = await app.inject(request)
  assertContract(t, {
    method: request.method,
    path: request.url,
    status: reply.statusCode,
    headers: reply.headers,
    body: reply.body,
  })
  return reply
}

function failing(error: Error): () => AsyncGenerator<AskEvent, void, undefined> {
  return async function* () {
    yield* []
    throw error
  }
}
