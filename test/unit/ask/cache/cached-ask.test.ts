import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { fillLeaseFrom } from '../../../../src/ask/cache/lease.ts'
import type { CachedAnswer } from '../../../../src/ask/cache/freshness.ts'
import { createAnswerCache, type CacheDurations } from '../../../../src/ask/cache/answer-cache.ts'
import type { ComputeSteps } from '../../../../src/ask/cache/compute-once.ts'
import { createCachedAsk } from '../../../../src/ask/cache/cached-ask.ts'
import type { LeaseReply, SharedAnswers } from '../../../../src/ask/cache/shared-cache.ts'
import type { Answer, AskEvent } from '../../../../src/ask/terms/answer.ts'
import type { CacheDirectives } from '../../../../src/ask/terms/caching.ts'
import type { AskedCollection } from '../../../../src/ask/terms/collection.ts'
import type { Question } from '../../../../src/ask/terms/question.ts'
import type { Run } from '../../../../src/ask/terms/run.ts'
import { noUsage } from '../../../../src/ask/terms/usage.ts'
import { AskError } from '../../../../src/errors.ts'
import { atLeast } from '../../../support/at-least.ts'
import { runOf } from '../../../support/run-of.ts'
import { until } from '../../../support/until.ts'

/** What is around the pipeline, without servers: who is asked in what order, what is counted, kept, given back. */

const question: Question = {
  text: 'Why?',
  collection: 'default',
  mode: 'auto',
  topK: 5,
  filters: {},
  language: 'en',
  history: [],
}
const collection: AskedCollection = {
  id: 7,
  name: 'default',
  epoch: 1,
  epochMark: 'a',
  modelId: 1,
  chunkCount: 1,
  windowsPerChunk: 1,
  efSearch: null,
  languages: ['en'],
  vectorWeights: {},
  calibration: null,
  caching: {},
}
const usage = { llmCalls: 1, promptTokens: 10, completionTokens: 2 }

function answer(parts: Partial<Answer> = {}): Answer {
  return {
    text: 'Because. [1]',
    abstained: false,
    language: 'en',
    mode: 'smart',
    citations: [],
    passages: [],
    cache: { status: 'miss' },
    degraded: [],
    generator: 'llm',
    model: 'm',
    usage,
    ...parts,
  }
}

function* events(made: Answer): Generator<AskEvent> {
  yield { type: 'passages', passages: made.passages }
  yield { type: 'delta', text: made.text }
  yield { type: 'citations', citations: made.citations }
  yield { type: 'done', answer: made }
}

/** The tier of another replica's making: what `next` says, and what was done with its lease. */
function sharedTier() {
  const state = {
    next: (): LeaseReply | Promise<LeaseReply> => ({ kind: 'yours', lease }),
    kept: [] as CachedAnswer[],
    released: [] as boolean[],
    stored: undefined as CachedAnswer | undefined,
    claims: [] as number[],
  }
  const lease = {
    keep: async (value: CachedAnswer): Promise<void> => void state.kept.push(value),
    release: async (isFailed: boolean): Promise<void> => void state.released.push(isFailed),
  }
  const shared: SharedAnswers = {
    get: async () => state.stored,
    async claim(_, freshAfter) {
      state.claims.push(freshAfter)
      return await state.next()
    },
  }
  return { shared, lease, state }
}

interface World {
  readonly tier?: ReturnType<typeof sharedTier>
  readonly keep?: Partial<CacheDurations>
  readonly near?: ComputeSteps['semantic']
  readonly admission?: ComputeSteps['admission']
  readonly make?: (nth: number, run: Run) => AsyncIterable<AskEvent> | Iterable<AskEvent>
}

