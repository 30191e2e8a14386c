import t from 'tap'
import type { Completion, CompletionEvent, AnswerRequest } from '../../../../src/ask/generation/generate.ts'
import {
  cacheCompletions,
  type CompletionCacheOptions,
  type CachedCompletion,
} from '../../../../src/ask/cache/completion-cache.ts'
import { createTieredCache } from '../../../../src/ask/cache/tiered-cache.ts'
import type { CacheDirectives } from '../../../../src/ask/terms/caching.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import { noUsage } from '../../../../src/ask/terms/usage.ts'
import { runOf } from '../../../support/run-of.ts'

const usage = { llmCalls: 1, promptTokens: 10, completionTokens: 2 }

function passage(text: string, parts: Partial<Passage> = {}): Passage {
  return {
    chunkId: 'd.0',
    documentId: 'd',
    version: 1,
    source: 's',
    title: 'Title',
    url: null,
    language: 'en',
    text,
    start: 0,
    end: text.length,
    page: null,
    metadata: {},
    scores: { lexical: 1, lexicalRank: 1, vector: null, vectorRank: null, fused: 1, coverage: 1 },
    windows: [],
    ...parts,
  }
}

interface Parts extends Partial<Omit<AnswerRequest, 'question' | 'asked'>> {
  readonly question?: Partial<AnswerRequest['question']>
  readonly asked?: Partial<AnswerRequest['asked']>
}

function request(parts: Parts = {}): AnswerRequest {
  return {
    passages: parts.passages ?? [passage('A place costs 12,000.')],
    asked: { text: 'What does it cost?', language: 'en', ...parts.asked } as AnswerRequest['asked'],
    question: {
      text: 'What does it cost?',
      collection: 'default',
      mode: 'auto',
      topK: 5,
      filters: {},
      language: 'en',
      history: [],
      ...parts.question,
    },
    ...(parts.caching ? { caching: parts.caching } : {}),
  }
}

interface World extends Partial<Pick<CompletionCacheOptions, 'configHash' | 'keep'>> {
  readonly completion?: Partial<Completion>
  readonly fails?: boolean
}

/** `stored` outlives a world, as Redis does. */
function setUp(
  { completion = {}, fails = false, configHash = 'model', keep = { seconds: 300, fastSeconds: 1800 } }: World = {},
  stored = new Map<string, { value: CachedCompletion; ms: number }>(),
) {
  const state = { time: 1_000_000, calls: 0, counted: [] as string[] }
  async function* generate(): AsyncGenerator<CompletionEvent, void> {
    state.calls++
    yield { type: 'text', text: 'It costs ' }
    if (fails) throw new Error('broke off')
    yield { type: 'text', text: '12,000. [1]' }
    yield { type: 'end', completion: { text: 'It costs 12,000. [1]', abstained: false, usage, ...completion } }
  }
  const remembering = cacheCompletions(generate, {
    configHash: configHash,
    keep,
    store: createTieredCache<CachedCompletion>({
      memory: { get: () => undefined, set() {} },
      shared: {
        get: async key => stored.get(key)?.value,
        set: (key, value, ms) => void stored.set(key, { value, ms }),
      },
      counts: { given: tier => void state.counted.push(tier), missed: () => void state.counted.push('miss') },
    }),
    now: () => state.time,
  })
  const write = async (asked: AnswerRequest, wishes: CacheDirectives = {}): Promise<CompletionEvent[]> => {
    const events: CompletionEvent[] = []
    for await (const event of remembering(asked, { ...runOf(), cacheDirectives: wishes })) events.push(event)
    return events
  }
  return { write, state, stored }
}

t.test('written once; then the same words, said to be found, at no cost', async t => {
  const { write, state } = setUp()
  t.same((await write(request())).at(-1), {
    type: 'end',
    completion: { text: 'It costs 12,000. [1]', abstained: false, usage },
  })
  state.time += 12_500
  t.same(await write(request()), [
    { type: 'text', text: 'It costs 12,000. [1]' },
    {
      type: 'end',
      completion: {
        text: 'It costs 12,000. [1]',
        abstained: false,
        usage: noUsage,
        cache: { status: 'hit', tier: 'redis', age: 12, revalidated: true },
      },
    },
  ])
  t.equal(state.calls, 1)
  t.same(state.counted, ['miss', 'redis'])
})

