import t from 'tap'
import type { ChatEvent, ChatModel, ChatCall } from '../../../../src/ask/generation/chat.ts'
import { chargeChat, chargeEmbedder, chargeReranker } from '../../../../src/ask/generation/charge.ts'
import type { Embedder, QuestionCall } from '../../../../src/ask/retrieval/embedder.ts'
import type { RerankCall } from '../../../../src/ask/retrieval/rerank.ts'
import type { Payer, Spending, Usage } from '../../../../src/ask/terms/usage.ts'
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
  const seen: { payer?: Payer; estimate?: Partial<Spending>; used: Partial<Spending>[] } = { used: [] }
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

/** Budgets that always pay, and what they were charged. */
function openBudgets() {
  const seen: { payer?: Payer; estimate?: Partial<Spending>; used: Partial<Spending>[] } = { used: [] }
  const budgets = {
    async charge(payer: Payer, estimate: Partial<Spending>) {
      Object.assign(seen, { payer, estimate })
      return { settle: (used: Partial<Spending>) => void seen.used.push(used) }
    },
  }
  return { seen, budgets }
}

const local: Omit<Embedder, 'embed'> = {
  model: 'm',
  dimensions: () => 1,
  maxTokens: 100,
  windowTokens: 100,
  languages: 'any',
  readsCode: true,
  countTokens: () => 0,
  counting: 'api',
  close: async () => {},
}

/** What a question of four tokens was charged at 1 per million, in billionths. */
async function chargedEmbedding(embed: (call?: QuestionCall) => void, call: QuestionCall | undefined) {
  const { seen, budgets } = openBudgets()
  const model: Embedder = {
    ...local,
    async embed(_texts, _signal, _kind, given) {
      embed(given)
      return [Float32Array.of(1)]
    },
  }
  const embedder = chargeEmbedder(model, { perMillion: 1, tokensOf: text => text.length }, budgets)
  await embedder.embed(['Who?'], never, 'query', call).catch(() => {})
  return seen
}

t.test('embedding: a question pays for what is sent, also for a second request', async t => {
  const call = { payer: { collection: 'faq' } }
  const once = await chargedEmbedding(given => given?.onSent?.(), call)
  t.same(once, { payer: { collection: 'faq' }, estimate: { otherCost: 4000 }, used: [{ otherCost: 4000 }] })
  const hedged = await chargedEmbedding(given => (given?.onSent?.(), given?.onSent?.()), call)
  t.same(hedged.used, [{ otherCost: 8000 }])
  const lost = await chargedEmbedding(given => {
    given?.onSent?.()
    throw new AskError('deadline_exceeded')
  }, call)
  t.same(lost.used, [{ otherCost: 4000 }])
})

t.test('embedding: what was not sent or was rejected is free, and so are documents', async t => {
  t.same((await chargedEmbedding(() => {}, {})).used, [{ otherCost: 0 }])
  const rejected = await chargedEmbedding(given => {
    given?.onSent?.()
    throw new AskError('model_busy')
  }, {})
  t.same(rejected.used, [{ otherCost: 0 }])
  t.same(await chargedEmbedding(given => given?.onSent?.(), undefined), { used: [] })
})

t.test('reranking: at the tokens that the API reports, else at what it is sent; and per call', async t => {
  const price = { perMillion: 1, perCall: 0.5 }
  const chargedRerank = async (work: (call?: RerankCall) => void) => {
    const { seen, budgets } = openBudgets()
    const score = async (_query: string, texts: readonly string[], _signal: AbortSignal, call?: RerankCall) => {
      work(call)
      return texts.map(() => 1)
    }
    const reranker = chargeReranker({ model: 'm', score }, price, budgets)
    await reranker.score('Who?', ['abcde', 'fghij'], never, { payer: { collection: 'faq' } })
    return seen
  }
  const counted = await chargedRerank(call => call?.onSent?.())
  t.match(counted, { payer: { collection: 'faq' }, used: [{ otherCost: 500_006_000 }] })
  const reported = await chargedRerank(call => (call?.onSent?.(), call?.onTokens?.(100)))
  t.same(reported.used, [{ otherCost: 500_100_000 }])
})

t.test('a budget is used up: nothing is embedded or reranked', async t => {
  const failure = new AskError('model_paused', { kind: 'budget' })
  const budgets = { charge: () => Promise.reject(failure) }
  const unused = () => Promise.reject(new Error('this was not to be called'))
  const embedder = chargeEmbedder({ ...local, embed: unused }, { perMillion: 1, tokensOf: () => 1 }, budgets)
  await t.rejects(embedder.embed(['Who?'], never, 'query', {}), failure)
  const reranker = chargeReranker({ model: 'm', score: unused }, { perMillion: 1, perCall: 0 }, budgets)
  await t.rejects(reranker.score('Who?', ['a'], never), failure)
})