function setUp(t: Test, { tier, keep = {}, near = null, admission, make = () => events(answer()) }: World = {}) {
  let time = 1_000_000
  const memory = new Map<string, { readonly value: CachedAnswer; readonly until: number }>()
  const counted: string[] = []
  const runs: Run[] = []
  const state = { at: { ...collection } as AskedCollection | null, now: () => time, random: 1 }
  const events = {
    answerReused: (status: string, tier: string) => void counted.push(`${status} ${tier}`),
    cacheMissed: () => void counted.push('miss'),
    answerRefreshed: (outcome: string) => void counted.push(`refreshed ${outcome}`),
  }
  const own = {
    get: (key: string) => {
      const found = memory.get(key)
      return found && found.until >= time ? found.value : undefined
    },
    set: (key: string, value: CachedAnswer, ms: number) => void memory.set(key, { value, until: time + ms }),
  }
  const kept = createAnswerCache({
    own,
    shared: tier?.shared ?? null,
    keep: { seconds: 300, fastSeconds: 1800, abstainedSeconds: 30, staleSeconds: 600, ...keep },
    events,
    now: () => time,
  })
  const remembering = createCachedAsk({
    steps: {
      freshCollection: () => (state.at?.unchecked ? undefined : (state.at ?? undefined)),
      getCollection: async () => state.at,
      requireCollection: async () => {
        if (state.at?.unchecked) throw state.at.unchecked.error
        return state.at
      },
      ...(tier && { getShared: (key: string) => tier.shared.get(key) }),
      fillLease: tier ? fillLeaseFrom(tier.shared) : null,
      semantic: near,
      ...(admission && { admission }),
      async *compute(_, __, run) {
        runs.push(run)
        yield* make(runs.length, run)
      },
    },
    answers: kept,
    configHash: 'settings',
    events,
    staleSeconds: keep.staleSeconds ?? 600,
    now: () => time,
    random: () => state.random,
    background: { log: runOf().log, timeoutMs: 10_000 },
  })
  t.teardown(remembering.close)
  const ask = async (
    wishes: CacheDirectives = {},
    run: Partial<Run> = {},
    asked: Partial<Question> = {},
  ): Promise<Answer> => {
    let last: Answer | undefined
    for await (const event of remembering.ask(
      { ...question, ...asked },
      { ...runOf(), cacheDirectives: wishes, ...run },
    ))
      if (event.type === 'done') last = event.answer
    if (!last) throw new Error('it ended without an answer')
    return last
  }
  return {
    ...remembering,
    ask,
    state,
    counted,
    runs,
    pass: (seconds: number) => void (time += seconds * 1000),
    recall: (wishes: CacheDirectives = {}) => remembering.getCached(question, wishes),
    reach: (wishes: CacheDirectives = {}) => remembering.getShared(question, wishes),
  }
}

const outage = new AskError('model_failed')

function* down(): Generator<AskEvent> {
  yield { type: 'passages', passages: [] }
  throw outage
}

/** A run that waits until it is let go. */
function held(made: Answer = answer()) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  async function* make(): AsyncGenerator<AskEvent> {
    await promise
    yield* events(made)
  }
  return { let: resolve, fail: reject, make }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await turn()
}

t.test('made once, then given: as it was but for its note and its usage', async t => {
  const { ask, recall, runs, counted, pass } = setUp(t)
  t.equal(recall(), undefined)
  t.same(await ask(), answer())
  pass(12.5)
  const given = answer({ cache: { status: 'hit', tier: 'memory', age: 12 }, usage: noUsage })
  t.same(await ask(), given)
  t.same(recall(), given)
  t.equal(runs.length, 1)
  t.same(counted, ['miss', 'hit memory', 'hit memory'])
})

t.test('what replicas share is given without a run: equal questions look once, and it is in memory then', async t => {
  const tier = sharedTier()
  const { reach, recall, runs, counted } = setUp(t, { tier })
  const get = t.capture(tier.shared, 'get', async () => ({
    answer: answer(),
    madeAt: 990_000,
    freshUntil: 1_300_000,
    tookMs: 1,
  }))
  const given = answer({ cache: { status: 'hit', tier: 'redis', age: 10 }, usage: noUsage })
  t.same(await Promise.all([reach(), reach(), reach()]), [given, given, given])
  t.equal(get().length, 1)
  t.same(recall()?.cache, { status: 'hit', tier: 'memory', age: 10 })
  t.same([runs.length, tier.state.claims.length], [0, 0])
  t.same(counted, ['hit redis', 'hit redis', 'hit redis', 'hit memory'])
})