t.test('what the model does not see makes no difference: where a passage lies, its version, its scores', async t => {
  const { write, state } = setUp()
  await write(request())
  await write(
    request({
      passages: [
        passage('A place costs 12,000.', { version: 9, chunkId: 'd.7', start: 40, end: 61, metadata: { year: 1 } }),
      ],
    }),
  )
  t.equal(state.calls, 1)
})

const others: Record<string, AnswerRequest> = {
  'other words in a passage': request({ passages: [passage('A place costs 13,000.')] }),
  'another title': request({ passages: [passage('A place costs 12,000.', { title: 'Dormitory' })] }),
  'one passage more': request({ passages: [passage('A place costs 12,000.'), passage('Guests leave at 22:00.')] }),
  'other words in the question': request({ asked: { text: 'What does it cost now?' } }),
  'another language': request({ asked: { language: 'ru' } }),
  'a history': request({ question: { history: [{ role: 'user', content: 'Is there a dormitory?' }] } }),
  'another tenant': request({ question: { tenant: 'b' } }),
}
for (const [what, other] of Object.entries(others)) {
  t.test(`${what}: written anew`, async t => {
    const { write, state } = setUp()
    await write(request())
    await write(other)
    t.equal(state.calls, 2)
  })
}

t.test('passages in another order: written anew, for their numbers are cited', async t => {
  const { write, state } = setUp()
  const [a, b] = [passage('One.'), passage('Two.')]
  await write(request({ passages: [a, b] }))
  await write(request({ passages: [b, a] }))
  t.equal(state.calls, 2)
})

t.test('another model: written anew', async t => {
  const { write, stored } = setUp()
  await write(request())
  const other = setUp({ configHash: 'another model' }, stored)
  await other.write(request())
  t.equal(other.state.calls, 1)
})

t.test('past its time it is written anew, whatever the store still has', async t => {
  const { write, state, stored } = setUp()
  await write(request())
  t.same(
    [...stored.values()].map(({ ms }) => ms),
    [300_000],
  )
  state.time += 299_999
  await write(request())
  t.equal(state.calls, 1)
  state.time += 1
  await write(request())
  t.equal(state.calls, 2)
  t.same(state.counted, ['miss', 'redis', 'miss'])
})

t.test('how long depends on the mode and the collection; 0 keeps and finds nothing', async t => {
  const times = [
    [request({ question: { mode: 'fast' } }), [1_800_000]],
    [request({ caching: { seconds: 20 } }), [20_000]],
    [request({ question: { mode: 'fast' }, caching: { seconds: 20, fastSeconds: 30 } }), [30_000]],
    [request({ caching: { seconds: 0 } }), []],
  ] as const
  for (const [asked, expected] of times) {
    const { write, stored } = setUp()
    await write(asked)
    t.same(
      [...stored.values()].map(({ ms }) => ms),
      expected,
    )
  }
  const { write, state, stored } = setUp()
  await write(request())
  await write(request({ caching: { seconds: 0 } }))
  t.same([state.calls, stored.size], [2, 1])
})

t.test('no-cache and max-age: written anew, and kept; no-store: written anew, and not kept', async t => {
  for (const [wishes, calls] of [
    [{ noCache: true }, 2],
    [{ maxAge: 1000 }, 2],
    [{ noStore: true }, 2],
    [{ maxStale: 5 }, 1],
    [{ onlyIfCached: true }, 1],
  ] as const) {
    const { write, state, stored } = setUp()
    await write(request())
    stored.forEach(each => void (each.value = { ...each.value, text: 'kept before' }))
    await write(request(), wishes)
    t.equal(state.calls, calls, JSON.stringify(wishes))
    t.equal([...stored.values()][0]?.value.text === 'kept before', calls === 1 || 'noStore' in wishes)
  }
})

t.test('"I cannot find that" is not kept, nor what broke off', async t => {
  const abstaining = setUp({ completion: { abstained: true } })
  await abstaining.write(request())
  t.equal(abstaining.stored.size, 0)
  const failing = setUp({ fails: true })
  await t.rejects(failing.write(request()), { message: 'broke off' })
  t.equal(failing.stored.size, 0)
})
