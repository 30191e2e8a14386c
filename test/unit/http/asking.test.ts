import { context, trace } from '@opentelemetry/api'
import { node, tracing } from '@opentelemetry/sdk-node'
import tap, { type Test } from 'tap'
import type { Answer, AskEvent } from '../../../src/ask/terms/answer.ts'
import type { SearchResult } from '../../../src/ask/terms/evidence.ts'
import type { Question } from '../../../src/ask/terms/question.ts'
import type { AskFacts, Ask, Run } from '../../../src/ask/terms/run.ts'
import { noUsage } from '../../../src/ask/terms/usage.ts'
import { AskError, isAskError } from '../../../src/errors.ts'
import { createAsking, type AskingOptions, type RunResult } from '../../../src/http/asking.ts'
import type { AskForm } from '../../../src/http/asking/form.ts'
import type { FailureNote } from '../../../src/http/edge/request-log.ts'
import { sampleRoots } from '../../../src/tracing/head-sampling.ts'

/** The door of all questions, with a plain function as pipeline: what it gives, and what it reports, exactly once. */

const question: Question = {
  tenant: 'law',
  text: 'What does it cost?',
  collection: 'default',
  mode: 'auto',
  topK: 5,
  filters: {},
  language: undefined,
  history: [],
}

function answerOf(cache: Answer['cache']): Answer {
  return {
    text: '12,000 tenge [1].',
    abstained: false,
    language: 'en',
    mode: 'fast',
    citations: [],
    passages: [],
    cache,
    degraded: [],
    generator: 'llm',
    model: 'm',
    usage: cache.status === 'miss' ? { llmCalls: 1, promptTokens: 2, completionTokens: 3 } : noUsage,
  }
}

const [fresh, known, shared] = [
  answerOf({ status: 'miss' }),
  answerOf({ status: 'hit', tier: 'memory', age: 1 }),
  answerOf({ status: 'hit', tier: 'redis', age: 2 }),
]
const words: AskEvent = { type: 'delta', text: '12,000' }
const done: AskEvent = { type: 'done', answer: fresh }

interface Outcome {
  readonly kind: 'answered' | 'searched' | 'failed'
  readonly question: Question
  /** The answer, the result of a search, or a code. */
  readonly outcome: unknown
  readonly facts: AskFacts
}

/** A door with one caller, and all that anyone hears about its questions. */
function doorWith(options: Partial<AskingOptions>, form: Partial<AskForm> = {}) {
  const outcomes: Outcome[] = []
  const lines: Record<string, unknown>[] = []
  const notes: FailureNote[] = []
  const controller = new AbortController()
  const logOf = (ids: object) => {
    const write = (level: string) => (fields: object, msg: string) => void lines.push({ ...ids, ...fields, msg, level })
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  }
  const note = (kind: Outcome['kind']) => (asked: Question, outcome: unknown, facts: AskFacts) =>
    void outcomes.push({ kind, question: asked, outcome, facts })
  const asking = createAsking({
    ask: async function* () {},
    getCached: () => undefined,
    search: async () => {
      throw new Error('this test was not to come so far')
    },
    events: { questionAnswered: note('answered'), passagesFound: note('searched'), questionFailed: note('failed') },
    timeoutMs: 60_000,
    ...options,
  })
  const caller: AskForm = {
    id: 'id',
    apiKey: {
      name: 'web',
      sha256: '',
      scopes: ['ask'],
      collections: undefined,
      rateLimit: undefined,
      tenant: 'law',
      priority: undefined,
      budget: undefined,
    },
    priority: 'batch',
    cacheDirectives: {},
    timeoutMs: undefined,
    isStreamed: false,
    isExplained: false,
    startedAt: performance.now() - 1000,
    log: logOf({}),
    traceHeaders: {},
    connect: () => ({
      spanName: 'a tool',
      spanAttributes: () => ({}),
      address: () => '203.0.113.7',
      hasLeft: () => controller.signal.aborted,
      signal: () => controller.signal,
      logWith: logOf,
      noteFailure: failure => void notes.push(failure),
    }),
    ...form,
  }
  return {
    ask: () => asking.ask(question, caller),
    run: async () => {
      const result = await asking.ask(question, caller)
      if (result.kind !== 'run') throw new Error('it was answered from a cache')
      return result
    },
    search: () => asking.search(question, caller),
    leave: () => controller.abort(new AskError('cancelled')),
    outcomes,
    lines,
    notes,
  }
}

