import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createCallCapacity } from '../../../src/resilience/call-capacity.ts'
import { createCallLimit, InVain, type CallLimitOptions } from '../../../src/resilience/call-limit.ts'
import { manualClock } from '../../support/clock.ts'
import { simulateModel, type SimulatedModel, type Talk } from '../../support/simulated-model.ts'

function modelOf(model: SimulatedModel, options: CallLimitOptions = {}) {
  const clock = manualClock()
  const limit = createCallLimit({ ...options, clock })
  return { clock, limit, model, ...simulateModel(clock, limit, model) }
}

const always = { seconds: Infinity }
const patient = { ...always, count: 200, thinkMs: 500, timeoutMs: 30_000 }
const hurried = { ...always, count: 100, thinkMs: 500, timeoutMs: 10_000 }

t.test('200 users and a model that gets slow and quick again: everybody is answered', async t => {
  for (const spread of [0, 0.5]) {
    const { model, begin, during, limit } = modelOf({ callMs: 500, atOnce: Infinity, spread })
    begin(patient)
    for (const callMs of [500, 2000, 5000, 500]) {
      model.callMs = callMs
      const [told] = await during(30)
      const what = `${callMs} ms ± ${spread * 100} %`
      t.same([told!.quoted, told!.late], [0, 0], what)
      const possible = (200 * 30) / (callMs / 1000 + 0.5)
      t.ok(
        told!.answered > 0.75 * possible,
        `${what}: ${told!.answered} of ${possible}, ${limit.status().limit} at once`,
      )
    }
  }
})

t.test('an instant model that takes a second from now on, 50 at once: all of them within five seconds', async t => {
  const { model, begin, during } = modelOf({ callMs: 5, atOnce: Infinity })
  begin({ ...patient, count: 50, thinkMs: 1 })
  await during(10)
  model.callMs = 1000
  await during(4)
  const [told] = await during(2)
  t.ok(told!.answered >= 2 * 45, `${told!.answered} in two seconds`)
  t.same([told!.quoted, told!.late], [0, 0])
})

const figures = (told: Talk[]) => told[0]!
const sumOf = (told: Talk[], of: 'answered' | 'quoted' | 'late' | 'left' | 'refusedByModel') =>
  told.reduce((sum, each) => sum + each[of], 0)

t.test('a model that works on a few at a time, in silence: it stays useful, the others are told at once', async t => {
  for (const [atOnce, callMs, spread] of [
    [4, 1000, 0],
    [4, 1000, 0.5],
    [1, 500, 0.5],
  ] as const) {
    const { begin, during } = modelOf({ callMs, atOnce, spread })
    begin(hurried)
    for (const minute of ['first', 'second']) {
      const { answered, late, quotedMs, mostInFlight } = figures(await during(60))
      const what = `${minute} minute, ${atOnce} at a time, ${callMs} ms ± ${spread * 100} %`
      const pace = (answered * callMs) / 60_000 / atOnce
      t.ok(pace >= (spread === 0 ? 0.98 : 0.9), `${what}: ${Math.round(100 * pace)} % of its pace`)
      t.ok(late <= 0.08 * answered, `${what}: ${late} of ${answered} were cut off`)
      const slow = quotedMs.filter(ms => ms > 2000).length
      t.ok(
        slow <= (minute === 'first' ? 0.03 : 0.01) * quotedMs.length,
        `${what}: ${slow} of ${quotedMs.length} quoted after two seconds`,
      )
      t.ok(mostInFlight <= 30, `${what}: ${mostInFlight} in flight`)
    }
  }
})

t.test('a silent queue of a fresh process: whoever waits in vain is notified within two seconds', async t => {
  for (const spread of [0, 0.3, 0.6])
    for (const timeoutMs of [10_000, 15_000, 30_000]) {
      const { begin, during } = modelOf({ callMs: 1000, atOnce: 4, spread })
      begin({ ...hurried, timeoutMs })
      const { answered, late, quoted, quotedMs } = figures(await during(60))
      const what = `± ${spread * 100} %, ${timeoutMs} ms`
      t.ok(answered >= 3.8 * 60, `${what}: ${answered} answered in a minute`)
      t.equal(late, 0, what)
      const slow = quotedMs.filter(ms => ms > 2000).length
      t.ok(slow <= (spread > 0.5 ? 0.003 * quoted : 0), `${what}: ${slow} of ${quoted} after two seconds`)
    }
})