t.test('what replicas share is left to the run: past its time, or not wished, or while one is under way', async t => {
  const tier = sharedTier()
  const run = held()
  const { reach, ask, state, counted } = setUp(t, { tier, make: run.make })
  t.equal(await reach(), undefined, 'there is none')
  tier.state.stored = { answer: answer(), madeAt: 990_000, freshUntil: 999_000, tookMs: 1 }
  t.equal(await reach(), undefined, 'past its time')
  for (const wishes of [{ noCache: true }, { noStore: true }]) t.equal(reach(wishes), undefined)
  t.same((await reach({ maxStale: 60 }))?.cache, { status: 'stale', tier: 'redis', age: 10 })
  const asked = ask()
  await settle()
  t.equal(reach(), undefined, 'a run is under way')
  run.let()
  await asked
  state.at = null
  t.equal(reach(), undefined, 'its collection is not known')
  t.same(counted, ['stale redis', 'miss'])
})

t.test('past its time it is made anew', async t => {
  const { ask, runs, pass } = setUp(t)
  await ask()
  pass(300.001)
  t.match(await ask(), { cache: { status: 'miss' } })
  t.equal(runs.length, 2)
})

t.test('another epoch: made anew, though its time is not over', async t => {
  const { ask, state } = setUp(t)
  await ask()
  state.at = { ...collection, epoch: 2 }
  t.match(await ask(), { cache: { status: 'miss' } })
  state.at = collection
  t.match(await ask(), { cache: { status: 'hit' } })
})

t.test('the same epoch with another mark: made anew; its own answer is given again', async t => {
  const { ask, state } = setUp(t)
  await ask()
  state.at = { ...collection, epochMark: 'of another history' }
  t.match(await ask(), { cache: { status: 'miss' } })
  t.match(await ask(), { cache: { status: 'hit' } })
  state.at = collection
  t.match(await ask(), { cache: { status: 'hit' } })
})

t.test(
  'an answer whose documents changed while they were searched: given, kept nowhere, and no measure for near ones',
  async t => {
    const tier = sharedTier()
    const learned: Answer[] = []
    const near: NonNullable<ComputeSteps['semantic']> = {
      lookup: async () => ({
        lookup: { entry: null, candidate: null, isTrusted: false },
        answer: null,
        candidate: undefined,
      }),
      learn: (_, fresh) => void learned.push(fresh.answer),
    }
    const { ask, runs, recall } = setUp(t, {
      tier,
      near,
      make: nth => events(answer(nth === 1 ? { isOvertaken: true } : {})),
    })
    const first = await ask()
    t.match(first, { text: 'Because. [1]', cache: { status: 'miss' } })
    t.same(first.degraded, [])
    t.same(
      [tier.state.kept, tier.state.released, learned],
      [[], [true], []],
      'whoever waits for it is told at once that there is nothing',
    )
    t.equal(recall(), undefined)
    t.match(await ask(), { cache: { status: 'miss' } })
    t.equal(runs.length, 2)
    t.equal(recall()?.cache.status, 'hit')
    t.equal(learned.length, 1)
  },
)

t.test('no collection: unknown_collection, whatever is remembered', async t => {
  const { ask, state } = setUp(t)
  await ask()
  state.at = null
  for (const wishes of [{}, { onlyIfCached: true }, { maxStale: Infinity }])
    await t.rejects(ask(wishes), { code: 'unknown_collection' })
})

