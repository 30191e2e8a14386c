import t from 'tap'
import { guardChat, guardEmbedder } from '../../../../src/adapters/models/guards.ts'
import type { ChatCall, ChatEvent, ChatModel } from '../../../../src/ask/generation/chat.ts'
import type { Embedder } from '../../../../src/ask/retrieval/embedder.ts'
import { AskError, callsMade, loudness } from '../../../../src/errors.ts'
import { silent } from '../../../../src/events.ts'
import { atLeast } from '../../../support/at-least.ts'
import { until } from '../../../support/until.ts'

const never = new AbortController().signal

t.test('uploads that fail or take long leave questions their vectors: the breaker is for questions', async t => {
  let calls = 0
  const broken: Embedder = {
    model: 'a',
    dimensions: () => 1,
    maxTokens: 10,
    windowTokens: 10,
    languages: 'any',
    readsCode: true,
    countTokens: () => 1,
    counting: 'api',
    close: async () => {},
    embed: async () => {
      calls += 1
      throw new AskError('model_failed')
    },
  }
  const guarded = guardEmbedder(broken, 0, { events: silent, onTurn() {} })
  for (let i = 0; i < 20; i++) await t.rejects(guarded.embed(['a passage'], never), { code: 'model_failed' })
  for (let i = 0; i < 20; i++) await t.rejects(guarded.embed(['a passage'], never, 'passage'), { code: 'model_failed' })
  t.equal(calls, 40, 'each was made, once')
  t.equal(guarded.guard.state(), 'closed')
  for (let i = 0; i < 5; i++) await t.rejects(guarded.embed(['a question'], never, 'query'))
  t.equal(guarded.guard.state(), 'open')
})

const request = { system: '', messages: [], maxTokens: 1 }
const soon = () => ({ deadline: performance.now() + 10_000 })

/** A chat model whose replies end when a test says so, and the events that its guard reports. */
function chatOf(options: { readonly maxCalls?: number } = {}) {
  const replies: PromiseWithResolvers<void>[] = []
  const made: (ChatCall | undefined)[] = []
  const declined: string[] = []
  const [retried, paused]: string[][] = [[], []]
  const chat: ChatModel = {
    model: 'm',
    provider: 'p',
    async *stream(_request, _signal, call): AsyncGenerator<ChatEvent> {
      const reply = Promise.withResolvers<void>()
      made.push(call)
      replies.push(reply)
      await reply.promise
      yield { type: 'text', text: 'x' }
      yield { type: 'end', finishReason: 'stop', usage: null }
    },
  }
  const events = {
    ...silent,
    callDeclined: (dependency: string) => void declined.push(dependency),
    callRetried: (dependency: string) => void retried!.push(dependency),
    modelEnded: (dependency: string, fault: string | null) => void (fault === 'paused' && paused!.push(dependency)),
  }
  const guarded = guardChat(chat, { silenceMs: 60_000, ...options }, { events, onTurn() {} })
  const ask = (urgency = soon(), signal = never) => Array.fromAsync(guarded.stream(request, signal, urgency))
  return { replies, made, declined, retried: retried!, paused: paused!, guarded, ask }
}

const settle = () => new Promise(setImmediate)

t.test('no more calls at a time than the model works on: the others wait', async t => {
  const { replies, guarded, ask } = chatOf({ maxCalls: 2 })
  const asked = [ask(), ask(), ask()]
  await settle()
  t.equal(replies.length, 2)
  t.match(guarded.calls.status(), { limit: 2, inFlight: 2, waiting: 1 })
  replies[0]!.resolve()
  await asked[0]
  await settle()
  t.equal(replies.length, 3)
  for (const reply of replies) reply.resolve()
  await Promise.all(asked)
  t.match(guarded.calls.status(), { inFlight: 0, waiting: 0 })
})

t.test('a reply that begins shows that the model works on it: one more call is made', async t => {
  const { replies, made, guarded, ask } = chatOf()
  const asked = Array.from({ length: 20 }, () => ask())
  await settle()
  t.match(guarded.calls.status(), { limit: 16, inFlight: 16, waiting: 4 })
  for (const times of [1, 2]) {
    made[0]?.onBegun?.()
    await settle()
    t.match(guarded.calls.status(), { limit: 17, inFlight: 17, waiting: 3 }, `${times}: it begins once`)
  }
  await until('all are made', () => {
    for (const reply of replies) reply.resolve()
    return replies.length === 20
  })
  for (const reply of replies) reply.resolve()
  await Promise.all(asked)
})