t.test('five seconds per call and little time: the queue of the server never runs empty', async t => {
  const { begin, during } = modelOf({ callMs: 5000, atOnce: 4, spread: 0.3 })
  begin({ ...hurried, timeoutMs: 15_000 })
  const { answered, late } = figures(await during(60))
  t.ok(answered >= 0.8 * 4 * 12, `${answered} of 48`)
  t.ok(late <= 20, `${late} cut off`)
})

t.test('very different answers of a fresh process are no queue, though a few end long before the others', async t => {
  for (let seed = 1; seed <= 12; seed++) {
    const { begin, during, limit } = modelOf({ callMs: 1000, atOnce: Infinity, spread: 0.9, seed: 7919 * seed })
    begin(patient)
    const { quoted, late } = figures(await during(4))
    t.same([quoted, late], [0, 0], `seed ${seed}`)
    t.ok(limit.status().limit > 60, `seed ${seed}: ${limit.status().limit} at once`)
  }
})

t.test('after a restart, 200 users and a model of five seconds: replies that begin raise the limit', async t => {
  for (const spread of [0, 0.5]) {
    const { begin, during } = modelOf({ callMs: 5000, atOnce: Infinity, spread, firstToken: 0.1 })
    begin({ ...patient, timeoutMs: 15_000 })
    const { answered, late, quoted } = figures(await during(20))
    t.same([quoted, late], [0, 0])
    t.ok(answered >= 0.9 * 200 * (20 / 5.5 - 1), `${answered} answered`)
  }
})

t.test(
  'a reply that begins much later than others has waited in the server: it raises the limit at its end',
  async t => {
    let time = 0
    const capacity = createCallCapacity({ max: Infinity, initial: 4, clock: { now: () => time } })
    const load = { inFlight: 4, waiting: 10 }
    const [prompt, late] = [capacity.send(3), capacity.send(4)]
    time = 100
    capacity.begun(prompt, load)
    t.equal(capacity.limit, 5)
    time = 1000
    capacity.begun(late, load)
    t.equal(capacity.limit, 5)
    capacity.ended(prompt, 'ok', load)
    t.equal(capacity.limit, 5, 'once for each call')
    capacity.ended(late, 'ok', load)
    t.equal(capacity.limit, 6)
  },
)

t.test('in a silent queue few replies begin: the limit grows no further than without', async t => {
  for (const spread of [0, 0.6]) {
    const { begin, during } = modelOf({ callMs: 1000, atOnce: 4, spread, firstToken: 0.2 })
    begin(hurried)
    const { answered, late, mostInFlight } = figures(await during(30))
    t.ok(answered >= 0.9 * 4 * 30, `${answered} answered`)
    t.equal(late, 0)
    t.ok(mostInFlight <= 30, `${mostInFlight} in flight`)
  }
})

t.test('a server whose pace falls to a tenth, and comes back', async t => {
  const { model, begin, during } = modelOf({ callMs: 1000, atOnce: 40, spread: 0.3 })
  begin({ ...hurried, count: 60 })
  await during(30)
  model.atOnce = 4
  await during(30)
  const slow = figures(await during(60))
  t.ok(slow.answered >= 0.9 * 4 * 60, `${slow.answered} answered`)
  t.ok(slow.late <= 0.15 * slow.answered, `${slow.late} sent in vain, ${slow.quoted} not sent`)
  model.atOnce = 40
  await during(30)
  const quick = figures(await during(60))
  t.ok(quick.answered >= 0.9 * 37 * 60, `${quick.answered} answered`)
  t.same([quick.late, quick.quoted], [0, 0])
})