const lifetimes: [
  what: string,
  made: Partial<Answer>,
  world: Pick<World, 'keep'>,
  asked: Partial<Question>,
  caching: AskedCollection['caching'],
  seconds: number,
][] = [
  ['an answer', {}, {}, {}, {}, 300],
  ['an answer in fast mode', {}, {}, { mode: 'fast' }, {}, 1800],
  ['an abstention', { abstained: true }, {}, {}, {}, 30],
  [
    'an abstention, where answers are kept shorter than that',
    { abstained: true },
    { keep: { seconds: 10 } },
    {},
    {},
    10,
  ],
  ['an abstention, which is not kept', { abstained: true }, { keep: { abstainedSeconds: 0 } }, {}, {}, 0],
  ['an answer, where none is kept', {}, { keep: { seconds: 0 } }, {}, {}, 0],
  ['a degraded answer', { degraded: ['embeddings'] }, {}, {}, {}, 0],
  ['an answer of a collection with a time of its own', {}, {}, {}, { seconds: 20 }, 20],
  ['an answer of a collection that keeps none', {}, {}, {}, { seconds: 0 }, 0],
  [
    'an answer in fast mode of a collection with a time of its own',
    {},
    {},
    { mode: 'fast' },
    { seconds: 1, fastSeconds: 40 },
    40,
  ],
  ['an abstention of a collection with a time of its own', { abstained: true }, {}, {}, { seconds: 5 }, 5],
]
for (const [what, made, world, asked, caching, seconds] of lifetimes) {
  t.test(`${what} is given for ${seconds} s`, async t => {
    const { ask, state, pass } = setUp(t, { ...world, make: () => events(answer(made)) })
    state.at = { ...collection, caching }
    await ask({}, {}, asked)
    if (seconds > 0) {
      pass(seconds)
      t.match(await ask({}, {}, asked), { cache: { status: 'hit' } })
    }
    pass(0.001)
    t.match(await ask({}, {}, asked), { cache: { status: 'miss' } })
  })
}

t.test('where the words were remembered, the answer is as old as they are', async t => {
  const { ask, pass } = setUp(t, {
    make: nth =>
      events(answer(nth === 1 ? { cache: { status: 'hit', tier: 'redis', age: 200, revalidated: true } } : {})),
  })
  t.match(await ask(), { cache: { revalidated: true } })
  pass(100)
  t.match(await ask(), { cache: { status: 'hit', tier: 'memory', age: 300 } })
  pass(0.001)
  t.match(await ask(), { cache: { status: 'miss' } })
})

t.test('equal questions at once are one run; the others get it as coalesced, without usage', async t => {
  const run = held()
  const { ask, runs, counted } = setUp(t, { make: run.make })
  const waiting = Array.from({ length: 20 }, () => ask())
  await settle()
  run.let()
  const answers = await Promise.all(waiting)
  t.equal(runs.length, 1)
  t.same(answers.map(({ cache }) => cache.status).sort(), [...Array(19).fill('coalesced'), 'miss'])
  t.same(
    answers.filter(({ cache }) => cache.status === 'coalesced').map(each => each.usage),
    Array(19).fill(noUsage),
  )
  t.equal(counted.filter(each => each === 'coalesced memory').length, 19)
})

t.test('one of them leaves: the run goes on; all leave: it is aborted and nothing is kept', async t => {
  const run = held()
  const { ask, runs, recall } = setUp(t, { make: run.make })
  const leavers = [new AbortController(), new AbortController()]
  const waiting = leavers.map(({ signal }) => ask({}, { signal }))
  await settle()
  const reason = new Error('gone')
  for (const [i, leaver] of leavers.entries()) {
    t.equal(runs[0]!.signal.aborted, false)
    leaver.abort(reason)
    await t.rejects(waiting[i]!, reason)
  }
  t.ok(runs[0]!.signal.aborted)
  t.equal(recall(), undefined)
})

