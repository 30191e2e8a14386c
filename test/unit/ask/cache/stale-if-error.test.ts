import t from 'tap'
import { staleIfError } from '../../../../src/ask/cache/stale-if-error.ts'
import type { Answer, AskEvent, Degraded } from '../../../../src/ask/terms/answer.ts'
import { noUsage } from '../../../../src/ask/terms/usage.ts'
import { AskError, type ErrorCode } from '../../../../src/errors.ts'

function answer(text: string): Answer {
  return {
    text,
    abstained: false,
    language: 'en',
    mode: 'fast',
    citations: [],
    passages: [],
    cache: { status: 'miss' },
    degraded: [],
    generator: 'llm',
    model: 'm',
    usage: noUsage,
  }
}

const passages: AskEvent = { type: 'passages', passages: [] }
const said = (text: string): AskEvent => ({ type: 'delta', text })
const quoted: AskEvent = { type: 'delta', text: 'quotes', insteadOf: 'generation' }
const done = (text: string): AskEvent[] => [
  { type: 'citations', citations: [] },
  { type: 'done', answer: answer(text) },
]

interface World {
  readonly failure?: unknown
  /** Null: there is none. */
  readonly before?: Answer | null
  readonly signal?: AbortSignal
}

/** What came, in short, and what the answer from before was asked for with. */
async function pass(
  events: readonly AskEvent[],
  { failure, before = answer('old'), signal = new AbortController().signal }: World = {},
) {
  const [came, asked]: [string[], Degraded[]] = [[], []]
  async function* run(): AsyncGenerator<AskEvent> {
    yield* events
    if (failure !== undefined) throw failure
  }
  let thrown: unknown
  try {
    for await (const event of staleIfError(run(), amiss => (asked.push(amiss), before), signal)) {
      came.push(
        event.type === 'delta' ? `"${event.text}"` : event.type === 'done' ? `done ${event.answer.text}` : event.type,
      )
    }
  } catch (error) {
    thrown = error
  }
  return { came: came.join(' '), asked, thrown }
}

const old = 'passages "old" citations done old'

t.test('a run that goes well passes through, and nothing from before is asked for', async t => {
  t.same(await pass([passages, said('new'), ...done('new')]), {
    came: 'passages "new" citations done new',
    asked: [],
    thrown: undefined,
  })
  t.same((await pass([said('new'), ...done('new')])).came, '"new" citations done new', 'an abstention has no passages')
})

t.test('several passages events: the last before the words is shown, once', async t => {
  t.equal((await pass([passages, passages, said('new'), ...done('new')])).came, 'passages "new" citations done new')
})

t.test('quotes because a budget is used up: what is from before is better, and says why', async t => {
  const quotedForBudget: AskEvent = { type: 'delta', text: 'quotes', insteadOf: 'budget' }
  t.match(await pass([passages, quotedForBudget, ...done('quotes')]), { came: old, asked: ['budget'] })
})

const outages: [ErrorCode, Degraded][] = [
  ['model_failed', 'generation'],
  ['model_busy', 'generation'],
  ['model_unreachable', 'generation'],
  ['model_rejected', 'generation'],
  ['database_unavailable', 'database'],
  ['pool_exhausted', 'database'],
  ['deadline_exceeded', 'database'],
  ['internal', 'database'],
]
for (const [code, amiss] of outages) {
  t.test(`${code} before a word was shown: the answer from before, without ${amiss}`, async t => {
    for (const events of [[], [passages]])
      t.same(await pass(events, { failure: new AskError(code) }), { came: old, asked: [amiss], thrown: undefined })
  })
}

t.test('quotes instead of words: the answer from before, if there is one, else the quotes', async t => {
  t.same(await pass([passages, quoted, ...done('quotes')]), { came: old, asked: ['generation'], thrown: undefined })
  t.same(await pass([passages, quoted, ...done('quotes')], { before: null }), {
    came: 'passages "quotes" citations done quotes',
    asked: ['generation'],
    thrown: undefined,
  })
})

t.test('the rest of a run that was replaced is not waited for', async t => {
  let isReturned = false
  async function* run(): AsyncGenerator<AskEvent> {
    try {
      yield quoted
      await new Promise(() => {})
    } finally {
      isReturned = true
    }
  }
  const came: AskEvent[] = []
  for await (const event of staleIfError(run(), () => answer('old'), new AbortController().signal)) came.push(event)
  t.match(came.at(-1), { type: 'done', answer: { text: 'old' } })
  t.ok(isReturned)
})

t.test('after the first word nothing is replaced: the error, or the quotes', async t => {
  const error = new AskError('model_failed')
  t.same(await pass([passages, said('ne')], { failure: error }), { came: 'passages "ne"', asked: [], thrown: error })
  t.same(await pass([passages, said('ne'), quoted, ...done('quotes')]), {
    came: 'passages "ne" "quotes" citations done quotes',
    asked: [],
    thrown: undefined,
  })
})

t.test('nothing from before: the error, and no event', async t => {
  const error = new AskError('model_failed')
  t.same(await pass([passages], { failure: error, before: null }), { came: '', asked: ['generation'], thrown: error })
})

for (const failure of [
  new AskError('invalid_request'),
  new AskError('unknown_collection'),
  new AskError('cancelled'),
  new TypeError('a fault of ours'),
]) {
  t.test(
    `${failure instanceof AskError ? failure.code : 'an unexpected error'} is no outage: it is thrown`,
    async t => {
      t.same(await pass([passages], { failure }), { came: '', asked: [], thrown: failure })
    },
  )
}

t.test('nobody waits any more: the error, and nothing is asked for', async t => {
  const failure = new AskError('model_failed')
  t.same(await pass([passages], { failure, signal: AbortSignal.abort() }), { came: '', asked: [], thrown: failure })
})
