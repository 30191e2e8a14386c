import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { chunksOf } from '../../../../src/adapters/models/openai/chunks.ts'
import { createChat } from '../../../../src/adapters/models/openai/chat.ts'
import { createEmbedder } from '../../../../src/adapters/models/openai/embedder.ts'
import { createReasoningFilter } from '../../../../src/adapters/models/openai/reasoning-filter.ts'
import { createOpenAIClient } from '../../../../src/adapters/models/openai/client.ts'
import { createReranker } from '../../../../src/adapters/models/reranker.ts'
import type { AskError } from '../../../../src/errors.ts'
import { until } from '../../../support/until.ts'

const quiet = new AbortController().signal
const request = { system: 'Be brief.', messages: [{ role: 'user', content: 'Hello?' }], maxTokens: 50 } as const
const MB = 1024 * 1024

interface Endless {
  readonly status?: number
  readonly type?: string
  readonly head?: string
  readonly piece: string
  /** Bytes after which the reply ends after all, so that a client without a limit fails the test and ends. */
  readonly until: number
}

/** Pours the piece over and over, as fast as the client reads. */
async function serve(test: Test, { status = 200, type = 'application/json', head = '', piece, until: most }: Endless) {
  const seen = { asked: 0, sent: 0, open: 0 }
  const server = createServer((incoming, reply) => {
    seen.asked++
    seen.sent = 0
    incoming.resume().once('end', () => {
      reply.writeHead(status, { 'content-type': type }).write(head)
      pour(reply)
    })
  })
  function pour(reply: ServerResponse): void {
    while (seen.sent < most) {
      if (reply.destroyed) return
      seen.sent += piece.length
      if (!reply.write(piece)) return void reply.once('drain', () => pour(reply))
    }
    reply.end()
  }
  server.on('connection', socket => {
    seen.open++
    socket.once('close', () => seen.open--)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, seen }
}

function clientOf(baseURL: string) {
  return createOpenAIClient({ apiKey: 'sk-a-secret-key', baseUrl: baseURL, timeoutMs: 60_000 })
}

async function chatFailure(url: string): Promise<AskError> {
  return await failure(Array.fromAsync(createChat(clientOf(url), { model: 'm' }).stream(request, quiet)))
}

async function failure(work: Promise<unknown>): Promise<AskError> {
  return (await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )) as AskError
}

function event(delta: object): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`
}

const streamed = 'text/event-stream'

t.test('of an error, 64 kB are read', async t => {
  for (const [status, code] of [
    [400, 'model_rejected'],
    [500, 'model_failed'],
  ] as const) {
    const { url, seen } = await serve(t, {
      status,
      head: '{"error":{"message":"stream_options ',
      piece: 'x'.repeat(16_384),
      until: 64 * MB,
    })
    t.match(await chatFailure(url), { code })
    await until('the connection is closed', () => seen.open === 0)
    t.ok(seen.sent < 16 * MB, `${seen.sent} bytes were sent`)
  }
})

t.test('a list of vectors or scores that does not end is garbage after 64 MB', async t => {
  const piece = '0.12345678,'.repeat(6000)
  const vectors = await serve(t, { head: '{"data":[{"index":0,"embedding":[', piece, until: 160 * MB })
  const embedder = createEmbedder(clientOf(vectors.url), {
    model: 'm',
    maxTokens: 500,
    languages: 'any',
    dimensions: 8,
  })
  t.match(await failure(embedder.embed(['a'], quiet)), {
    code: 'model_failed',
    kind: 'garbage',
    cause: { message: /more than 67108864 bytes/ },
  })
  const scores = await serve(t, { head: '{"results":[', piece, until: 160 * MB })
  const reranker = createReranker({ url: scores.url, model: 'm', apiKey: undefined })
  t.match(await failure(reranker.score('Which?', ['a'], quiet)), {
    code: 'model_failed',
    kind: 'garbage',
    detail: /too long/,
  })
  for (const { seen } of [vectors, scores]) {
    await until('the connection is closed', () => seen.open === 0)
    t.ok(seen.sent < 100 * MB, `${seen.sent} bytes were sent`)
  }
})

const streams: Readonly<Record<string, { readonly head?: string; readonly piece: string; readonly most: number }>> = {
  'a text': { piece: event({ content: 'word ' }), most: 16 * MB },
  'a thought': { head: event({ content: '<think>' }), piece: event({ content: 'word ' }), most: 16 * MB },
  blanks: { piece: event({ content: '    ' }), most: 16 * MB },
  'a line': { head: 'data: ', piece: 'x'.repeat(16_384), most: 16 * MB },
  'an event of many lines': { piece: 'data: x\n'.repeat(1000), most: 16 * MB },
  'events without a word': { piece: event({}).repeat(1000), most: 24 * MB },
}
for (const [name, { head = '', piece, most }] of Object.entries(streams)) {
  t.test(`a stream that does not end is garbage: ${name}`, async t => {
    const { url, seen } = await serve(t, { type: streamed, head, piece, until: most * 1.5 })
    t.match(await chatFailure(url), { code: 'model_failed', kind: 'garbage' })
    await until('the connection is closed', () => seen.open === 0)
    t.ok(seen.sent < most, `${seen.sent} bytes were sent`)
  })
}

t.test('an answer may be as long as its tokens allow', async t => {
  const long = 'w'.repeat(60_000)
  const { url } = await serve(t, {
    type: streamed,
    head: event({ content: long }),
    piece: 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    until: 1,
  })
  const [text, end] = await Array.fromAsync(createChat(clientOf(url), { model: 'm' }).stream(request, quiet))
  t.strictSame(text, { type: 'text', text: long })
  t.match(end, { type: 'end', finishReason: 'stop' })
})

async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** Eight times the work takes eight times as long, and 64 times if all that came is read again with each piece. */
async function isLinear(work: (pieces: number) => unknown): Promise<boolean> {
  await work(20_000)
  const short = await cpuOf(() => work(20_000))
  return (await cpuOf(() => work(160_000))) < Math.max(short, 20_000) * 24
}

t.test('what comes in small pieces is not read again with each of them', async t => {
  t.ok(
    await isLinear(pieces => {
      const filter = createReasoningFilter()
      filter('<think>')
      for (let i = 0; i < pieces; i++) filter('x')
    }),
    'a thought',
  )
  t.ok(
    await isLinear(pieces => {
      const filter = createReasoningFilter()
      for (let i = 0; i < pieces; i++) filter(' ')
    }),
    'blanks',
  )
  t.ok(
    await isLinear(async pieces => {
      const body = (async function* () {
        yield Buffer.from('data: {"x":"')
        for (let i = 0; i < pieces; i++) yield Buffer.from('x')
        yield Buffer.from('"}\n\n')
      })()
      const reply = { body, headers: new Headers() } as unknown as Response
      for await (const chunk of chunksOf(reply, { maxBytes: MB, close() {}, graceMs: () => null })) void chunk
    }),
    'a line',
  )
})