/** A pipeline that ends a stage, gives the events, and says when it was closed. */
function pipelineOf(events: readonly (AskEvent | Error)[]) {
  const runs: Run[] = []
  let isClosed = false
  const ask: Ask = async function* (_, run) {
    runs.push(run)
    try {
      run.onStage('generate', 12.34, 'ok')
      for (const event of events) {
        if (event instanceof Error) {
          run.onStage('retrieve', 5, isAskError(event, 'deadline_exceeded') ? 'deadline' : 'error')
          throw event
        }
        yield event
      }
    } finally {
      isClosed = true
    }
  }
  return { ask, runs, isClosed: () => isClosed }
}

async function readAll({ events }: RunResult): Promise<readonly (AskEvent | string)[]> {
  const read: (AskEvent | string)[] = []
  try {
    for await (const event of events) read.push(event)
  } catch (error) {
    read.push(isAskError(error) ? error.code : 'no code')
  }
  return read
}

const facts = { id: 'id', key: 'web', priority: 'batch', traceId: undefined, loggedTraceId: undefined }

function reported(t: Test, { outcomes }: { readonly outcomes: readonly Outcome[] }, expected: object): void {
  t.equal(outcomes.length, 1, 'exactly one outcome')
  t.match(outcomes[0], { question, facts: { ...facts, ms: Number, timings: { total: Number } }, ...expected })
  t.ok(outcomes[0]!.facts.ms >= 1000, 'time counts from the arrival')
}

/** Only a question that is known not to be sampled gets its answer without a span. */
function sampleNothing(t: Test): void {
  sampleRoots(0)
  t.teardown(() => sampleRoots(undefined))
}

const neverRun: Ask = () => {
  throw new Error('this needs no run')
}

tap.test('an answer from memory: at once, without a promise or a connection', async t => {
  const connect = () => {
    throw new Error('this needs no connection')
  }
  sampleNothing(t)
  const door = doorWith({ ask: neverRun, getCached: () => known }, { connect })
  t.match(door.ask(), { kind: 'known', answer: known, timings: { total: Number } })
  reported(t, door, { kind: 'answered', outcome: known, facts: { operation: 'ask', steps: 0, isOverdue: false } })
  t.match(door.lines, [{ reqId: 'id', key: 'web', msg: 'answered', cache: 'hit', mode: 'fast', ms: Number }])
  t.notOk('usage' in door.lines[0]! || 'stages' in door.lines[0]!, 'what is empty is not logged')
})

tap.test(
  'an answer from Redis: without a run; one that is not there: a run; a caller that has left: nothing is done',
  async t => {
    sampleNothing(t)
    const found = doorWith({ ask: neverRun, getShared: async () => shared })
    t.match(await found.ask(), { kind: 'shared', answer: shared, timings: { remember: Number, total: Number } })
    reported(t, found, { kind: 'answered', outcome: shared, facts: { timings: { remember: Number } } })
    t.match(found.lines, [{ reqId: 'id', msg: 'answered', cache: 'hit', stages: { remember: Number } }])

    for (const getShared of [async () => undefined, () => undefined]) {
      const missing = doorWith({ ...pipelineOf([done]), getShared })
      t.same(await readAll(await missing.run()), [done])
      reported(t, missing, { kind: 'answered', outcome: fresh })
    }

    const left = doorWith({ ask: neverRun, getShared: async () => (left.leave(), shared) })
    t.same(await readAll(await left.run()), ['cancelled'])
    reported(t, left, { kind: 'failed', outcome: 'cancelled' })

    const asked = () => {
      throw new Error('there is no time for Redis')
    }
    const hasty = doorWith({ ...pipelineOf([done]), getShared: asked }, { timeoutMs: 999 })
    t.same(await readAll(await hasty.run()), [done])
  },
)

tap.test('a rejection that is foreseen: no run, one outcome, no line of its own', async t => {
  sampleNothing(t)
  const overloaded = new AskError('overloaded', { retryAfter: 2 })
  const terms: unknown[] = []
  const rejection: AskingOptions['rejection'] = (...asked) => (terms.push(asked), overloaded)
  for (const getShared of [undefined, () => undefined, async () => undefined]) {
    const door = doorWith({ ask: neverRun, rejection, ...(getShared && { getShared }) }, { timeoutMs: 5000 })
    await t.rejects(async () => await door.ask(), overloaded)
    reported(t, door, { kind: 'failed', outcome: 'overloaded', facts: { key: 'web', timings: { total: Number } } })
    t.same(door.lines, [])
  }
  t.match(terms[0], [question, {}, { priority: 'batch', caller: 'tenant:law', deadline: Number }])

  const told = doorWith({ ask: neverRun, rejection, logQuestions: true })
  await t.rejects(async () => await told.ask(), overloaded)
  t.match(told.lines, [{ reqId: 'id', key: 'web', msg: 'asked', question: question.text }])

  const cached = doorWith({ ask: neverRun, rejection, getShared: async () => fresh })
  t.match(await cached.ask(), { kind: 'shared' }, 'a cached answer is not rejected')
  const hasty = doorWith({ ...pipelineOf([done]), rejection }, { timeoutMs: 999 })
  t.same(await readAll(await hasty.run()), [done], 'nobody has looked into Redis, which may have an expired answer')
  const admitted = doorWith({ ...pipelineOf([done]), rejection: () => undefined })
  t.same(await readAll(await admitted.run()), [done])
})