t.test(
  'a stream that breaks off: who joined it and showed nothing tries once more, the stream itself fails',
  async t => {
    const first = held()
    const broken = new AskError('model_failed')
    const make = async function* (): AsyncGenerator<AskEvent> {
      yield { type: 'delta', text: 'Beca' }
      yield* first.make()
    }
    const { ask, runs } = setUp(t, { make: nth => (nth === 1 ? make() : events(answer({ text: 'whole' }))) })
    const streamed = ask({}, { isStreamed: true })
    await settle()
    const [joined, alsoStreamed] = [ask(), ask({}, { isStreamed: true })]
    await settle()
    first.fail(broken)
    await t.rejects(streamed, broken)
    await t.rejects(alsoStreamed, broken, 'words that were shown cannot be taken back')
    t.match(await joined, { text: 'whole' })
    t.equal(runs.length, 2)
  },
)

t.test('refused for lack of room, before it began: who joined it tries once more, streamed or not', async t => {
  const first = held()
  const { ask, runs } = setUp(t, { make: nth => (nth === 1 ? first.make() : events(answer({ text: 'whole' }))) })
  const batch = ask({}, { priority: 'batch' })
  await settle()
  const [joined, streamed] = [ask(), ask({}, { isStreamed: true })]
  await settle()
  const refused = new AskError('overloaded')
  first.fail(refused)
  await t.rejects(batch, refused)
  t.same([(await joined).text, (await streamed).text], ['whole', 'whole'])
  t.equal(runs.length, 2)
})

t.test('a rejection is foreseen only for a question that nothing else would answer', async t => {
  const overloaded = new AskError('overloaded')
  const first = held()
  const admission: ComputeSteps['admission'] = {
    events: (run, start) => start(run) as AsyncGenerator<AskEvent, void>,
    rejection: () => overloaded,
  }
  const { ask, rejection, pass, state } = setUp(t, { admission, make: () => first.make() })
  const foreseen = (wishes: CacheDirectives = {}) => rejection(question, wishes, { deadline: Infinity })
  t.equal(foreseen(), overloaded)
  for (const wishes of [{ onlyIfCached: true }, { maxAge: 5 }, { maxStale: 5 }])
    t.equal(foreseen(wishes), undefined, 'these look further first')
  const asked = ask()
  await settle()
  t.equal(foreseen(), undefined, 'a run under way is joined')
  first.let()
  await asked
  t.equal(foreseen({ noCache: true }), undefined)
  pass(301)
  t.equal(foreseen(), undefined, 'an expired answer is better than none')
  pass(1000)
  t.equal(foreseen(), overloaded)
  state.at = null
  t.equal(foreseen(), undefined, 'the collection is to be loaded first')
})

t.test('no-cache: made anew and kept; no-store: made anew and not kept', async t => {
  const { ask, runs } = setUp(t, { make: nth => events(answer({ text: `nth ${nth}` })) })
  await ask()
  t.match(await ask({ noCache: true }), { text: 'nth 2', cache: { status: 'bypass' } })
  t.match(await ask(), { text: 'nth 2', cache: { status: 'hit' } })
  t.match(await ask({ noStore: true }), { text: 'nth 3', cache: { status: 'bypass' } })
  t.match(await ask(), { text: 'nth 2' })
  t.equal(runs.length, 3)
})

t.test('only-if-cached: what is there, else not_cached, and never a run', async t => {
  const { ask, runs, pass } = setUp(t)
  await t.rejects(ask({ onlyIfCached: true }), { code: 'not_cached', status: 504 })
  await ask()
  t.match(await ask({ onlyIfCached: true }), { cache: { status: 'hit' } })
  pass(10)
  await t.rejects(ask({ onlyIfCached: true, maxAge: 5 }), { code: 'not_cached' })
  for (const wishes of [{ noCache: true }, { noStore: true }])
    await t.rejects(ask({ onlyIfCached: true, ...wishes }), { code: 'not_cached' })
  pass(300)
  await t.rejects(ask({ onlyIfCached: true }), { code: 'not_cached' })
  t.match(await ask({ onlyIfCached: true, maxStale: 20 }), { cache: { status: 'stale' } })
  t.equal(runs.length, 1)
})

