import t from 'tap'
import { createLoadBatches, type BatchFault } from '../../../src/resilience/load-batches/load-batches.ts'
import { createBatchTurns } from '../../../src/resilience/load-batches/turns.ts'
import { createUrgentWork } from '../../../src/resilience/load-batches/urgent.ts'
import { manualClock } from '../../support/clock.ts'

const never = new AbortController().signal

class Fault extends Error {
  readonly fault: BatchFault
  constructor(fault: BatchFault) {
    super(fault.kind)
    this.fault = fault
  }
}

type Batch = readonly string[]

interface Server {
  /** Of a batch; throws what the server replies otherwise. */
  readonly ms: (batch: Batch, nth: number) => number
}

/** Batches over a server whose time is the clock's. */
function batchesOver({ ms }: Server, aimMs = 2500) {
  const clock = manualClock()
  const sizes: number[] = []
  const waits: number[] = []
  const load = createLoadBatches<string, string>({
    async run(batch, signal) {
      sizes.push(batch.length)
      const took = ms(batch, sizes.length)
      if (took >= 60_000) {
        clock.advance(60_000)
        signal.throwIfAborted()
      }
      clock.advance(took)
      return batch.map(text => text.toUpperCase())
    },
    read: error => (error instanceof Fault ? error.fault : { kind: signalOf(error) }),
    weigh: text => text.length,
    mostItems: 96,
    mostWeight: 100_000,
    timeoutMs: 60_000,
    aimMs: () => aimMs,
    clock,
    async sleep(pause) {
      waits.push(pause)
      clock.advance(pause)
    },
  })
  return { load, sizes, waits }
}

const signalOf = (error: unknown) =>
  (error as { readonly code?: string }).code === 'deadline_exceeded' ? 'late' : 'final'

const texts = (count: number, length = 10) => Array.from({ length: count }, (_, i) => `${i}`.padEnd(length, 'x'))

t.test('begins small, and grows at most twofold until a batch takes as long as it should', async t => {
  const { load, sizes } = batchesOver({ ms: batch => 100 * batch.length })
  const items = texts(200)
  t.same(
    await load(items, never),
    items.map(text => text.toUpperCase()),
  )
  t.same(sizes.slice(0, 5), [8, 16, 25, 25, 25])
})

t.test('a quick server gets the largest batches', async t => {
  const { load, sizes } = batchesOver({ ms: () => 10 })
  await load(texts(400), never)
  t.same(sizes, [8, 16, 32, 64, 96, 96, 88])
})

t.test('long texts make small batches, and short ones large batches', async t => {
  const { load, sizes } = batchesOver({ ms: batch => batch.join('').length })
  await load([...texts(43, 500), ...texts(200, 20)], never)
  t.same(sizes, [8, 5, 5, 5, 5, 5, 5, 5, 96, 96, 8])
})

t.test('a batch that takes too long is aborted, then tried in halves and one at a time', async t => {
  const { load, sizes } = batchesOver({ ms: batch => (batch.length > 1 ? 60_000 : 50_000) })
  const items = texts(3)
  t.same(
    await load(items, never),
    items.map(text => text.toUpperCase()),
  )
  t.same(sizes, [3, 1, 1, 1])
})

t.test('a server that does not reply to a single text either is given up', async t => {
  const { load, sizes } = batchesOver({ ms: () => 60_000 })
  await t.rejects(load(texts(20), never, { patienceMs: () => 1000 }), { code: 'deadline_exceeded' })
  t.same(sizes, [8, 4, 1, 1, 1])
  sizes.length = 0
  await t.rejects(load(texts(20), never), { code: 'deadline_exceeded' })
  t.same(sizes, [1, 1, 1], 'what was learned stays')
})

t.test('a batch that is too large is tried in halves, and the server is not sent as many again', async t => {
  const { load, sizes } = batchesOver({
    ms(batch) {
      if (batch.length > 5) throw new Fault({ kind: 'too_large' })
      return 10
    },
  })
  const items = texts(30)
  t.same(
    await load(items, never),
    items.map(text => text.toUpperCase()),
  )
  t.ok(
    sizes.slice(4).every(size => size <= 4),
    sizes.join(),
  )
})

t.test('one text that is too large does not make later batches small', async t => {
  const { load, sizes } = batchesOver({
    ms(batch) {
      if (batch.some(text => text.startsWith('LONG'))) throw new Fault({ kind: 'too_large' })
      return 10
    },
  })
  await t.rejects(load([...texts(4), 'LONG'], never), { message: 'too_large' })
  sizes.length = 0
  await load(texts(100), never)
  t.ok(
    sizes.some(size => size > 32),
    sizes.join(),
  )
})

