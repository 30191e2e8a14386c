import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { atLeast } from '../support/at-least.ts'
import t, { type Test } from 'tap'
import { anyWorld, type App } from '../support/app.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { sseEvents } from '../support/sse.ts'

/** What becomes of the replies that providers really send: in JSON, in streams, and in the caches. */

type Answer = (reply: ServerResponse) => unknown

/** A chat model whose every byte is the test's own. */
async function startProvider(test: Test) {
  const provider = { answer: ((reply: ServerResponse) => void reply.end()) as Answer, calls: 0, url: '' }
  const server = createServer((incoming, reply) => {
    provider.calls++
    incoming.resume().once('end', () => provider.answer(reply))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return provider
}

const event = (data: object | string) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const word = (content: unknown, finish_reason: string | null = null, more = {}) =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason, ...more }] })
const done = event('[DONE]')
const streamed = (...pieces: readonly string[]): Answer => {
  return reply => {
    reply.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.end(pieces.join(''))
  }
}

let asked = 0
/** Another question each time, about the same thing. */
const anew = () => `${++asked}. How much does a place in the dormitory cost?`

async function askStream(app: App, question: string) {
  const events = sseEvents((await app.ask({ question, stream: true })).text)
  return { last: events.at(-1), events }
}

t.test('replies of providers', async t => {
  const provider = await startProvider(t)
  const app = await startHandbookApp(t, anyWorld, {
    OPENAI_BASE_URL: provider.url,
    CHAT_MODEL: 'm',
    GROUNDING: 'off',
    EMBEDDING_MODEL: 'local',
    ABSTAIN_BELOW: '0',
    RATE_LIMIT: '0',
    SEMANTIC_CACHE: 'off',
  })
  const told = 'A place costs 12,000 tenge a month [1].'

  t.test('an answer that reached its limit says so, and is cached nowhere', async t => {
    provider.answer = streamed(word('A place costs 12,000 tenge a month [1], un'), word('', 'length'), done)
    const question = anew()
    const before = provider.calls
    for (const times of [1, 2]) {
      const { json } = await app.ask({ question })
      t.match(json, { answer: /, un$/, truncated: true, generator: 'llm', degraded: [], cache: { status: 'miss' } })
      t.equal(provider.calls - before, times, 'the model was asked')
      const explained = await app.ask({ question, include: ['explain', 'timings'] })
      t.match(explained.json, { truncated: true })
      provider.calls--
    }
    const { last } = await askStream(app, question)
    t.match(last, { event: 'done', data: { truncated: true, cache: { status: 'miss' } } })
    provider.answer = streamed(word(told, 'stop'), done)
    const whole = await app.ask({ question })
    t.match(whole.json, { answer: told, cache: { status: 'miss' } })
    t.notOk('truncated' in whole.json)
    t.match((await app.ask({ question })).json, { answer: told, cache: { status: 'hit' } })
  })

  const whole: Readonly<Record<string, Answer>> = {
    'a list of parts': streamed(
      word([{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }]),
      word([{ type: 'text', text: 'A place costs ' }]),
      word('12,000 tenge a month [1].'),
      word('', 'stop'),
      done,
    ),
    'kept open after [DONE]': reply => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.write(word(told, 'stop') + done)
    },
    'cut after [DONE]': reply => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.write(word(told, 'stop') + done, () => void atLeast(20).then(() => reply.socket?.destroy()))
    },
    'no reason, but [DONE]': streamed(word(told, ''), done),
    'JSON in place of a stream': reply =>
      reply
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ choices: [{ message: { content: told }, finish_reason: 'stop' }] })),
  }
  for (const [name, answer] of Object.entries(whole)) {
    t.test(`whole, and cached: ${name}`, async t => {
      provider.answer = answer
      const question = anew()
      t.match((await app.ask({ question })).json, { answer: told, degraded: [], cache: { status: 'miss' } })
      provider.answer = reply => void reply.writeHead(500).end()
      t.match((await app.ask({ question })).json, { answer: told, degraded: [], cache: { status: 'hit' } })
      provider.answer = answer
      const { last, events } = await askStream(app, anew())
      const said = events.flatMap(each => (each.event === 'delta' ? [each.data.text] : [])).join('')
      t.match([said, last], [told, { event: 'done', data: { answer: told, degraded: [] } }])
    })
  }

  const broken: Readonly<Record<string, readonly [Answer, string]>> = {
    'an empty reason, then the end': [streamed(word('A place costs ', ''), word('12,000 tenge, except', '')), 'failed'],
    'the reason "null", then the end': [streamed(word('A place costs 12,000 tenge, except', 'null')), 'failed'],
    'the reason error': [streamed(word('A place costs '), word('', 'error'), done), 'failed'],
    'the reason abort': [streamed(word('A place costs '), word('', 'abort'), done), 'failed'],
    'a content filter': [streamed(word('A place costs '), word('', 'content_filter'), done), 'rejected'],
    'an error of a choice': [
      streamed(word('A place costs '), word('', 'stop', { error: { code: 502, message: 'upstream' } }), done),
      'failed',
    ],
  }
  for (const [name, [answer, code]] of Object.entries(broken)) {
    t.test(`never whole, never cached: ${name}`, async t => {
      provider.answer = answer
      const question = anew()
      t.match((await app.ask({ question })).json, { generator: 'extractive', degraded: ['generation'] })
      const { last } = await askStream(app, anew())
      t.match(last, { event: 'error', data: { code: `model_${code}` } })
      provider.answer = streamed(word(told, 'stop'), done)
      t.match((await app.ask({ question })).json, { answer: told, degraded: [], cache: { status: 'miss' } })
      // The failures of the provider must not keep the next test from it.
      for (let times = 0; times < 3; times++) await app.ask({ question: anew() })
    })
  }
})
