import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { atLeast } from '../../../support/at-least.ts'
import { brotliCompressSync, createGzip, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { createChat } from '../../../../src/adapters/models/openai/chat.ts'
import { createOpenAIClient, type OpenAIOptions } from '../../../../src/adapters/models/openai/client.ts'
import { createEmbedder } from '../../../../src/adapters/models/openai/embedder.ts'
import { createReranker } from '../../../../src/adapters/models/reranker.ts'
import { isAskError, type AskError } from '../../../../src/errors.ts'

/** How requests reach a model API, and how its replies come back. */

const never = new AbortController().signal
const request = { system: 'Be brief.', messages: [{ role: 'user', content: 'Hello?' }], maxTokens: 50 } as const
const event = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`
const whole = `${event('Two ')}${event('weeks.', 'stop')}data: [DONE]\n\n`

type Answer = (incoming: IncomingMessage, reply: ServerResponse) => void

const say: Answer = (_, reply) => void reply.writeHead(200, { 'content-type': 'text/event-stream' }).end(whole)

async function listen(test: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function serve(test: Test, answer: Answer = say) {
  const seen: Pick<IncomingMessage, 'url' | 'headers'>[] = []
  const server = createServer((incoming, reply) => {
    seen.push({ url: incoming.url ?? '', headers: incoming.headers })
    incoming.resume().once('end', () => answer(incoming, reply))
  })
  const port = await listen(test, server)
  return { seen, port, url: `http://127.0.0.1:${port}/v1` }
}

async function ask(options: Partial<OpenAIOptions> & { readonly baseUrl: string }): Promise<string> {
  return await askWith(createOpenAIClient({ apiKey: 'sk-a', timeoutMs: 60_000, ...options }))
}

async function askWith(client: ReturnType<typeof createOpenAIClient>): Promise<string> {
  const events = await Array.fromAsync(createChat(client, { model: 'm' }).stream(request, never))
  return events.map(each => (each.type === 'text' ? each.text : '')).join('')
}

async function errorOf(work: Promise<unknown>): Promise<AskError> {
  const error = await work.catch((reason: unknown) => reason)
  if (!isAskError(error)) throw new Error('no AskError', { cause: error })
  return error
}

t.test('a reply that is packed although it must not be', async t => {
  const packers = {
    gzip: gzipSync,
    'x-gzip': gzipSync,
    GZIP: gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
    identity: (text: string) => Buffer.from(text),
    'deflate, gzip': (text: string) => gzipSync(deflateSync(text)),
  }
  for (const [encoding, pack] of Object.entries(packers)) {
    const headers = { 'content-type': 'text/event-stream', 'content-encoding': encoding }
    const { url } = await serve(t, (_, reply) => void reply.writeHead(200, headers).end(pack(whole)))
    t.equal(await ask({ baseUrl: url }), 'Two weeks.', encoding)
  }
})

t.test('a packed stream is passed on piece by piece, and one that is cut off fails', async t => {
  const { promise: heard, resolve } = Promise.withResolvers<void>()
  const { url } = await serve(t, async (_, reply) => {
    reply.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
    const gzip = createGzip()
    gzip.pipe(reply)
    gzip.write(event('Two '))
    gzip.flush()
    await heard
    gzip.write(event('weeks'))
    gzip.flush(() => void atLeast(20).then(() => reply.destroy()))
  })
  const chat = createChat(createOpenAIClient({ apiKey: 'sk-a', baseUrl: url, timeoutMs: 60_000 }), { model: 'm' })
  const texts: string[] = []
  const reading = (async () => {
    for await (const each of chat.stream(request, never)) {
      if (each.type === 'text') texts.push(each.text)
      resolve()
    }
  })()
  t.equal((await errorOf(reading)).code, 'model_failed')
  t.same(texts, ['Two ', 'weeks'])
})

t.test('packed errors and vectors', async t => {
  const packed = (status: number, body: object): Answer => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    return (_, reply) => void reply.writeHead(status, headers).end(gzipSync(JSON.stringify(body)))
  }
  const busy = await serve(t, packed(429, { error: { message: 'pay', code: 'insufficient_quota' } }))
  t.match(await errorOf(ask({ baseUrl: busy.url })), { code: 'model_rejected', detail: /quota/ })
  const vectors = await serve(t, packed(200, { data: [{ index: 0, embedding: [3, 4] }] }))
  const client = createOpenAIClient({ apiKey: 'sk-a', baseUrl: vectors.url, timeoutMs: 60_000 })
  const embedder = createEmbedder(client, { model: 'm', dimensions: 2, maxTokens: 100, languages: 'any' })
  const [vector] = await embedder.embed(['text'], never)
  t.ok(Math.abs(vector![0]! - 0.6) < 1e-6)
})