t.test('a server that refuses more than ten at a time: few are sent to be refused, and it stays useful', async t => {
  const { begin, during } = modelOf({ callMs: 1000, atOnce: 10, spread: 0.3, refusesAbove: 10 })
  begin({ ...patient, count: 30 })
  await during(30)
  const { answered, late, refusedByModel } = figures(await during(60))
  t.ok(answered >= 0.75 * 10 * 60, `${answered} answered`)
  t.ok(refusedByModel <= 0.05 * answered, `${refusedByModel} refused`)
  t.equal(late, 0)
})

t.test('a server that is slower than the caller can wait: told at once, one at a time tries', async t => {
  const { model, begin, during } = modelOf({ callMs: 1000, atOnce: Infinity })
  begin({ ...always, count: 20, thinkMs: 100, timeoutMs: 3000 })
  await during(10)
  model.callMs = 4000
  await during(10)
  const slow = figures(await during(20))
  t.ok(slow.mostInFlight <= 20)
  t.ok(slow.quoted > 10 * slow.late, `${slow.late} cut off, ${slow.quoted} told at once`)
  model.callMs = 500
  await during(4)
  const quick = figures(await during(10))
  t.same([quick.late, quick.quoted], [0, 0], 'quick again: used at once')
})

t.test('callers take turns: a flood of one does not push out another', async t => {
  const { begin, during } = modelOf({ callMs: 500, atOnce: 4 }, { max: 4 })
  begin(
    { ...hurried, count: 200, thinkMs: 0, caller: 'flood' },
    { ...hurried, count: 3, thinkMs: 500, caller: 'other' },
  )
  await during(20)
  const [flood, other] = (await during(30)) as [Talk, Talk]
  t.same([other.quoted, other.late], [0, 0])
  t.ok(Math.max(...other.answeredMs) <= 1500, `slowest ${Math.max(...other.answeredMs)} ms`)
  t.ok(flood.answered > 100, `${flood.answered} of the flood`)
})

t.test('a pause that the server asked for is waited for where the deadline allows', async t => {
  const clock = manualClock()
  const limit = createCallLimit({ clock })
  const { signal } = new AbortController()
  limit.busy(3000)
  await t.rejects(limit.enter({ priority: 'interactive', signal, deadline: 2000 }), new InVain(3000, true))
  const entering = limit.enter({ priority: 'interactive', signal, deadline: 10_000 })
  clock.advance(2999)
  await turn()
  t.match(limit.status(), { inFlight: 0, waiting: 1 })
  clock.advance(1)
  const place = await entering
  t.match(limit.status(), { inFlight: 1, waiting: 0 })
  place.leave('ok')
  place.leave('ok')
  t.match(limit.status(), { inFlight: 0 })
})

t.test('a timer that fires a little early ends the pause all the same', async t => {
  const clock = manualClock()
  const limit = createCallLimit({ clock: { ...clock, setTimeout: (fire, ms) => clock.setTimeout(fire, ms - 1) } })
  limit.busy(100)
  const terms = { priority: 'interactive', signal: new AbortController().signal, deadline: 1000 } as const
  const entering = limit.enter(terms)
  clock.advance(99)
  await entering
  t.match(limit.status(), { inFlight: 1, waiting: 0 })
})

t.test('a server that refuses and does not say for how long: ever longer pauses, until it answers', async t => {
  const clock = manualClock()
  const limit = createCallLimit({ clock })
  const terms = { priority: 'interactive', signal: new AbortController().signal, deadline: 1e6 } as const
  const pauses: number[] = []
  for (const isBusy of [true, true, true, false, true]) {
    const askedAt = clock.now()
    const entering = limit.enter(terms)
    for (let isIn = false; !isIn; isIn = await Promise.race([entering.then(() => true), turn(false)])) clock.advance(50)
    pauses.push(clock.now() - askedAt)
    const place = await entering
    if (isBusy) limit.busy(0)
    place.leave(isBusy ? 'none' : 'ok')
  }
  t.same(pauses, [50, 100, 200, 400, 50])
})