tap.test('a stream that fails before its first event: the line of its request is enough', async t => {
  const before = doorWith({ ...pipelineOf([new AskError('overloaded')]) }, { isStreamed: true })
  t.same(await readAll(await before.run()), ['overloaded'])
  t.same(before.lines, [])
  const after = doorWith({ ...pipelineOf([words, new AskError('overloaded')]) }, { isStreamed: true })
  t.same(await readAll(await after.run()), [words, 'overloaded'])
  t.match(after.lines, [{ msg: 'not answered', level: 'warn' }])
})

tap.test('a run: its events, and the answer with its timings', async t => {
  const { ask, runs } = pipelineOf([words, done])
  const door = doorWith({ ask, logQuestions: true }, { timeoutMs: 500 })
  const result = await door.run()
  t.same(door.outcomes, [])
  t.same(await readAll(result), [words, done])
  t.match(result.timings(), { generate: 12.3, total: Number })
  reported(t, door, {
    kind: 'answered',
    outcome: fresh,
    facts: { operation: 'ask', steps: 1, timings: { generate: 12.3 } },
  })
  t.match(door.lines, [
    { reqId: 'id', key: 'web', msg: 'asked', question: question.text },
    { reqId: 'id', key: 'web', msg: 'answered', stages: { generate: 12.3 }, cache: 'miss', usage: { llmCalls: 1 } },
  ])
  t.match(runs, [{ id: 'id', priority: 'batch', isStreamed: false }])
  t.ok(runs[0]!.deadline < performance.now(), 'its time counts from the arrival of the question')
})

tap.test('a reader that has the answer and reads no further: one outcome, and the pipeline is closed', async t => {
  const pipeline = pipelineOf([words, done, words])
  const door = doorWith(pipeline)
  for await (const event of (await door.run()).events) if (event.type === 'done') break
  t.ok(pipeline.isClosed())
  reported(t, door, { kind: 'answered', outcome: fresh })
})

tap.test('a caller that shows text as it arrives: always events', async t => {
  const cached = () => {
    throw new Error('a cached answer comes as events too')
  }
  const door = doorWith({ ...pipelineOf([words, done]), getCached: cached, getShared: cached }, { isStreamed: true })
  const result = door.ask()
  t.match(result, { kind: 'run' }, 'at once')
  t.same(await readAll(result as RunResult), [words, done])
  reported(t, door, { kind: 'answered' })
})

tap.test('a run that fails: its code; a line of its own for a stream only', async t => {
  for (const [error, code] of [
    [new AskError('model_failed'), 'model_failed'],
    [new AskError('unknown_collection'), 'unknown_collection'],
    [new Error('a fault of ours'), 'internal'],
  ] as const)
    for (const isStreamed of [false, true]) {
      const door = doorWith(pipelineOf([words, error]), { isStreamed })
      t.same(await readAll(await door.run()), [words, isAskError(error) ? code : 'no code'])
      reported(t, door, { kind: 'failed', outcome: code, facts: { operation: 'ask', timings: { retrieve: 5 } } })
      t.match(door.notes, [{ code, stage: 'retrieve', stages: { generate: 12.3, retrieve: 5 } }])
      const level = code === 'unknown_collection' ? 'info' : 'warn'
      t.match(door.lines, isStreamed ? [{ msg: 'not answered', code, stage: 'retrieve', level }] : [])
      t.equal(door.lines.length, isStreamed ? 1 : 0)
    }
})

tap.test('a run that exceeds its time: the error has the timings', async t => {
  const door = doorWith(pipelineOf([new AskError('deadline_exceeded')]))
  const error: unknown = await (await door.run()).events.next().catch((error: unknown) => error)
  t.match(error, { code: 'deadline_exceeded', timings: { generate: 12.3, retrieve: 5, total: Number } })
  reported(t, door, { kind: 'failed', outcome: 'deadline_exceeded', facts: { isOverdue: true } })
})

