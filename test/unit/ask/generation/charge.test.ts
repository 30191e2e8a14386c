import t from 'tap'
import type { ChatEvent, ChatModel, ChatCall } from '../../../../src/ask/generation/chat.ts'
import { chargeChat } from '../../../../src/ask/generation/charge.ts'
import type { Payer, Tokens, Usage } from '../../../../src/ask/terms.ts'
import { AskError } from '../../../../src/errors.ts'
import { countTokens } from '../../../../src/text/count-tokens.ts'

const request = { system: 'Answer.', messages: [{ role: 'user', content: 'Who are you?' }], maxTokens: 50 } as const
const promptTokens = countTokens('Answer.\nWho are you?')
const text = (words: string): ChatEvent => ({ type: 'text', text: words })
const end = (usage: Usage | null): ChatEvent => ({ type: 'end', finishReason: 'stop', usage })
const never = new AbortController().signal

interface Script {
  readonly events?: readonly ChatEvent[]
  readonly failure?: unknown
  /** It waits for its turn, and is not sent. */
  readonly isHeldBack?: boolean
}

/** What a call was charged: its estimate, and what it settled at. */
async function charged({ events = [], failure, isHeldBack = false }: Script, readAtMost = Infinity, signal = never) {
  const model: ChatModel = {
    model: 'm',
    provider: 'p',
    async *stream(_request, _signal, urgency) {
      if (!isHeldBack) urgency?.onSent?.()
      yield* events
      if (failure !== undefined) throw failure
    },
  }
  const seen: { payer?: Payer; estimate?: Tokens; used: Tokens[] } = { used: [] }
  const chat = chargeChat(model, {
    async charge(payer, estimate) {
      Object.assign(seen, { payer, estimate })
      return { settle: used => void seen.used.push(used) }
    },
  })
  const read: ChatEvent[] = []
  let thrown: unknown
  try {
    for await (const event of chat.stream(request, signal, { deadline: Infinity, payer: { collection: 'faq' } })) {
      read.push(event)
      if (read.length >= readAtMost) break
    }
  } catch (error) {
    thrown = error
  }
  return { ...seen, read, thrown }
}

t.test('a whole reply costs what the API reports', async t => {
  const usage = { llmCalls: 1, promptTokens: 612, completionTokens: 80 }
  const events = [text('I am'), text(' a model.'), end(usage)]
  const { payer, estimate, used, read } = await charged({ events })
  t.same(payer, { collection: 'faq' })
  t.same(estimate, { promptTokens: 7, completionTokens: 50 })
  t.match(used, [{ promptTokens: 612, completionTokens: 80 }])
  t.same(read, events)
})

t.test('no usage, or one of nothing: counted here', async t => {
  const completionTokens = countTokens('I am a model.')
  for (const usage of [null, { llmCalls: 1, promptTokens: 0, completionTokens: 0 }]) {
    const { used } = await charged({ events: [text('I am'), text(' a model.'), end(usage)] })
    t.same(used, [{ promptTokens, completionTokens }])
  }
})

t.test('a reply that broke off, or whose reader left: what was written so far', async t => {
  const completionTokens = countTokens('I am')
  const failure = new AskError('model_failed', { kind: 'broken_off' })
  const broken = await charged({ events: [text('I am')], failure })
  t.equal(broken.thrown, failure)
  t.same(broken.used, [{ promptTokens, completionTokens }])
  t.same((await charged({ events: [text('I am'), text(' a model.')] }, 1)).used, [{ promptTokens, completionTokens }])
})

t.test('it was sent and timed out before the first word: its prompt', async t => {
  const { used } = await charged({ failure: new AskError('deadline_exceeded') })
  t.same(used, [{ promptTokens, completionTokens: 0 }])
})

t.test('not sent, rejected, or the API was down: nothing', async t => {
  const free = [{ promptTokens: 0, completionTokens: 0 }]
  for (const code of ['model_busy', 'model_rejected', 'model_unreachable', 'model_failed'] as const)
    t.same((await charged({ failure: new AskError(code) })).used, free, code)
  t.same((await charged({ failure: new AskError('deadline_exceeded'), isHeldBack: true })).used, free)
  const left = await charged({ events: [text('I am')] }, Infinity, AbortSignal.abort(new AskError('cancelled')))
  t.same([left.used, left.read], [free, []], 'it left while the budget was asked')
})

t.test('no budget pays for it: the call as it is', async t => {
  const urgencies: (ChatCall | undefined)[] = []
  const model: ChatModel = {
    model: 'm',
    provider: 'p',
    async *stream(_request, _signal, urgency) {
      urgencies.push(urgency)
      yield text('I am')
    },
  }
  const chat = chargeChat(model, { charge: async () => null })
  t.same(await Array.fromAsync(chat.stream(request, never)), [text('I am')])
  t.same(urgencies, [undefined])
})

t.test('a budget is used up: no call', async t => {
  const model: ChatModel = {
    model: 'm',
    provider: 'p',
    stream() {
      throw new Error('this was not to be called')
    },
  }
  const failure = new AskError('model_paused', { kind: 'budget' })
  const chat = chargeChat(model, { charge: () => Promise.reject(failure) })
  await t.rejects(Array.fromAsync(chat.stream(request, never)), failure)
})
