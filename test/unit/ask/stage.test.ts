import { tracing } from '@opentelemetry/sdk-node'
import t from 'tap'
import { createStages } from '../../../src/ask/stage.ts'
import { AskError } from '../../../src/errors.ts'
import { manualClock } from '../../support/clock.ts'
import { runOf } from '../../support/run-of.ts'

function setUp() {
  const clock = manualClock()
  const exporter = new tracing.InMemorySpanExporter()
  const provider = new tracing.BasicTracerProvider({ spanProcessors: [new tracing.SimpleSpanProcessor(exporter)] })
  const observed: [string, string, number][] = []
  const firstTokens: number[] = []
  const stages = createStages({
    clock,
    tracer: provider.getTracer('test'),
    events: {
      stageEnded: (stage, outcome, s) => void observed.push([stage, outcome, s]),
      stageStreamed: (_, s) => void firstTokens.push(s),
    },
  })
  return { clock, exporter, observed, firstTokens, ...stages }
}

/** Work that is deaf to signals and never ends. */
const deaf = () => new Promise<never>(() => {})

t.test('ok: the output, one span, one observation, the run is told', async t => {
  const { stage, exporter, observed } = setUp()
  const run = runOf({ deadline: 1000 })
  t.equal(await stage('embed', 100, async (n: number) => n + 1)(1, run), 2)
  t.same(
    exporter.getFinishedSpans().map(span => span.name),
    ['ask.embed'],
  )
  t.same(observed, [['embed', 'ok', 0]])
  t.same(run.ended, [{ name: 'embed', outcome: 'ok' }])
})

t.test('an error: passed on, span marked with its code', async t => {
  const { stage, exporter } = setUp()
  const run = runOf({ deadline: 1000 })
  const work = stage('embed', 100, async () => {
    throw new AskError('model_failed')
  })
  await t.rejects(work(null, run), { code: 'model_failed' })
  const [span] = exporter.getFinishedSpans()
  t.equal(span?.attributes['error.type'], 'model_failed')
  t.same(run.ended, [{ name: 'embed', outcome: 'error' }])
})

t.test('over its budget: aborts the work and does not wait for work that is deaf', async t => {
  const { stage, clock } = setUp()
  const run = runOf({ deadline: 1000 })
  let signal: AbortSignal | undefined
  const done = stage('retrieve', 100, (_: null, bounded) => {
    signal = bounded.signal
    return deaf()
  })(null, run)
  clock.advance(100)
  await t.rejects(done, { code: 'deadline_exceeded' })
  t.ok(signal?.aborted)
  t.same(run.ended, [{ name: 'retrieve', outcome: 'deadline' }])
})

t.test("the request's deadline is nearer than the budget: it counts", async t => {
  const { stage, clock } = setUp()
  const done = stage('retrieve', 100, deaf)(null, runOf({ deadline: 30 }))
  clock.advance(30)
  await t.rejects(done, { code: 'deadline_exceeded' })
})

t.test('no time left: the work does not start', async t => {
  const { stage, clock } = setUp()
  clock.advance(50)
  let isStarted = false
  const work = stage('embed', 100, async () => {
    isStarted = true
  })
  await t.rejects(work(null, runOf({ deadline: 50 })), { code: 'deadline_exceeded' })
  t.equal(isStarted, false)
})

t.test('the client leaves: cancelled, with the reason', async t => {
  const { stage } = setUp()
  const run = runOf({ deadline: 1000 })
  const done = stage('embed', 100, deaf)(null, run)
  run.abort(new AskError('cancelled'))
  await t.rejects(done, { code: 'cancelled' })
  t.same(run.ended, [{ name: 'embed', outcome: 'cancelled' }])
})

t.test('a loser that fails late: no unhandled rejection', async t => {
  const { stage, clock } = setUp()
  const rejections: unknown[] = []
  const note = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', note)
  const late = Promise.withResolvers<never>()
  const done = stage('embed', 10, () => late.promise)(null, runOf({ deadline: 1000 }))
  clock.advance(10)
  await t.rejects(done)
  late.reject(new Error('too late'))
  await new Promise(resolve => setImmediate(resolve))
  process.off('unhandledRejection', note)
  t.same(rejections, [])
})

async function* words(...all: string[]) {
  yield* all
}

t.test('a stream: its span ends when the iterator ends, not when it is made', async t => {
  const { streamStage, exporter, firstTokens, clock } = setUp()
  const run = runOf({ deadline: 1000 })
  const stream = streamStage('generate', 100, () => words('a', 'b'))(null, run)
  t.equal((await stream.next()).value, 'a')
  t.equal(exporter.getFinishedSpans().length, 0)
  clock.advance(20)
  t.equal((await stream.next()).value, 'b')
  t.equal((await stream.next()).done, true)
  t.equal(exporter.getFinishedSpans().length, 1)
  t.same(firstTokens, [0])
  t.same(run.ended, [{ name: 'generate', outcome: 'ok' }])
})

t.test('a stream whose reader leaves: cancelled, and its source is returned', async t => {
  const { streamStage } = setUp()
  let isReturned = false
  async function* source() {
    try {
      yield 'a'
      yield 'b'
    } finally {
      isReturned = true
    }
  }
  const run = runOf({ deadline: 1000 })
  for await (const _ of streamStage('generate', 100, source)(null, run)) break
  t.same(run.ended, [{ name: 'generate', outcome: 'cancelled' }])
  t.ok(isReturned)
})

t.test('a stream that stalls: ends at its budget', async t => {
  const { streamStage, clock } = setUp()
  async function* stalling() {
    yield 'a'
    await deaf()
  }
  const stream = streamStage('generate', 100, stalling)(null, runOf({ deadline: 1000 }))
  await stream.next()
  const second = stream.next()
  clock.advance(100)
  await t.rejects(second, { code: 'deadline_exceeded' })
})