t.test('max-age: nothing older; what is made then is kept for all', async t => {
  const { ask, recall, pass } = setUp(t)
  await ask()
  pass(10)
  t.match(recall({ maxAge: 10 }), { cache: { age: 10 } })
  pass(0.001)
  t.equal(recall({ maxAge: 10 }), undefined)
  t.match(await ask({ maxAge: 10 }), { cache: { status: 'miss' } })
  t.match(await ask({ maxAge: 10 }), { cache: { status: 'hit', age: 0 } })
})

t.test('max-stale: so long past its time, said to be stale, and not a moment longer', async t => {
  const { ask, recall, pass } = setUp(t)
  await ask()
  pass(310)
  t.match(recall({ maxStale: 10 }), { cache: { status: 'stale', tier: 'memory', age: 310 } })
  t.match(recall({ maxStale: Infinity }), { cache: { status: 'stale' } })
  pass(0.001)
  t.equal(recall({ maxStale: 10 }), undefined)
  t.match(await ask({ maxStale: 10 }), { cache: { status: 'miss' } })
})

t.test('found in Redis: given, and in memory from then on', async t => {
  const tier = sharedTier()
  const { ask, recall, runs, counted, pass } = setUp(t, { tier })
  const found: CachedAnswer = { answer: answer(), madeAt: 980_000, freshUntil: 1_280_000, tookMs: 5 }
  tier.state.next = () => ({ kind: 'found', found })
  t.match(await ask(), { cache: { status: 'hit', tier: 'redis', age: 20 } })
  t.match(recall(), { cache: { status: 'hit', tier: 'memory' } })
  pass(280.001)
  t.equal(recall(), undefined)
  t.equal(runs.length, 0)
  t.same(counted, ['hit redis', 'hit memory'])
})

t.test('made under a lease: kept there, the lease given back, and only then', async t => {
  const tier = sharedTier()
  const run = held()
  const { ask, close } = setUp(t, { tier, make: run.make })
  const waiting = ask()
  await settle()
  t.same([tier.state.kept.length, tier.state.released], [0, []])
  run.let()
  await waiting
  await close()
  t.match(tier.state.kept, [{ answer: { text: 'Because. [1]' }, freshUntil: 1_300_000 }])
})

for (const [what, made] of [
  ['degraded', { degraded: ['generation'] }],
  ['an abstention that is never kept', { abstained: true }],
] as const) {
  t.test(
    `what is not to be kept (${what}) gives the lease back as failed, so that nobody queues for the next`,
    async t => {
      const tier = sharedTier()
      const { ask, close } = setUp(t, {
        tier,
        keep: { abstainedSeconds: 0 },
        make: () => events(answer(made as Partial<Answer>)),
      })
      await ask()
      await close()
      t.same([tier.state.kept, tier.state.released], [[], [true]])
    },
  )
}

t.test('a run that fails gives the lease back: who waits takes over', async t => {
  const tier = sharedTier()
  const { ask, close } = setUp(t, { tier, make: down })
  await t.rejects(ask(), outage)
  await close()
  t.same([tier.state.kept, tier.state.released], [[], [false]])
})

t.test('a run that all have left gives the lease back', async t => {
  const tier = sharedTier()
  const run = held()
  const { ask } = setUp(t, { tier, make: run.make })
  const leaver = new AbortController()
  const left = ask({}, { signal: leaver.signal })
  await settle()
  leaver.abort(new Error('gone'))
  await t.rejects(left, { message: 'gone' })
  run.fail(leaver.signal.reason)
  await until('it is given back', () => tier.state.released.length === 1)
  t.same([tier.state.kept, tier.state.released], [[], [false]])
})

