import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { ChatEvent } from '../../../../src/ask/generation/chat.ts'
import { createChat } from '../../../../src/adapters/models/openai/chat.ts'
import { createOpenAIClient } from '../../../../src/adapters/models/openai/client.ts'
import { isAskError } from '../../../../src/errors.ts'
import { startModel } from '../../../support/model.ts'
import { until } from '../../../support/until.ts'

const request = { system: 'Be brief.', messages: [{ role: 'user', content: 'Hello?' }], maxTokens: 50 } as const

async function ask(baseUrl: string, signal = new AbortController().signal): Promise<ChatEvent[]> {
  return await Array.fromAsync(chatOf(baseUrl).stream(request, signal))
}

function chatOf(baseUrl: string) {
  return createChat(createOpenAIClient({ apiKey: 'sk-a-secret-key', baseUrl, timeoutMs: 60_000 }), { model: 'm' })
}

function textOf(events: readonly ChatEvent[]): string {
  return events.map(event => (event.type === 'text' ? event.text : '')).join('')
}

/** Counts its connections, open and in all. */
async function serve(test: Test, answer: (request: IncomingMessage, reply: ServerResponse) => void) {
  const connections = { opened: 0, open: 0 }
  const server = createServer((incoming, reply) => void incoming.resume().once('end', () => answer(incoming, reply)))
  server.on('connection', socket => {
    connections.opened++
    connections.open++
    socket.once('close', () => connections.open--)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, connections }
}

const streamed = { 'content-type': 'text/event-stream' }

function chunk(content: string, finish: string | null = null): string {
  return JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })
}

t.test('a model server that was started anew is asked over a new connection', async t => {
  const model = await startModel(t, { chat: { answer: 'one two' } })
  const chat = chatOf(model.url)
  for (let times = 0; times < 3; times++) {
    t.equal(textOf(await Array.fromAsync(chat.stream(request, new AbortController().signal))), 'one two')
    await model.stop()
    await model.start()
  }
})

t.test('who leaves ends the call, and no other connection is opened for it', async t => {
  const { url, connections } = await serve(t, () => {})
  const controller = new AbortController()
  const asked = ask(url, controller.signal)
  await until('it is connected', () => connections.open > 0)
  controller.abort(new Error('left'))
  await t.rejects(asked, new Error('left'))
  await until('the connection is closed', () => connections.open === 0)
  t.equal(connections.opened, 1)
})

t.test('a call tells its length and its key, and that its reply must not be packed', async t => {
  const heads: IncomingMessage['headers'][] = []
  const { url } = await serve(t, ({ headers }, reply) => {
    heads.push(headers)
    reply.writeHead(200, streamed).end(`data: ${chunk('Yes.', 'stop')}\n\n`)
  })
  await ask(url)
  const [head] = heads
  t.equal(head?.['accept-encoding'], 'identity')
  t.equal(head?.authorization, 'Bearer sk-a-secret-key')
  t.ok(Number(head?.['content-length']) > 0, 'of known length')
})

t.test('a server that has moved is followed, and another host is not told the key', async t => {
  let given: string | undefined = 'nothing asked'
  const there = await serve(t, ({ headers, method }, reply) => {
    given = headers.authorization
    reply.writeHead(200, streamed).end(`data: ${chunk(`${method} Yes.`, 'stop')}\n\n`)
  })
  const here = await serve(t, ({ url = '' }, reply) =>
    reply.writeHead(308, { location: there.url.replace('/v1', url) }).end('moved'),
  )
  t.equal(textOf(await ask(here.url)), 'POST Yes.')
  t.equal(given, undefined)
})

t.test('a stream is read alike however its bytes are cut', async t => {
  const text = [
    `: here\r\ndata: ${chunk('Ответ — ')}\r\n\r\n`,
    `event: x\ndata:${chunk('là đây 🙂')}\n\n`,
    `data: ${chunk('', 'stop')}\n\ndata: [DONE]\n\n`,
  ].join('')
  const bytes = Buffer.from(text)
  for (const size of [1, 7, bytes.length]) {
    const { url } = await serve(t, async (_, reply) => {
      reply.writeHead(200, streamed)
      for (let at = 0; at < bytes.length; at += size) {
        reply.write(bytes.subarray(at, at + size))
        await turn()
      }
      reply.end()
    })
    t.equal(textOf(await ask(url)), 'Ответ — là đây 🙂', `${size} at a time`)
  }
})

t.test('an event that broke off in the middle is no part of the reply', async t => {
  const { url } = await serve(t, (_, reply) =>
    reply.writeHead(200, streamed).end(`data: ${chunk('half')}\n\ndata: ${chunk(' more', 'stop').slice(0, -1)}`),
  )
  const chat = chatOf(url)
  const heard: string[] = []
  const reading = (async () => {
    for await (const event of chat.stream(request, new AbortController().signal))
      if (event.type === 'text') heard.push(event.text)
  })()
  const error = await reading.catch((reason: unknown) => reason)
  t.ok(isAskError(error, 'model_failed'), 'it failed')
  t.strictSame(heard, ['half'])
})