t.test('a base URL with a query: it follows the path, for chat and embeddings; Azure gets its own header', async t => {
  const { url, seen } = await serve(t)
  const baseUrl = `${url.replace('/v1', '')}/openai/deployments/gpt?api-version=2024-10-21`
  t.equal(await ask({ baseUrl, apiKey: 'azure-key' }), 'Two weeks.')
  t.match(seen, [
    {
      url: '/openai/deployments/gpt/chat/completions?api-version=2024-10-21',
      headers: { 'api-key': 'azure-key', authorization: 'Bearer azure-key' },
    },
  ])
  await ask({ baseUrl: `${url}/` })
  await ask({ baseUrl: `${url}?` })
  t.same(
    seen.slice(1).map(each => [each.url, each.headers['api-key']]),
    [
      ['/v1/chat/completions', undefined],
      ['/v1/chat/completions', undefined],
    ],
  )
  const embedder = createEmbedder(createOpenAIClient({ apiKey: 'k', baseUrl, timeoutMs: 60_000 }), {
    model: 'm',
    dimensions: 2,
    maxTokens: 100,
    languages: 'any',
  })
  await errorOf(embedder.embed(['text'], never))
  t.match(seen.at(-1), { url: '/openai/deployments/gpt/embeddings?api-version=2024-10-21' })
})

t.test('headers of ones own: with every request, in place of ours, and changed at any time', async t => {
  const { url, seen } = await serve(t)
  const client = createOpenAIClient({
    apiKey: 'sk-a',
    baseUrl: url,
    timeoutMs: 60_000,
    headers: { 'x-team': 'library', authorization: 'Basic eDp5' },
  })
  await askWith(client)
  client.sentHeaders = { 'x-team': 'archive' }
  await askWith(client)
  t.match(seen[0]?.headers, { 'x-team': 'library', authorization: 'Basic eDp5' })
  t.match(seen[1]?.headers, { 'x-team': 'archive', authorization: 'Bearer sk-a' })
  await ask({ baseUrl: url, apiKey: undefined, headers: { 'x-key': 'k' } })
  t.equal(seen[2]?.headers.authorization, undefined)
  t.equal(seen[2]?.headers['x-key'], 'k')
})

t.test('another host gets neither the key nor the headers', async t => {
  const there = await serve(t)
  const here = await serve(t, ({ url = '' }, reply) =>
    url.startsWith('/v1')
      ? void reply.writeHead(307, { location: `/v2${url.slice(3)}` }).end('moved')
      : void reply.writeHead(308, { location: there.url.replace('/v1', url) }).end('moved'),
  )
  t.equal(await ask({ baseUrl: here.url, headers: { 'x-team': 'library', 'api-key': 'k' } }), 'Two weeks.')
  t.match(
    here.seen.map(({ headers }) => [headers.authorization, headers['x-team']]),
    [
      ['Bearer sk-a', 'library'],
      ['Bearer sk-a', 'library'],
    ],
    'the same host does',
  )
  for (const name of ['authorization', 'x-team', 'api-key']) t.equal(there.seen[0]?.headers[name], undefined, name)
})

t.test('an API that has moved for good says so; one that moves on and on fails', async t => {
  const moved = await serve(t, (_, reply) => void reply.writeHead(301, { location: 'https://example.com/' }).end())
  t.match(await errorOf(ask({ baseUrl: moved.url })), { code: 'model_rejected', detail: /Set OPENAI_BASE_URL/ })
  const restless = await serve(t, ({ url = '' }, reply) => void reply.writeHead(307, { location: url }).end())
  t.match(await errorOf(ask({ baseUrl: restless.url })), { code: 'model_unreachable' })
  t.ok(restless.seen.length < 10)
})

t.test('a key that was replaced is tried at once', async t => {
  const onlyNew: Answer = (incoming, reply) =>
    incoming.headers.authorization === 'Bearer new' ? say(incoming, reply) : void reply.writeHead(401).end('{}')
  const { url, seen } = await serve(t, onlyNew)
  let read = 0
  const client = createOpenAIClient({
    apiKey: 'old',
    baseUrl: url,
    timeoutMs: 60_000,
    onKeyRejected() {
      read++
      if (read === 2) client.apiKey = 'new'
    },
  })
  t.match(await errorOf(askWith(client)), { code: 'model_rejected', detail: /OPENAI_API_KEY/ })
  t.equal(seen.length, 1, 'the same key is not tried again')
  t.equal(await askWith(client), 'Two weeks.')
  t.equal(await askWith(client), 'Two weeks.')
  t.same([read, seen.length], [2, 4])
})