t.test('who leaves while the lease is on its way gives it back when it comes', async t => {
  const tier = sharedTier()
  const { promise, resolve } = Promise.withResolvers<LeaseReply>()
  tier.state.next = () => promise
  const { ask, runs } = setUp(t, { tier })
  const leaver = new AbortController()
  const left = ask({}, { signal: leaver.signal })
  await settle()
  leaver.abort(new Error('gone'))
  await t.rejects(left, { message: 'gone' })
  resolve({ kind: 'yours', lease: tier.lease })
  await until('it is given back', () => tier.state.released.length === 1)
  t.equal(runs.length, 0)
})

t.test('another replica makes it: waited for, and given as coalesced', async t => {
  const tier = sharedTier()
  const found: CachedAnswer = { answer: answer(), madeAt: 1_000_000, freshUntil: 1_300_000, tookMs: 5 }
  tier.state.next = () => (tier.state.claims.length < 4 ? { kind: 'theirs' } : { kind: 'found', found })
  const { ask, runs } = setUp(t, { tier })
  t.match(await ask(), { cache: { status: 'coalesced', tier: 'redis' } })
  t.equal(runs.length, 0)
})

t.test('another replica makes it for too long: made here as well, while there is time', async t => {
  const tier = sharedTier()
  tier.state.next = () => ({ kind: 'theirs' })
  const { ask, runs } = setUp(t, { tier })
  t.match(await ask({}, { deadline: performance.now() + 1500 }), { cache: { status: 'miss' } })
  t.ok(runs.length === 1 && tier.state.claims.length > 1)
})

t.test('no-cache does not wait for another replica, nor take what it has', async t => {
  const tier = sharedTier()
  tier.state.next = () => ({ kind: 'theirs' })
  const { ask, recall } = setUp(t, { tier })
  t.match(await ask({ noCache: true }), { cache: { status: 'bypass' } })
  t.same(tier.state.claims, [Infinity])
  t.match(recall(), { cache: { status: 'hit' } }, 'kept here')
})

t.test('Redis cannot be reached: the answer says so, and is kept here', async t => {
  const tier = sharedTier()
  tier.state.next = () => ({ kind: 'alone', isAway: true })
  const { ask } = setUp(t, { tier })
  t.match(await ask(), { degraded: ['cache'], cache: { status: 'miss' } })
  const cached = await ask()
  t.match(cached, { cache: { status: 'hit', tier: 'memory' } })
  t.same(cached.degraded, [])
})

t.test('the model fails: an answer past its time is given, says so, and is not kept for longer by that', async t => {
  const { ask, pass, counted } = setUp(t, { make: nth => (nth === 1 ? events(answer()) : down()) })
  await ask()
  pass(301)
  t.match(await ask(), {
    cache: { status: 'stale', tier: 'memory', age: 301 },
    degraded: ['generation'],
    usage: noUsage,
  })
  t.equal(counted.at(-1), 'stale memory')
  pass(599)
  t.match(await ask(), { cache: { status: 'stale', age: 900 } })
  pass(0.001)
  await t.rejects(ask(), outage)
})

t.test('the model fails, and Redis has an answer past its time: that one', async t => {
  const tier = sharedTier()
  const before: CachedAnswer = { answer: answer({ text: 'old' }), madeAt: 600_000, freshUntil: 900_000, tookMs: 5 }
  tier.state.next = () => ({ kind: 'yours', lease: tier.lease, before })
  const { ask } = setUp(t, { tier, make: down })
  t.match(await ask(), { text: 'old', cache: { status: 'stale' }, degraded: ['generation'] })
  await t.rejects(ask({ noCache: true }), outage, 'who wants no remembered answer gets none')
})

t.test('the model fails and stale answers are switched off: its error', async t => {
  const { ask, pass } = setUp(t, { keep: { staleSeconds: 0 }, make: nth => (nth === 1 ? events(answer()) : down()) })
  await ask()
  pass(301)
  await t.rejects(ask(), outage)
})

const away = { error: new AskError('database_unavailable'), sinceMs: 1000 }

