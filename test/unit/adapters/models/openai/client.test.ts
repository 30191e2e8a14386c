import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { ChatEvent, ChatModel } from '../../../../../src/ask/generation/chat.ts'
import { createChat } from '../../../../../src/adapters/models/openai/chat.ts'
import { createEmbedder, openEmbedder } from '../../../../../src/adapters/models/openai/embedder.ts'
import { createOpenAIClient, providerOf } from '../../../../../src/adapters/models/openai/client.ts'
import { silent } from '../../../../../src/events.ts'
import { meterEmbedder } from '../../../../../src/adapters/models/metered.ts'
import { traceEmbedder } from '../../../../../src/adapters/models/traced-embedder.ts'
import { AskError, isAskError } from '../../../../../src/errors.ts'
import { namedModel } from '../../../../../src/ingest/named-model.ts'
import { startModel } from '../../../../support/model.ts'
import { until } from '../../../../support/until.ts'

const key = 'sk-a-secret-key'
const never = new AbortController().signal
const request = { system: 'Be brief.', messages: [{ role: 'user', content: 'Hello?' }], maxTokens: 50 } as const

function clientOf(baseUrl: string, timeoutMs = 60_000) {
  return createOpenAIClient({ apiKey: key, baseUrl, timeoutMs })
}

async function all(chat: ChatModel, signal = never): Promise<ChatEvent[]> {
  return await Array.fromAsync(chat.stream(request, signal))
}

function textOf(events: readonly ChatEvent[]): string {
  return events.map(event => (event.type === 'text' ? event.text : '')).join('')
}

async function errorOf(work: Promise<unknown>): Promise<AskError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isAskError(error)) return error
  throw new Error('no AskError', { cause: error })
}

type Reply = (body: Record<string, unknown>, reply: ServerResponse, request: IncomingMessage) => void

/** A server whose every word is the test's own; keeps what it was sent. */
async function startServer(test: Test, answer: Reply) {
  const bodies: Record<string, unknown>[] = []
  const sockets = new Set<unknown>()
  const server = createServer(async (incoming, reply) => {
    const body = (await json(incoming)) as Record<string, unknown>
    sockets.add(incoming.socket)
    bodies.push(body)
    answer(body, reply, incoming)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, bodies, sockets }
}

function refuse(reply: ServerResponse, status: number, message: string, headers = {}): void {
  const body = { error: { message, type: 'invalid_request_error', param: null, code: null } }
  reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

function speak(reply: ServerResponse, chunks: readonly object[], end = 'data: [DONE]\n\n'): void {
  reply.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const chunk of chunks) reply.write(`data: ${JSON.stringify(chunk)}\n\n`)
  reply.end(end)
}

const word = (content: string, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason }],
})

t.test('chat: words, then the end with its reason and usage', async t => {
  const model = await startModel(t, { chat: { answer: 'Good morning to you' } })
  const events = await all(createChat(clientOf(model.url), { model: 'test-chat' }))
  t.equal(textOf(events), 'Good morning to you')
  t.match(events.at(-1), { type: 'end', finishReason: 'stop', usage: { llmCalls: 1, completionTokens: 4 } })
  t.match(model.chat.requests[0]?.body, { model: 'test-chat', max_tokens: 50, stream_options: { include_usage: true } })
  t.equal(model.chat.requests[0]?.body.messages[0]?.role, 'system')
})

t.test('chat: a count of tokens that is none counts as 0', async t => {
  const counts = ['"12"', '"many"', '-1', '1.5', '1e999', '{}', '[3]', 'null', 'true', '9007199254740992']
  for (const count of counts) {
    const usage = `data: {"choices":[],"usage":{"prompt_tokens":${count},"completion_tokens":7}}\n\n`
    const server = await startServer(t, (_, reply) => speak(reply, [word('Hi', 'stop')], usage))
    const events = await all(createChat(clientOf(server.url), { model: 'm' }))
    t.strictSame(
      events.at(-1),
      { type: 'end', finishReason: 'stop', usage: { llmCalls: 1, promptTokens: 0, completionTokens: 7 } },
      count,
    )
  }
})

t.test('chat: a word that is none is left out', async t => {
  const server = await startServer(t, (_, reply) =>
    speak(reply, [word('Hi'), word({} as string), word(5 as unknown as string), word('!', 'stop')]),
  )
  t.equal(textOf(await all(createChat(clientOf(server.url), { model: 'm' }))), 'Hi!')
})