t.test('a busy server is waited for as long as it says, and longer each time where it does not', async t => {
  const { load, sizes, waits } = batchesOver({
    ms(_batch, nth) {
      if (nth === 2) throw new Fault({ kind: 'busy', pauseMs: 20_000 })
      if (nth === 4 || nth === 5) throw new Fault({ kind: 'busy' })
      return 10
    },
  })
  const seen: number[] = []
  const items = texts(100)
  const onDone = (count: number) => void seen.push(count)
  t.same(
    await load(items, never, { patienceMs: () => 60_000, onDone }),
    items.map(text => text.toUpperCase()),
  )
  t.same(waits, [20_000, 1000, 2000])
  t.same(
    seen.reduce((sum, count) => sum + count),
    100,
  )
  t.equal(sizes[1], sizes[2], 'the same batch again')
})

t.test('patience counts from the last reply', async t => {
  const impatient = batchesOver({
    ms() {
      throw new Fault({ kind: 'busy', pauseMs: 30_000 })
    },
  })
  await t.rejects(impatient.load(texts(3), never, { patienceMs: () => 60_000 }), { message: 'busy' })
  t.same(impatient.waits, [30_000, 30_000])
  const none = batchesOver({
    ms() {
      throw new Fault({ kind: 'busy' })
    },
  })
  await t.rejects(none.load(texts(3), never), { message: 'busy' })
  t.same(none.waits, [])
})

t.test('a failure that may pass is repeated a few times, any other is not', async t => {
  const passing = batchesOver({
    ms(_batch, nth) {
      if (nth < 4) throw new Fault({ kind: 'passing' })
      return 10
    },
  })
  t.equal((await passing.load(texts(5), never, { patienceMs: () => 1 })).length, 5)
  t.same(passing.waits, [1000, 2000, 4000])
  const final = batchesOver({
    ms() {
      throw new Fault({ kind: 'final' })
    },
  })
  await t.rejects(final.load(texts(5), never, { patienceMs: () => 600_000 }), { message: 'final' })
  t.same(final.sizes.length, 1)
})

t.test('ends when its signal aborts, also while it waits', async t => {
  const stop = new AbortController()
  const { load, sizes } = batchesOver({
    ms(_batch, nth) {
      if (nth === 2) stop.abort(new Error('stopped'))
      return 10
    },
  })
  await t.rejects(load(texts(100), stop.signal), { message: 'stopped' })
  t.equal(sizes.length, 2)
})

t.test('several run at a time only where none becomes slower', async t => {
  const clock = manualClock()
  const turns = createBatchTurns(clock)
  const first = await turns.enter(never)
  let others = 0
  const entered = Array.from({ length: 3 }, async () => {
    const turn = await turns.enter(never)
    others += 1
    return turn
  })
  await turn()
  t.equal(others, 0, 'the first one is alone: how quick the server is, is unknown')
  first.leave(1)
  const together = await Promise.all(entered)
  t.equal(others, 3)
  for (const each of together) each.leave(2)
  const next = await turns.enter(never)
  const waiting = turns.enter(never)
  let isIn = false
  void waiting.then(() => (isIn = true))
  await turn()
  t.notOk(isIn, 'twice as slow together: one at a time')
  next.leave(1)
  ;(await waiting).leave(1)
  clock.advance(60_000)
  await turns.enter(never)
  await turns.enter(never)
  t.pass('after a minute it is tried again')
})

t.test('one that leaves the queue lets the others pass', async t => {
  const turns = createBatchTurns(manualClock())
  const first = await turns.enter(never)
  const leaves = new AbortController()
  const gone = turns.enter(leaves.signal)
  const stays = turns.enter(never)
  leaves.abort(new Error('left'))
  await t.rejects(gone, { message: 'left' })
  first.leave()
  ;(await stays).leave()
})

t.test('background work waits for what is urgent, but not for ever', async t => {
  const clock = manualClock()
  const urgent = createUrgentWork(clock)
  await urgent.settled(never)
  t.notOk(urgent.isRecent())
  const { promise, resolve } = Promise.withResolvers<void>()
  const running = urgent.run(() => promise)
  let isSettled = false
  const settled = urgent.settled(never).then(() => (isSettled = true))
  await turn()
  t.notOk(isSettled)
  resolve()
  await Promise.all([running, settled])
  t.ok(urgent.isRecent())
  clock.advance(5000)
  t.notOk(urgent.isRecent())
  void urgent.run(() => new Promise(() => {}))
  const patient = urgent.settled(never)
  clock.advance(2000)
  await patient
})

const turn = () => new Promise(resolve => setImmediate(resolve))