t.test('batch calls have a share, and never all places', async t => {
  const limit = createCallLimit({ max: 4, batchShare: 0.5, clock: manualClock() })
  const { signal } = new AbortController()
  const enter = (priority: 'interactive' | 'batch') => limit.enter({ priority, signal, deadline: 1e6 })
  const batch = [enter('batch'), enter('batch'), enter('batch')]
  await turn()
  t.match(limit.status(), { inFlight: 2, waiting: 1 })
  const [one, other] = [await enter('interactive'), await enter('interactive')]
  t.match(limit.status(), { inFlight: 4, waiting: 1 })
  one.leave('ok')
  t.match(limit.status(), { inFlight: 3, waiting: 1 }, 'the share is used')
  ;(await batch[0]!).leave('ok')
  ;(await batch[2]!).leave('ok')
  ;(await batch[1]!).leave('ok')
  other.leave('ok')
  t.match(limit.status(), { inFlight: 0, waiting: 0 })
})

t.test('questions at a steady rate and a model that gets slow: it is no queue, though slow calls are many', async t => {
  const { model, begin, during, limit } = modelOf({ callMs: 50, atOnce: Infinity, spread: 0.2 })
  begin(...Array.from({ length: 60 }, (_, at) => ({ ...always, count: 1, thinkMs: 4000 + 61 * at, timeoutMs: 10_000 })))
  await during(60)
  model.callMs = 1500
  const slow = await during(30)
  t.same(sumOf(slow, 'quoted') + sumOf(slow, 'late'), 0, `${sumOf(slow, 'answered')} answered`)
  t.equal(limit.status().isSaturated, false)
})

t.test('answers of very different lengths are no queue', async t => {
  const { model, begin, during } = modelOf({ callMs: 1000, atOnce: Infinity })
  begin({ ...patient, count: 50 })
  let [answered, others] = [0, 0]
  for (let part = 0; part < 300; part++) {
    model.callMs = [400, 1500, 400, 4000, 400, 1500, 9000][part % 7]!
    const { answered: more, quoted, late } = figures(await during(0.1))
    answered += more
    others += quoted + late
  }
  t.ok(answered > 0)
  t.equal(others, 0)
})

t.test('a queue of one call that takes longer than the silence that is waited for: one at a time', async t => {
  const { begin, during, limit } = modelOf({ callMs: 20_000, atOnce: 1, silenceMs: 10_000 })
  begin({ ...always, count: 3, thinkMs: 500, timeoutMs: 60_000 })
  await during(60)
  const { answered, late } = figures(await during(120))
  t.ok(answered >= 4, `${answered} answered, 6 were possible`)
  t.ok(late <= 4, `${late} given up`)
  t.ok(limit.status().limit <= 2)
})

t.test('whoever leaves, waits, fails or is refused: no place is lost', async t => {
  const { begin, during, limit } = modelOf({ callMs: 300, atOnce: 8, spread: 0.5, refusesAbove: 14 })
  const leaves = { every: 3, afterMs: 200 }
  begin(
    { seconds: 10, count: 20, thinkMs: 100, timeoutMs: 1000, caller: 'a', leaves },
    { seconds: 10, count: 20, thinkMs: 100, timeoutMs: 3000, caller: 'b', priority: 'batch', leaves },
  )
  const ended = await during(14)
  for (const how of ['answered', 'left', 'refusedByModel'] as const) t.ok(sumOf(ended, how) > 0, how)
  t.match(limit.status(), { inFlight: 0, waiting: 0 })
})

t.test('who leaves while waiting takes no place', async t => {
  const limit = createCallLimit({ max: 1, clock: manualClock() })
  const controller = new AbortController()
  const terms = { priority: 'interactive', deadline: 1e6 } as const
  const first = await limit.enter({ ...terms, signal: new AbortController().signal })
  const waiting = limit.enter({ ...terms, signal: controller.signal })
  const next = limit.enter({ ...terms, signal: new AbortController().signal })
  controller.abort(new Error('left'))
  await t.rejects(waiting, { message: 'left' })
  await t.rejects(limit.enter({ ...terms, signal: controller.signal }), { message: 'left' })
  first.leave('none')
  await next
  t.match(limit.status(), { inFlight: 1, waiting: 0 })
})