t.test('chat: a reply that reached its limit says so', async t => {
  const model = await startModel(t, { chat: { answer: 'word '.repeat(80) } })
  const events = await all(createChat(clientOf(model.url), { model: 'test-chat' }))
  t.match(events.at(-1), { type: 'end', finishReason: 'length' })
})

t.test("chat: a model's refusal is text", async t => {
  const model = await startModel(t, { chat: { refuse: true } })
  t.match(textOf(await all(createChat(clientOf(model.url), { model: 'm' }))), /can't help/)
})

t.test("chat: a model's thoughts are not its answer", async t => {
  const answers = {
    '<think>Hm. A refund?</think>\n\nTwo weeks.': 'Two weeks.',
    'a <think>b</think>': 'a <think>b</think>',
    '<th>x': '<th>x',
  }
  for (const [said, answer] of Object.entries(answers)) {
    const server = await startServer(t, (_, reply) =>
      speak(reply, [...[...said].map(letter => word(letter)), word('', 'stop')]),
    )
    t.equal(textOf(await all(createChat(clientOf(server.url), { model: 'm' }))), answer)
  }
  const endless = await startServer(t, (_, reply) => speak(reply, [word('<think>on and on'), word('', 'length')]))
  t.match(await errorOf(all(createChat(clientOf(endless.url), { model: 'm' }))), {
    code: 'model_failed',
    detail: /MAX_ANSWER_TOKENS/,
  })
})

t.test('connections are kept and used again', async t => {
  const server = await startServer(t, (_, reply) => speak(reply, [word('Hi', 'stop')]))
  const chat = createChat(clientOf(server.url), { model: 'm' })
  for (let i = 0; i < 6; i++) await all(chat)
  // Fewer than calls: one may not be free again by the time that the next call starts.
  t.ok(server.sockets.size < 6, `${server.sockets.size} connections`)
})

t.test('no key: no Authorization header', async t => {
  const model = await startModel(t)
  const client = createOpenAIClient({ apiKey: undefined, baseUrl: model.url, timeoutMs: 60_000 })
  await all(createChat(client, { model: 'm' }))
  t.equal(model.chat.requests[0]?.headers.authorization, undefined)
})

t.test('an aborted signal: the socket is closed at once and the reason is thrown', async t => {
  for (const behaviour of [{ silent: true }, { answer: 'one two', stallAfterTokens: 1 }, { delayMs: 60_000 }]) {
    const model = await startModel(t, { chat: behaviour })
    const controller = new AbortController()
    const reason = new Error('the client left')
    const heard: ChatEvent[] = []
    const work = (async () => {
      for await (const event of createChat(clientOf(model.url), { model: 'm' }).stream(request, controller.signal))
        heard.push(event)
    })()
    await until('it is asked', () => model.chat.requests.length === 1)
    if (behaviour.stallAfterTokens === 1) await until('its first word is heard', () => heard.length > 0)
    controller.abort(reason)
    await t.rejects(work, reason)
    await until('no socket is open', () => model.openSockets === 0)
    t.equal(model.chat.aborted, 1)
  }
})

t.test('leaving the iterator between two words closes the socket', async t => {
  const model = await startModel(t, { chat: { answer: 'one two three', stallAfterTokens: 2 } })
  for await (const event of createChat(clientOf(model.url), { model: 'm' }).stream(request, never))
    if (event.type === 'text') break
  await until('no socket is open', () => model.openSockets === 0)
  t.equal(model.chat.aborted, 1)
})

t.test('a reply that says the quota is used: whoever makes the calls learns until when', async t => {
  const pauses: number[] = []
  for (const remaining of ['3', '0']) {
    const server = await startServer(t, (_, reply) => {
      reply.writeHead(200, {
        'content-type': 'text/event-stream',
        'x-ratelimit-limit-requests': '60',
        'x-ratelimit-remaining-requests': remaining,
        'x-ratelimit-reset-requests': '1m0s',
      })
      const choice = { index: 0, delta: { content: 'yes' }, finish_reason: 'stop' }
      reply.end(`data: ${JSON.stringify({ choices: [choice] })}\n\ndata: [DONE]\n\n`)
    })
    const chat = createChat(clientOf(server.url), { model: 'm' })
    const call = { onQuotaUsed: (ms: number) => void pauses.push(ms) }
    t.equal(textOf(await Array.fromAsync(chat.stream(request, never, call))), 'yes')
  }
  t.same(pauses, [1000])
})

t.test('a reply begins with its first token, also of reasoning, and not with the role', async t => {
  let begun = 0
  for (const isEmpty of [true, false]) {
    const server = await startServer(t, async (_, reply) => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      const send = (delta: object, finish_reason: string | null = null) =>
        reply.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`)
      send({ role: 'assistant', content: '' }, isEmpty ? 'stop' : null)
      if (!isEmpty) {
        send({ reasoning_content: 'hm' })
        await until('it has begun', () => begun > 0)
        send({ content: 'yes' }, 'stop')
      }
      reply.end('data: [DONE]\n\n')
    })
    const chat = createChat(clientOf(server.url), { model: 'm' })
    const heard = Array.fromAsync(chat.stream(request, never, { onBegun: () => void begun++ }))
    if (isEmpty) await t.rejects(heard, { code: 'model_failed' })
    else t.equal(textOf(await heard), 'yes')
    t.equal(begun, isEmpty ? 0 : 1)
  }
})

t.test('a signal that was aborted before: nothing is sent', async t => {
  const model = await startModel(t)
  await t.rejects(all(createChat(clientOf(model.url), { model: 'm' }), AbortSignal.abort(new Error('gone'))), {
    message: 'gone',
  })
  t.equal(model.chat.requests.length, 0)
})

t.test('a cut or unfinished stream never looks complete', async t => {
  const model = await startModel(t, { chat: { answer: 'one two three four', cutAfterTokens: 2 } })
  const chat = createChat(clientOf(model.url), { model: 'm' })
  t.equal((await errorOf(all(chat))).code, 'model_failed')

  const endings: readonly (readonly [object[], string])[] = [
    [[word('half a')], ''],
    [[word('half a', '')], ''],
    [[word('half a')], 'data: {"choices": [{"del'],
    [[word('half a'), { error: { message: 'the GPU caught fire', code: 500 } }], ''],
    [[], '<html>welcome to the proxy</html>'],
    [[word('', 'stop')], 'data: [DONE]\n\n'],
  ]
  for (const [chunks, end] of endings) {
    const server = await startServer(t, (_, reply) => speak(reply, chunks, end))
    const error = await errorOf(all(createChat(clientOf(server.url), { model: 'm' })))
    t.equal(error.code, 'model_failed', end || JSON.stringify(chunks))
    t.notMatch(error.detail, /GPU|html/)
  }
})

t.test('a stream that says it is busy is busy', async t => {
  const server = await startServer(t, (_, reply) =>
    speak(reply, [{ error: { message: 'slow down', code: 'rate_limit_exceeded' } }], ''),
  )
  t.equal((await errorOf(all(createChat(clientOf(server.url), { model: 'm' })))).code, 'model_busy')
})

t.test('every status has its code, and no detail shows the key or the words of the server', async t => {
  const codes = {
    400: 'model_rejected',
    401: 'model_rejected',
    403: 'model_rejected',
    404: 'model_rejected',
    422: 'model_rejected',
    429: 'model_busy',
    500: 'model_failed',
    503: 'model_failed',
  }
  for (const [status, code] of Object.entries(codes)) {
    const server = await startServer(t, (_, reply) => refuse(reply, Number(status), `key ${key} is wrong`))
    const error = await errorOf(all(createChat(clientOf(server.url), { model: 'my-model' })))
    t.equal(error.code, code, status)
    t.notMatch(error.detail, /secret|is wrong|127\.0\.0\.1/)
    t.equal(server.bodies.length, 1, 'one call')
  }
})

t.test('busy: Retry-After in seconds, as a date, and in milliseconds', async t => {
  const inAMinute = new Date(Date.now() + 60_000).toUTCString()
  const cases = [
    [{ 'retry-after': '7' }, 7],
    [{ 'retry-after-ms': '1500' }, 2],
    [{ 'retry-after': inAMinute }, 60],
    [{}, undefined],
    [{ 'retry-after': 'soon' }, undefined],
  ] as const
  for (const [headers, seconds] of cases) {
    const server = await startServer(t, (_, reply) => refuse(reply, 429, 'busy', headers))
    const { retryAfter } = await errorOf(all(createChat(clientOf(server.url), { model: 'm' })))
    // A date comes nearer while it is asked.
    t.ok(seconds === 60 ? retryAfter! > 0 && retryAfter! <= 60 : retryAfter === seconds, String(retryAfter))
  }
})

t.test('a quota that is used up is no wait', async t => {
  const body = JSON.stringify({ error: { message: 'pay', code: 'insufficient_quota' } })
  const server = await startServer(t, (_, reply) =>
    reply.writeHead(429, { 'content-type': 'application/json' }).end(body),
  )
  t.equal((await errorOf(all(createChat(clientOf(server.url), { model: 'm' })))).code, 'model_rejected')
})

t.test('nobody there, no such host, no reply in time: unreachable', async t => {
  const stopped = await startModel(t)
  await stopped.stop()
  const mute = await startModel(t, { chat: { silent: true } })
  for (const client of [clientOf(stopped.url), clientOf('http://no-such-host.invalid/v1'), clientOf(mute.url, 80)]) {
    t.equal((await errorOf(all(createChat(client, { model: 'm' })))).code, 'model_unreachable')
  }
  const rude = await startServer(t, (_, reply) => reply.socket?.destroy())
  t.equal((await errorOf(all(createChat(clientOf(rude.url), { model: 'm' })))).code, 'model_failed')
})

t.test('a server that wants another field is asked again that way, and remembered', async t => {
  const cases = [
    [
      'max_tokens',
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ],
    ['stream_options', 'Unknown field: stream_options'],
  ] as const
  for (const [field, message] of cases) {
    const server = await startServer(t, (body, reply) =>
      field in body ? refuse(reply, 400, message) : speak(reply, [word('Hi', 'stop')]),
    )
    const chat = createChat(clientOf(server.url), { model: 'm' })
    t.equal(textOf(await all(chat)), 'Hi')
    t.equal(textOf(await all(chat)), 'Hi')
    t.equal(server.bodies.length, 3)
    t.notOk(field in (server.bodies[2] ?? {}))
  }
})

t.test('a model without a system role gets it in front of the first turn', async t => {
  const server = await startServer(t, ({ messages }, reply) => {
    const [first] = messages as { role: string }[]
    if (first?.role === 'system') return refuse(reply, 400, 'System role not supported')
    speak(reply, [word('Hi', 'stop')])
  })
  await all(createChat(clientOf(server.url), { model: 'm' }))
  t.strictSame(server.bodies[1]?.['messages'], [{ role: 'user', content: 'Be brief.\n\nHello?' }])
})

t.test('a refusal without a word is tried once more, and not remembered when that did not help', async t => {
  const server = await startServer(t, (_, reply) =>
    reply.writeHead(422, { 'content-type': 'application/json' }).end('{"detail":[]}'),
  )
  const chat = createChat(clientOf(server.url), { model: 'm' })
  t.equal((await errorOf(all(chat))).code, 'model_rejected')
  await errorOf(all(chat))
  t.strictSame(
    server.bodies.map(body => 'stream_options' in body),
    [true, false, true, false],
  )
})

t.test('who runs the API is told from the address', t => {
  const of = (url: string) => providerOf(clientOf(url))
  t.equal(of('https://api.openai.com/v1'), 'openai')
  t.equal(of('https://us.openai.azure.com/openai/v1'), 'azure.ai.openai')
  t.equal(of('http://localhost:11434/v1'), 'openai_compatible')
  t.equal(of('https://api.openai.com.evil.example/v1'), 'openai_compatible')
  t.end()
})

const embedding = { model: 'test-embedding', maxTokens: 500, languages: 'any' } as const

t.test('embedder: learns its dimensions; vectors are of unit length, in the order of the texts', async t => {
  const model = await startModel(t)
  const embedder = await openEmbedder(clientOf(model.url), embedding, never)
  t.equal(embedder.dimensions(), 256)
  const texts = Array.from({ length: 200 }, (_, i) => `text number ${i}`)
  const vectors = await embedder.embed(texts, never)
  const sizes = model.embeddings.requests.slice(1).map(({ body }) => body.input.length)
  t.equal(sizes[0], 8, 'how quick the model is, is unknown')
  t.equal(
    sizes.reduce((sum, size) => sum + size),
    texts.length,
  )
  t.ok(sizes.length <= 7 && Math.max(...sizes) <= 96, sizes.join())
  for (const vector of vectors) t.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5)
  const [alone] = await embedder.embed(['text number 150'], never)
  t.strictSame(vectors[150], alone)
  t.equal(model.embeddings.requests[0]?.body.encoding_format, 'base64')
})

t.test('embedder: its dimensions are null until its first vector, through its wrappers too', async t => {
  const model = await startModel(t)
  const embedder = createEmbedder(clientOf(model.url), { ...embedding, dimensions: null })
  const wrapped = meterEmbedder(traceEmbedder(embedder, { model: 'a' }), silent)
  t.equal(wrapped.dimensions(), null)
  t.throws(() => namedModel(wrapped), { code: 'model_unreachable', retryAfter: 5 })
  await embedder.embed(['text'], never)
  t.equal(wrapped.dimensions(), 256)
  t.same(namedModel(wrapped), { name: 'test-embedding', dimensions: 256 })
})

t.test(
  'embedder: prefixes stand before texts of their kind, take their room, and the one of passages is in the name',
  async t => {
    const model = await startModel(t)
    const prefixes = { query: 'search_query: ', passage: 'search_document: ' }
    const embedder = await openEmbedder(clientOf(model.url), { ...embedding, prefixes }, never)
    await embedder.embed(['one', 'two'], never)
    await embedder.embed(['three'], never, 'passage')
    await embedder.embed(['four'], never, 'query')
    const inputs = model.embeddings.requests.slice(1).map(({ body }) => body.input)
    t.strictSame(inputs, [
      ['search_document: one', 'search_document: two'],
      ['search_document: three'],
      ['search_query: four'],
    ])
    t.ok(embedder.maxTokens < 500 && embedder.maxTokens > 480)
    t.equal(embedder.model, 'test-embedding + search_document:')
    t.equal(
      (await openEmbedder(clientOf(model.url), { ...embedding, prefixes: { ...prefixes, passage: '' } }, never)).model,
      'test-embedding',
    )
  },
)

t.test('embedder: calls are split by tokens too', async t => {
  const model = await startModel(t)
  const embedder = createEmbedder(clientOf(model.url), { ...embedding, maxTokens: 8000, dimensions: 8 })
  await embedder.embed(
    Array.from({ length: 30 }, () => 'word '.repeat(5000)),
    never,
  )
  t.ok(model.embeddings.requests.length >= 3)
  t.equal(model.embeddings.requests[0]?.body.dimensions, 8)
})

t.test('embedder: questions at the same moment share one call', async t => {
  const model = await startModel(t)
  const embedder = await openEmbedder(clientOf(model.url), embedding, never)
  const alone = await embedder.embed(['second'], never)
  const shared = await Promise.all(['first', 'second', 'third'].map(text => embedder.embed([text], never)))
  t.equal(model.embeddings.requests.length, 3)
  t.strictSame(shared[1], alone)
})

t.test('embedder: one who leaves does not take the others along; the last one ends the call', async t => {
  const model = await startModel(t)
  const embedder = await openEmbedder(clientOf(model.url), embedding, never)
  const reply = Promise.withResolvers<void>()
  model.embeddings.behave({ held: reply.promise })
  const [a, b] = [new AbortController(), new AbortController()]
  const leaving = embedder.embed(['leaves'], a.signal)
  const staying = embedder.embed(['stays'], b.signal)
  await until('both are asked for', () => model.embeddings.requests.length === 2)
  a.abort(new Error('left'))
  await t.rejects(leaving, { message: 'left' })
  reply.resolve()
  t.equal((await staying).length, 1)
  t.equal(model.embeddings.aborted, 0)

  model.embeddings.behave({ silent: true })
  const both = [embedder.embed(['x'], b.signal), embedder.embed(['y'], b.signal)]
  await until('both are asked for', () => model.embeddings.requests.length === 3)
  b.abort(new Error('all left'))
  await Promise.all(both.map(each => t.rejects(each, { message: 'all left' })))
  await until('the call has ended', () => model.embeddings.aborted === 1)
})

t.test('embedder: one text that the server refuses does not fail its neighbours', async t => {
  const server = await startServer(t, ({ input }, reply) => {
    const texts = input as string[]
    if (texts.includes('poison')) return refuse(reply, 400, 'too long')
    reply.writeHead(200, { 'content-type': 'application/json' })
    reply.end(JSON.stringify({ data: texts.map((_, index) => ({ index, embedding: [3, 4] })) }))
  })
  const embedder = createEmbedder(clientOf(server.url), { ...embedding, dimensions: 2 })
  const [good, bad] = await Promise.allSettled([embedder.embed(['good'], never), embedder.embed(['poison'], never)])
  t.match(good, { status: 'fulfilled' })
  t.match(bad, { status: 'rejected', reason: { code: 'model_rejected' } })
})

t.test('embedder: numbers instead of base64, and in another order', async t => {
  const data = [
    { index: 1, embedding: [0, 2] },
    { index: 0, embedding: [3, 4] },
  ]
  const server = await startServer(t, (body, reply) => {
    if (body['encoding_format'] === 'base64') return refuse(reply, 400, 'encoding_format must be float')
    reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }))
  })
  const embedder = createEmbedder(clientOf(server.url), { ...embedding, dimensions: 2 })
  const vectors = await embedder.embed(['a', 'b'], never)
  t.strictSame(
    vectors.map(vector => [...vector].map(value => Math.round(value * 10))),
    [
      [6, 8],
      [0, 10],
    ],
  )
})

t.test('embedder: a server that takes few texts a call gets fewer', async t => {
  const model = await startServer(t, ({ input }, reply) => {
    const texts = input as string[]
    if (texts.length > 32) return refuse(reply, 413, 'batch size 96 > maximum allowed batch size 32')
    reply.writeHead(200, { 'content-type': 'application/json' })
    reply.end(JSON.stringify({ data: texts.map((text, index) => ({ index, embedding: [Number(text), 1] })) }))
  })
  const embedder = createEmbedder(clientOf(model.url), { ...embedding, dimensions: 2 })
  const vectors = await embedder.embed(
    Array.from({ length: 96 }, (_, i) => String(i)),
    never,
  )
  t.strictSame(
    vectors.map(([x, y]) => Math.round(x! / y!)),
    Array.from({ length: 96 }, (_, i) => i),
  )
})

t.test('embedder: a reply that is not one vector a text is a failure', async t => {
  const bodies = [
    '{}',
    '{"data":[]}',
    '{"data":[{"index":0,"embedding":[0,0]}]}',
    '{"data":[{"index":0,"embedding":["a"]}]}',
    '{"data":[{"index":0,"embedding":"AAA="}]}',
    '{"data":[{"index":5,"embedding":[1,2]}]}',
    '{"data":[{"index":0,"embedding":[1,2,3]}]}',
    '<html>',
    '',
  ]
  for (const body of bodies) {
    const server = await startServer(t, (_, reply) =>
      reply.writeHead(200, { 'content-type': 'application/json' }).end(body),
    )
    const embedder = createEmbedder(clientOf(server.url), { ...embedding, dimensions: 2 })
    t.equal((await errorOf(embedder.embed(['a'], never))).code, 'model_failed', body)
  }
})

t.test('embedder: refuses empty and over-long texts before any call', async t => {
  const model = await startModel(t)
  const embedder = createEmbedder(clientOf(model.url), { ...embedding, dimensions: 256 })
  t.equal((await errorOf(embedder.embed(['fine', ' '], never))).code, 'model_rejected')
  t.equal((await errorOf(embedder.embed(['word '.repeat(600)], never))).code, 'model_rejected')
  t.strictSame(await embedder.embed([], never), [])
  t.equal(model.embeddings.requests.length, 0)
  t.equal(embedder.windowTokens, 256)
  t.ok(embedder.countTokens('Как подать заявление?') > embedder.countTokens('abc'))
})

t.test('embedder: a wrong dimension and an unreachable server are told apart', async t => {
  const model = await startModel(t)
  const embedder = await openEmbedder(clientOf(model.url), embedding, never)
  model.embeddings.behave({ wrongDimension: true })
  t.equal((await errorOf(embedder.embed(['a'], never))).code, 'model_failed')
  model.embeddings.behave({ garbage: true })
  t.equal((await errorOf(embedder.embed(['a'], never))).code, 'model_failed')
  await model.stop()
  t.equal((await errorOf(openEmbedder(clientOf(model.url), embedding, never))).code, 'model_unreachable')
})