tap.test('a pipeline that ends without an answer: a fault of ours', async t => {
  const door = doorWith(pipelineOf([words]))
  t.same(await readAll(await door.run()), [words, 'internal'])
  reported(t, door, { kind: 'failed', outcome: 'internal' })
})

tap.test('a reader that leaves between two events: cancelled, and the pipeline is closed', async t => {
  const pipeline = pipelineOf([words, words, done])
  const door = doorWith(pipeline, { isStreamed: true })
  const { events } = await door.run()
  t.same(await events.next(), { done: false, value: words })
  await events.return()
  t.ok(pipeline.isClosed())
  reported(t, door, { kind: 'failed', outcome: 'cancelled' })
  t.match(door.lines, [{ msg: 'not answered', code: 'cancelled', level: 'info' }])
  t.match(door.notes, [{ code: 'cancelled', stages: { generate: 12.3 } }])
})

tap.test('a pipeline that cannot be closed: its reader learns of it, and the outcome is still reported', async t => {
  const door = doorWith({
    ask: async function* () {
      try {
        yield words
      } finally {
        throw new AskError('internal') // oxlint-disable-line no-unsafe-finally
      }
    },
  })
  const { events } = await door.run()
  await events.next()
  await t.rejects(events.return(), { code: 'internal' })
  reported(t, door, { kind: 'failed', outcome: 'cancelled' })
})

tap.test('a search: its passages, or its failure', async t => {
  const result = {
    mode: 'fast',
    isRelevant: true,
    degraded: [],
    usage: noUsage,
    passages: [],
  } as unknown as SearchResult
  const found = doorWith({
    search: async (_, run) => {
      run.onStage('retrieve', 7, 'ok')
      return result
    },
  })
  t.match(await found.search(), { result, timings: { retrieve: 7, total: Number } })
  reported(t, found, { kind: 'searched', outcome: result, facts: { operation: 'search', timings: { retrieve: 7 } } })
  t.match(found.lines, [{ reqId: 'id', msg: 'searched', near: true, passages: 0, stages: { retrieve: 7 } }])

  for (const code of ['deadline_exceeded', 'cancelled', 'pool_exhausted'] as const) {
    const failing = doorWith({
      search: async () => {
        throw new AskError(code)
      },
    })
    await t.rejects(failing.search(), { code, ...(code === 'deadline_exceeded' && { timings: { total: Number } }) })
    reported(t, failing, { kind: 'failed', outcome: code, facts: { operation: 'search' } })
    t.match(failing.notes, [{ code }])
    t.equal(failing.lines.length, code === 'cancelled' ? 1 : 0, 'the line of the request says the others')
  }
})

tap.test('spans: one per question with its outcome; the stages run inside it', async t => {
  const exporter = new tracing.InMemorySpanExporter()
  const provider = new node.NodeTracerProvider({ spanProcessors: [new tracing.SimpleSpanProcessor(exporter)] })
  provider.register()
  t.teardown(() => provider.shutdown().then(() => (trace.disable(), context.disable())))
  const spansOf = async (act: () => unknown) => {
    exporter.reset()
    await act()
    return exporter.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes }))
  }
  const answered = {
    name: 'a tool',
    attributes: { 'askwell.request_id': 'id', 'askwell.mode': 'fast', 'http.response.status_code': 200 },
  }
  const known = doorWith({ ask: neverRun, getCached: () => shared })
  t.match(await spansOf(() => known.ask()), [{ ...answered, attributes: { 'askwell.cache': 'hit' } }])
  t.match(known.lines, [{ msg: 'answered', trace_id: /^[0-9a-f]{32}$/, span_id: String }])
  t.equal(known.outcomes[0]?.facts.traceId, known.lines[0]?.['trace_id'])

  let parent: unknown
  const run = doorWith({
    ask: async function* () {
      yield words
      parent = trace.getActiveSpan()?.spanContext().spanId
      yield done
    },
  })
  t.match(await spansOf(async () => await readAll(await run.run())), [answered])
  t.equal(parent, run.lines[0]?.['span_id'])

  const failed = async (isStreamed: boolean, ...events: readonly (AskEvent | Error)[]) => {
    const door = doorWith(pipelineOf(events), { isStreamed })
    const [span] = await spansOf(async () => await readAll(await door.run()))
    return [span?.attributes['error.type'], span?.attributes['http.response.status_code']]
  }
  const error = new AskError('model_failed')
  t.same(await failed(false, words, error), ['model_failed', 502])
  t.same(await failed(true, error), ['model_failed', 502], 'a stream that has not begun')
  t.same(await failed(true, words, error), ['model_failed', 200], 'a stream that has sent its status')
  t.same(await failed(true, words, new AskError('cancelled')), ['cancelled', undefined])
})