t.test('a reranker: headers, and a key that was replaced', async t => {
  const { url, seen } = await serve(t, ({ headers }, reply) => {
    const isNew = headers.authorization === 'Bearer new'
    reply.writeHead(isNew ? 200 : 403, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    reply.end(gzipSync(JSON.stringify({ results: [{ index: 0, relevance_score: 0.5 }] })))
  })
  const followed = new Map<string, (text: string) => void>()
  const reranker = createReranker(
    { url, model: 'm', apiKey: 'old', headers: { 'x-team': 'library' } },
    {
      follow: (name, onChange) => void followed.set(name, onChange),
      onKeyRejected: () => followed.get('RERANK_API_KEY')?.('new'),
    },
  )
  t.same(await reranker.score('Which?', ['text'], never), [0.5])
  followed.get('RERANK_HEADERS')?.('X-Team: archive')
  await reranker.score('Which?', ['text'], never)
  t.same(
    seen.map(({ headers }) => [headers.authorization, headers['x-team']]),
    [
      ['Bearer old', 'library'],
      ['Bearer new', 'library'],
      ['Bearer new', 'archive'],
    ],
  )
})

/** A proxy that connects as it is told (CONNECT), for a name that it alone knows. */
async function startProxy(test: Test, { isOpen = true, forward }: { isOpen?: boolean; forward?: Answer } = {}) {
  const seen: string[] = []
  const sockets = new Set<Duplex>()
  const refuse: Answer = (_, reply) => void reply.writeHead(405).end()
  const proxy = createServer(forward ?? refuse)
  proxy.on('connect', ({ url = '' }: IncomingMessage, socket: Duplex) => {
    seen.push(url)
    sockets.add(socket)
    if (!isOpen) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const upstream: Socket = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(upstream).pipe(socket)
    })
    for (const end of [socket, upstream]) end.on('error', () => [socket, upstream].forEach(each => each.destroy()))
  })
  const port = await listen(test, proxy)
  test.teardown(() => sockets.forEach(socket => socket.destroy()))
  return { seen, url: `http://127.0.0.1:${port}` }
}

function setProxy(test: Test, variables: Readonly<Record<string, string>>): void {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap(name => [name, name.toLowerCase()])
  const before = names.map(name => [name, process.env[name]] as const)
  for (const name of names) delete process.env[name]
  Object.assign(process.env, variables)
  test.teardown(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
}

t.test('proxies of the environment', async t => {
  const model = await serve(t)
  const hidden = `http://model.invalid:${model.port}/v1`

  for (const name of ['HTTP_PROXY', 'http_proxy']) {
    t.test(`${name} is used, also for the reranker`, async t => {
      const proxy = await startProxy(t)
      setProxy(t, { [name]: proxy.url })
      t.equal(await ask({ baseUrl: hidden }), 'Two weeks.')
      t.same(proxy.seen, [`model.invalid:${model.port}`])
      const reranker = createReranker({ url: `${hidden}/rerank`, model: 'm', apiKey: undefined })
      t.match(await errorOf(reranker.score('Which?', ['text'], never)), { code: 'model_failed' }, 'it was reached')
      t.equal(proxy.seen.length, 2)
    })
  }

  t.test('a proxy that opens no tunnel to this port passes the request on', async t => {
    const forwarded: string[] = []
    const forward: Answer = (incoming, reply) => {
      forwarded.push(incoming.url ?? '')
      incoming.resume().once('end', () => say(incoming, reply))
    }
    const proxy = await startProxy(t, { isOpen: false, forward })
    setProxy(t, { HTTP_PROXY: proxy.url })
    const client = createOpenAIClient({ apiKey: 'sk-a', baseUrl: hidden, timeoutMs: 60_000 })
    for (let times = 0; times < 2; times++) t.equal(await askWith(client), 'Two weeks.')
    t.same([proxy.seen.length, forwarded], [1, Array(2).fill(`${hidden}/chat/completions`)])
  })

  t.test('NO_PROXY, and this machine, are reached without it', async t => {
    const proxy = await startProxy(t)
    setProxy(t, { HTTP_PROXY: proxy.url, NO_PROXY: 'other.example, model.invalid' })
    t.equal(await ask({ baseUrl: model.url }), 'Two weeks.', '127.0.0.1')
    t.equal(await ask({ baseUrl: model.url.replace('127.0.0.1', 'localhost') }), 'Two weeks.', 'localhost')
    t.match(await errorOf(ask({ baseUrl: hidden })), { code: 'model_unreachable' }, 'no such name without the proxy')
    t.same(proxy.seen, [])
  })

  t.test('HTTPS_PROXY is for https', async t => {
    const proxy = await startProxy(t, { isOpen: false })
    setProxy(t, { HTTPS_PROXY: proxy.url })
    t.match(await errorOf(ask({ baseUrl: 'https://model.invalid/v1' })), {
      code: 'model_unreachable',
      detail: /^The proxy refused/,
    })
    t.same(proxy.seen, ['model.invalid:443'])
    t.match(await errorOf(ask({ baseUrl: hidden })), { code: 'model_unreachable' })
    t.equal(proxy.seen.length, 1)
  })
})
