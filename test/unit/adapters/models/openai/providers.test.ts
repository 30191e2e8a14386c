import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { atLeast } from '../../../../support/at-least.ts'
import t, { type Test } from 'tap'
import type { ChatEvent } from '../../../../../src/ask/generation/chat.ts'
import { createOpenAIClient } from '../../../../../src/adapters/models/openai/client.ts'
import { createChat } from '../../../../../src/adapters/models/openai/chat.ts'
import { isAskError, type AskError } from '../../../../../src/errors.ts'
import { until } from '../../../../support/until.ts'

/** What providers and gateways really send, each over a real connection. */

const never = new AbortController().signal
const request = { system: 'Be brief.', messages: [{ role: 'user', content: 'Hello?' }], maxTokens: 50 } as const

async function serve(test: Test, answer: (reply: ServerResponse) => unknown) {
  const seen = { opened: 0, open: 0 }
  const server = createServer((incoming, reply) => void incoming.resume().once('end', () => answer(reply)))
  server.on('connection', socket => {
    seen.opened++
    seen.open++
    socket.once('close', () => seen.open--)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { seen, chat: chatOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`) }
}

function chatOf(baseUrl: string) {
  return createChat(createOpenAIClient({ apiKey: 'sk-a', baseUrl, timeoutMs: 60_000 }), { model: 'm' })
}

type Chat = ReturnType<typeof chatOf>

interface Heard {
  readonly text: string
  readonly end: ChatEvent | undefined
  readonly error: AskError | undefined
}

async function hear(chat: Chat): Promise<Heard> {
  const events: ChatEvent[] = []
  let error: unknown
  try {
    for await (const event of chat.stream(request, never)) events.push(event)
  } catch (failure) {
    error = failure
    if (!isAskError(error)) throw failure
  }
  return {
    text: events.map(event => (event.type === 'text' ? event.text : '')).join(''),
    end: events.find(({ type }) => type === 'end'),
    error: error as AskError | undefined,
  }
}

/** Sends the pieces and ends the reply. */
async function replies(test: Test, ...pieces: readonly string[]): Promise<Heard> {
  const { chat } = await serve(test, reply => {
    reply.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) reply.write(piece)
    reply.end()
  })
  return await hear(chat)
}

const word = (content: unknown, finish_reason: unknown = null, more = {}) => ({
  choices: [{ index: 0, delta: { content }, finish_reason, ...more }],
})
const event = (data: unknown, newline = '\n', prefix = 'data: ') =>
  prefix + (typeof data === 'string' ? data : JSON.stringify(data)) + newline + newline
const done = event('[DONE]')
const usage = { choices: [], usage: { prompt_tokens: 5, completion_tokens: 3 } }

t.test('only a known reason or [DONE] makes a reply whole', async t => {
  for (const reason of ['', 'null', ' ', 'unknown', 0, {}, []]) {
    const name = JSON.stringify(reason)
    const cut = await replies(t, event(word('Two weeks', reason)), event(word(', except', reason)))
    t.match(cut.error, { code: 'model_failed', kind: 'broken_off' }, `${name}: cut off`)
    t.equal(cut.end, undefined)
    const whole = await replies(t, event(word('Two', reason)), event(word(' weeks.', reason)), done)
    t.match(whole, { text: 'Two weeks.', end: { finishReason: 'stop' } }, `${name}: and [DONE]`)
  }
  for (const reason of ['stop', 'STOP', 'eos_token', 'eos', 'end_turn', 'stop_sequence', 'COMPLETE', 'tool_calls']) {
    const whole = await replies(t, event(word('Two weeks.')), event(word('', reason)))
    t.match(whole, { text: 'Two weeks.', end: { finishReason: 'stop' } }, reason)
  }
})

t.test('a reply that reached a limit says so, whatever the server calls it', async t => {
  for (const reason of ['length', 'max_tokens', 'MAX_TOKENS', 'model_length', 'max_output_tokens']) {
    const cut = await replies(t, event(word('Two weeks, ex', reason)), event(usage), done)
    t.match(cut, { text: 'Two weeks, ex', end: { finishReason: 'length', usage: { completionTokens: 3 } } }, reason)
  }
})

t.test('reasons that are failures', async t => {
  const failures = ['error', 'abort', 'ABORTED', 'cancelled', 'insufficient_system_resource', 'network_error']
  for (const reason of failures) {
    const failed = await replies(t, event(word('Two weeks')), event(word('', reason)), done)
    t.match(failed, { text: 'Two weeks', end: undefined, error: { code: 'model_failed' } }, reason)
  }
  for (const reason of ['content_filter', 'SAFETY', 'recitation', 'sensitive', 'refusal']) {
    const filtered = await replies(t, event(word('Two weeks')), event(word('', reason)), done)
    t.match(filtered, { end: undefined, error: { code: 'model_rejected', detail: /content filter/ } }, reason)
  }
})

t.test('errors that a reply reports', async t => {
  const error = (code: unknown, type = 'x') => ({ message: 'secret words', code, type })
  const cases: readonly (readonly [name: string, pieces: readonly string[], code: string])[] = [
    ['at the top', [event({ error: error(500) })], 'model_failed'],
    ['in a choice', [event(word('', 'stop', { error: error(502) })), done], 'model_failed'],
    ['in a choice, with the reason error', [event(word('', 'error', { error: error(429) })), done], 'model_busy'],
    ['as a string', [event({ error: 'Input is too long', error_type: 'overloaded' })], 'model_failed'],
    [
      'an object that says so',
      [event({ object: 'error', message: 'secret words', code: 400 }), done],
      'model_rejected',
    ],
    ['an event of that name', [`event: error\ndata: ${JSON.stringify(error(503))}\n\n`], 'model_failed'],
    ['an event of that name, not JSON', ['event: error\ndata: secret words\n\n'], 'model_failed'],
    ['a field of that name', [`error: ${JSON.stringify(error(500))}\n\n`], 'model_failed'],
    ['of the request', [event({ error: error('context_length_exceeded', 'invalid_request_error') })], 'model_rejected'],
    ['a quota', [event({ error: error('insufficient_quota') })], 'model_rejected'],
    ['too many requests', [event({ error: error('rate_limit_exceeded') })], 'model_busy'],
    ['in place of a stream', [JSON.stringify({ error: error(500) })], 'model_failed'],
  ]
  for (const [name, pieces, code] of cases) {
    const failed = await replies(t, event(word('Two weeks')).repeat(name === 'in place of a stream' ? 0 : 1), ...pieces)
    t.match(failed, { end: undefined, error: { code } }, name)
    t.notMatch(failed.error?.detail, /secret/, name)
  }
})

t.test('a list of parts: its text, without thoughts', async t => {
  const thought = { type: 'thinking', thinking: [{ type: 'text', text: 'Let me look.' }] }
  const heard = await replies(
    t,
    event(word('')),
    event(word([thought])),
    event(word([{ type: 'text', text: 'Two ' }, thought, { type: 'reference', reference_ids: [1] }, null, 'we'])),
    event(word([])),
    event(word('eks.')),
    event(word('', 'stop')),
    done,
  )
  t.match(heard, { text: 'Two weeks.', end: { finishReason: 'stop' } })
  const message = { role: 'assistant', content: [thought, { type: 'text', text: 'Two weeks.' }] }
  const whole = await replies(t, JSON.stringify({ choices: [{ message, finish_reason: 'stop' }] }))
  t.match(whole, { text: 'Two weeks.', end: { finishReason: 'stop' } })
})

t.test('after [DONE] the reply is over, whatever becomes of its connection', async t => {
  const pieces = [event(word('Two weeks.')), event(word('', 'stop')), event(usage), done]
  const endings: Readonly<Record<string, (reply: ServerResponse) => unknown>> = {
    'kept open': () => {},
    'reset a little later': reply => void atLeast(30).then(() => reply.socket?.resetAndDestroy()),
    'cut a little later': reply => void atLeast(30).then(() => reply.socket?.destroy()),
    'goes on talking': reply => {
      const timer = setInterval(() => reply.write(': still here\n\n'.repeat(500)), 5)
      reply.once('close', () => clearInterval(timer))
    },
    'ended a little later': reply => void atLeast(30).then(() => reply.end(event(word('More?')))),
  }
  for (const [name, ending] of Object.entries(endings)) {
    const { chat, seen } = await serve(t, reply => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.write(pieces.join(''), () => ending(reply))
    })
    const heard = await hear(chat)
    t.match(heard, { text: 'Two weeks.', end: { finishReason: 'stop', usage: { promptTokens: 5 } } }, name)
    if (name !== 'ended a little later') await until(`${name}: the connection is closed`, () => seen.open === 0)
  }
})

t.test('a connection whose reply ended after [DONE] serves the next call', async t => {
  const { chat, seen } = await serve(t, reply => {
    reply.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.write(event(word('Yes.', 'stop')) + done)
    setImmediate(() => reply.end())
  })
  for (let times = 0; times < 4; times++) {
    t.equal((await hear(chat)).text, 'Yes.')
    await atLeast(60)
  }
  t.ok(seen.opened < 4, `${seen.opened} connections`)
})

t.test('after a known reason, a reply without [DONE] is over when nothing more comes', async t => {
  const endings: Readonly<Record<string, (reply: ServerResponse) => unknown>> = {
    'kept open': () => {},
    reset: reply => void atLeast(30).then(() => reply.socket?.resetAndDestroy()),
    'kept open with comments': reply => {
      const timer = setInterval(() => reply.write(': ping\n\n'), 20)
      reply.once('close', () => clearInterval(timer))
    },
    'half an event': reply => reply.end('data: {"choices":[],"usage":{"prompt'),
  }
  for (const [name, ending] of Object.entries(endings)) {
    const { chat, seen } = await serve(t, reply => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.write(event(word('Two weeks.', 'stop')), () => void atLeast(20).then(() => ending(reply)))
    })
    t.match(await hear(chat), { text: 'Two weeks.', end: { finishReason: 'stop' } }, name)
    if (name !== 'half an event') await until(`${name}: the connection is closed`, () => seen.open === 0)
  }
})

t.test('a server that gives its reason with each piece is heard to its end', async t => {
  const { chat } = await serve(t, async reply => {
    reply.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.write(event(word('Two', 'STOP')) + event(word(' weeks', 'STOP')))
    for (const text of [' at', ' most.']) {
      reply.write(event(word(text, 'STOP')))
      await atLeast(text === ' at' ? 1300 : 20)
    }
    reply.end(done)
  })
  t.match(await hear(chat), { text: 'Two weeks at most.', end: { finishReason: 'stop' } })
})

t.test('every form of a stream that the standard allows', async t => {
  const text = 'Бібліотека «книги» 📚 28 days.'
  const whole = (newline = '\n', prefix = 'data: ') =>
    [{ choices: [], prompt_filter_results: [] }, word(null), word(text), word(undefined, 'stop'), usage, '[DONE]']
      .map(each => event(each, newline, prefix))
      .join('')
  const forms: Readonly<Record<string, string>> = {
    LF: whole(),
    CRLF: whole('\r\n'),
    CR: whole('\r'),
    'no blank after data:': whole('\n', 'data:'),
    'BOM, comments and other fields': `\uFEFF: OPENROUTER PROCESSING\n\n${whole('\n', 'event: message\nid: 1\nretry: 10\ndata: ')}`,
    'comments between': whole().replaceAll('\n\n', '\n\n: ping\n\n'),
    'no last blank line': whole().trimEnd(),
    'no [DONE], no last blank line': event(word(text)) + event(word('', 'stop')).trimEnd(),
    'no [DONE], one last newline': event(word(text)) + event(word('', 'stop')).slice(0, -1),
    'an event of two data lines': event(word(text)) + 'data: {"choices":\ndata: [{"finish_reason":"stop"}]}\n\n',
    'tool calls': event({ choices: [{ delta: { tool_calls: [{ index: 0 }], content: null } }] }) + whole(),
    'no choices': event({ id: 'x', choices: null }) + event({ id: 'x' }) + whole(),
  }
  for (const [name, body] of Object.entries(forms)) {
    const bytes = Buffer.from(body)
    for (const size of [1, 5, bytes.length]) {
      const { chat } = await serve(t, async reply => {
        reply.writeHead(200, { 'content-type': 'text/event-stream' })
        for (let at = 0; at < bytes.length; at += size) {
          reply.write(bytes.subarray(at, at + size))
          await new Promise(setImmediate)
        }
        reply.end()
      })
      t.match(await hear(chat), { text, end: { finishReason: 'stop' } }, `${name}, ${size} bytes at a time`)
    }
  }
})

t.test('a whole reply in place of a stream', async t => {
  const message = { role: 'assistant', content: 'Two weeks.', reasoning_content: 'Hm.' }
  const body = { object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], ...usageOnly() }
  for (const text of [JSON.stringify(body), `\n${JSON.stringify(body, null, 2)}\n`, event(body) + done]) {
    for (const type of ['application/json', 'text/event-stream']) {
      const { chat } = await serve(t, reply => reply.writeHead(200, { 'content-type': type }).end(text))
      t.match(await hear(chat), { text: 'Two weeks.', end: { finishReason: 'stop', usage: { promptTokens: 7 } } })
    }
  }
  const limited = JSON.stringify({ choices: [{ message, finish_reason: 'length' }] })
  t.match(await replies(t, limited), { text: 'Two weeks.', end: { finishReason: 'length' } })
  const filtered = JSON.stringify({ choices: [{ message, finish_reason: 'content_filter' }] })
  t.match(await replies(t, filtered), { end: undefined, error: { code: 'model_rejected' } })
  t.match(await replies(t, limited.slice(0, 40)), { text: '', end: undefined, error: { code: 'model_failed' } })
})

function usageOnly() {
  return { usage: { prompt_tokens: 7, completion_tokens: 2 } }
}