t.test('the database cannot be asked: the last answer, stale; for how long depends on both', async t => {
  const { ask, state, pass } = setUp(t)
  await ask()
  state.at = { ...collection, unchecked: away }
  t.match(await ask(), { cache: { status: 'stale', tier: 'memory' }, degraded: ['database'] })
  for (const wishes of [{ noCache: true }, { noStore: true }]) await t.rejects(ask(wishes), away.error)
  await t.rejects(ask({}, {}, { text: 'Another?' }), away.error)
  state.at = { ...collection, unchecked: { ...away, sinceMs: 600_001 } }
  await t.rejects(ask(), away.error, 'its documents may be another since too long')
  t.match(await ask({ maxStale: 601 }), { cache: { status: 'stale' } })
  state.at = { ...collection, unchecked: away }
  pass(900)
  t.match(await ask(), { cache: { status: 'stale' } })
  pass(0.001)
  await t.rejects(ask(), away.error)
})

t.test('an answer near its end is renewed behind the questions, once, and they go on getting it', async t => {
  const renewal = held(answer({ text: 'new' }))
  const { ask, state, runs, recall, counted } = setUp(t, { make: nth => (nth === 1 ? slow() : renewal.make()) })
  async function* slow(): AsyncGenerator<AskEvent> {
    await atLeast(5)
    yield* events(answer())
  }
  await ask()
  state.random = 0 // due at any time
  for (let i = 0; i < 50; i++) t.match(recall(), { cache: { status: 'hit' } })
  await settle()
  t.equal(runs.length, 2)
  state.random = 1
  renewal.let()
  await until('it is renewed', () => recall()?.text === 'new')
  await until('that is counted', () => counted.includes('refreshed ok'))
  t.equal(runs.length, 2)
})

t.test('a renewal that fails: the answer is given until its time is over, and none is tried for a while', async t => {
  const { ask, state, runs, recall, counted } = setUp(t, { make: nth => (nth === 1 ? events(answer()) : down()) })
  await ask()
  state.random = 0
  t.ok(recall())
  await until('it has failed', () => counted.includes('refreshed failed'))
  for (let i = 0; i < 10; i++) {
    const cached = recall()
    t.equal(cached?.cache.status, 'hit')
    t.same(cached?.degraded, [])
  }
  await settle()
  t.equal(runs.length, 2)
})

t.test('a renewal that another replica has made: taken over; who joined it meanwhile gets that answer', async t => {
  const tier = sharedTier()
  const { ask, state, runs, recall, pass } = setUp(t, { tier, make: () => events(answer()) })
  await ask()
  const { promise, resolve } = Promise.withResolvers<LeaseReply>()
  tier.state.next = () => promise
  state.random = 0
  t.ok(recall())
  await settle()
  pass(301) // now it is past its time, and the renewal still waits for the other replica
  const joined = ask()
  await settle()
  resolve({
    kind: 'found',
    found: { answer: answer({ text: 'new' }), madeAt: state.now(), freshUntil: state.now() + 300_000, tookMs: 5 },
  })
  t.match(await joined, { text: 'new', usage: noUsage })
  t.match(recall(), { text: 'new' })
  t.equal(runs.length, 1)
})

t.test('close: a renewal under way is aborted, and what is being stored is waited for', async t => {
  const tier = sharedTier()
  const storing = Promise.withResolvers<void>()
  tier.lease.keep = async () => await storing.promise
  const renewal = held()
  const { ask, state, recall, runs, close } = setUp(t, {
    tier,
    make: nth => (nth === 1 ? events(answer()) : renewal.make()),
  })
  await ask()
  state.random = 0
  recall()
  await settle()
  let isClosed = false
  const closed = close().then(() => (isClosed = true))
  await settle()
  t.ok(runs[1]!.signal.aborted)
  renewal.fail(runs[1]!.signal.reason)
  await settle()
  t.equal(isClosed, false)
  storing.resolve()
  await closed
})