t.test('a model that is busy is not called until it says, and who cannot wait is told at once', async t => {
  const { replies, declined, paused, guarded, ask } = chatOf()
  const first = ask({ deadline: performance.now() + 3000 })
  await settle()
  replies[0]!.reject(new AskError('model_busy', { retryAfter: 5 }))
  const refusal = await first.catch((error: unknown) => error as AskError)
  t.match(refusal, { code: 'model_busy', kind: undefined }, 'not tried again: five seconds are too long')
  t.equal(callsMade(refusal as AskError), 1)
  const failure = await ask({ deadline: performance.now() + 1000 }).catch((error: unknown) => error as AskError)
  t.match(failure, { code: 'model_busy', kind: 'not_called', detail: /^The provider of the language model asked/ })
  t.same([callsMade(failure as AskError), loudness(failure as AskError)], [0, 'debug'], 'no call, and no warning')
  t.same([declined, paused], [[], ['chat']], 'it is not that too many wait')
  const leaving = new AbortController()
  const patient = ask({ deadline: performance.now() + 60_000 }, leaving.signal)
  await settle()
  t.match(guarded.calls.status(), { waiting: 1, inFlight: 0 })
  leaving.abort(new Error('left'))
  await t.rejects(patient, { message: 'left' })
  t.equal(replies.length, 1)
  t.equal(guarded.guard.state(), 'closed')
})

t.test('a call that a busy model refuses is made again, for as long as there is time, and at most twice', async t => {
  const { replies, guarded, ask, retried } = chatOf()
  const settled = Promise.allSettled([ask(), ask()])
  const refuse = async (call: number) => {
    await until('it is called', () => replies.length > call)
    replies[call]!.reject(new AskError('model_busy', { retryAfter: 0.02 }))
  }
  for (const call of [0, 1, 2, 3, 4]) await refuse(call)
  await until('it is called', () => replies.length === 6)
  replies[5]!.resolve()
  const outcomes = await settled
  t.same(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  t.equal(retried.length, 4)
  t.match(guarded.calls.status(), { inFlight: 0, waiting: 0 })
})

t.test('calls that fail, and callers that leave, give their place back', async t => {
  const { replies, guarded, ask } = chatOf({ maxCalls: 1 })
  const failing = ask()
  await settle()
  replies[0]!.reject(new AskError('model_rejected'))
  await t.rejects(failing, { code: 'model_rejected' })
  const leaving = guarded.stream(request, never, soon())[Symbol.asyncIterator]()
  const first = leaving.next()
  await settle()
  replies[1]!.resolve()
  await first
  await leaving.return?.()
  t.match(guarded.calls.status(), { inFlight: 0, waiting: 0 })
})

t.test('short calls say nothing about how long answers take', async t => {
  for (const isShort of [true, false]) {
    const { replies, guarded } = chatOf()
    const ask = (ms: number) =>
      Array.fromAsync(
        guarded.stream(request, never, { deadline: performance.now() + ms, ...(isShort && ({ isShort } as const)) }),
      )
    const calls = Array.from({ length: 5 }, () => ask(60_000))
    await atLeast(50)
    for (const reply of replies.slice(0, 4)) reply.resolve()
    await Promise.all(calls.slice(0, 4))
    const urgent = ask(20).catch((error: unknown) => (error as AskError).kind)
    await settle()
    for (const reply of replies) reply.resolve()
    const outcome = await urgent
    if (isShort) t.equal(Array.isArray(outcome), true, 'tried, because nothing is known')
    else t.equal(outcome, 'not_called', 'answers take 50 ms, and there are 20')
    await Promise.all(calls)
  }
})

t.test('a model that fails, and says when it will be back, is not called before', async t => {
  const calls: number[] = []
  const failing: ChatModel = {
    model: 'm',
    provider: 'p',
    async *stream(): AsyncGenerator<ChatEvent> {
      calls.push(performance.now())
      if (calls.length === 1) throw new AskError('model_failed', { retryAfter: 1 })
      yield { type: 'text', text: 'x' }
      yield { type: 'end', finishReason: 'stop', usage: null }
    },
  }
  const guarded = guardChat(failing, { silenceMs: 60_000 }, { events: silent, onTurn() {} })
  const events = await Array.fromAsync(guarded.stream(request, never, soon()))
  t.equal(events.length, 2)
  t.equal(calls.length, 2)
  t.ok(calls[1]! - calls[0]! >= 995, 'after a second')
})
