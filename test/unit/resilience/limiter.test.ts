import fc from 'fast-check'
import t from 'tap'
import { createLimiter, Refused, type LimiterOptions, type Place } from '../../../src/resilience/limiter.ts'
import type { Priority } from '../../../src/priority.ts'
import { manualClock } from '../../support/clock.ts'
import { load, simulated, type Simulated } from '../../support/simulated-server.ts'

const usual = { floor: 10, ceiling: 500, maxWaiting: 1000, maxWaitMs: 1000, batchShare: 0.5 }

function limiterOf(server: Pick<Simulated, 'clock'>, options: Partial<LimiterOptions> = {}) {
  return createLimiter({ ...usual, ...options, clock: server.clock })
}

/** A limit that does not move. */
function fixed(limit: number, options: Partial<LimiterOptions> = {}) {
  const clock = manualClock()
  const limiter = limiterOf({ clock }, { floor: limit, ceiling: limit, initial: limit, ...options })
  const enter = (
    priority: Priority = 'interactive',
    { signal = new AbortController().signal, deadline = Infinity } = {},
  ) => limiter.enter({ priority, signal, deadline })
  return { clock, limiter, enter }
}

/** Runs of this length, as many as tell the limiter what is usual. */
async function used(enter: () => Promise<Place>, clock: Simulated['clock'], ms: number): Promise<void> {
  for (let i = 0; i < 10; i++) {
    const place = await enter()
    clock.advance(ms)
    place.leave('run')
  }
}

async function reasonOf(entering: Promise<Place>): Promise<string> {
  return await entering.then(
    () => 'let in',
    (error: unknown) => (error instanceof Refused ? error.reason : (error as Error).message),
  )
}

t.test('times are flat: the limit grows to what is asked for, and nobody is refused for long', async t => {
  const server = simulated(1000, Infinity)
  const limiter = limiterOf(server)
  await load(server, limiter, { perSecond: 300, seconds: 20 })
  const { refused, mostInFlight } = await load(server, limiter, { perSecond: 300, seconds: 10 })
  t.same(refused, { queue: 0, wait: 0, time: 0, evicted: 0, overdue: 0 })
  t.ok(mostInFlight >= 300, `${mostInFlight} at once`)
})

t.test(
  'three times more than it can: nearly all that it can is done, after the longest wait, and refusals are at once',
  async t => {
    for (const [baseMs, knee] of [
      [100, 25],
      [30, 25],
      [300, 100],
    ] as const) {
      const server = simulated(baseMs, knee)
      const maxWaitMs = Math.max(1000, 2.5 * baseMs)
      const limiter = limiterOf(server, { maxWaitMs })
      const peak = (1000 * knee) / baseMs
      await load(server, limiter, { perSecond: peak / 2, seconds: 20 })
      await load(server, limiter, { perSecond: peak * 3, seconds: 20 })
      const seconds = 30 + baseMs / 50
      const { done, ms, refusedMs, mostInFlight } = await load(server, limiter, { perSecond: peak * 3, seconds })
      const what = `${baseMs} ms, ${knee} at once: `
      t.ok(done >= 0.9 * peak * seconds, `${what}${Math.round((100 * done) / peak / seconds)} % of the peak`)
      const p99 = ms.toSorted((a, b) => a - b)[Math.floor(ms.length * 0.99)] as number
      t.ok(p99 <= 3 * baseMs + 1.5 * maxWaitMs, `${what}p99 ${p99} ms`)
      t.ok(mostInFlight <= 3 * knee, `${what}${mostInFlight} at once`)
      t.ok(
        refusedMs.filter(each => each > 0).length <= refusedMs.length / 100,
        `${what}of ${refusedMs.length} refused ${refusedMs.filter(each => each > 0).length} had waited`,
      )
    }
  },
)

t.test('a slow spell: the limit falls, never below the floor, and is back when that is over', async t => {
  const server = simulated(100, 40)
  const limiter = limiterOf(server)
  await load(server, limiter, { perSecond: 300, seconds: 20 })
  server.baseMs = 3000
  await load(server, limiter, { perSecond: 300, seconds: 30 })
  const { limit } = limiter.status()
  t.ok(limit >= usual.floor && limit < 40, `${limit} in the spell`)
  server.baseMs = 100
  await load(server, limiter, { perSecond: 300, seconds: 15 })
  t.equal((await load(server, limiter, { perSecond: 300, seconds: 10 })).done >= 0.98 * 3000, true)
})

t.test('runs that fail at once are no fast ones: what is usual stays, and the limit with it', async t => {
  const server = simulated(100, 40)
  const limiter = limiterOf(server)
  await load(server, limiter, { perSecond: 200, seconds: 20 })
  const before = limiter.status().limit
  await load(server, limiter, { perSecond: 200, seconds: 20, failEvery: 2 })
  await load(server, limiter, { perSecond: 200, seconds: 5 })
  t.ok(limiter.status().limit >= before, `${before} → ${limiter.status().limit}`)
})

/** As many runs at once as there is room for, all of one length. */
function rounds(initial: number) {
  const { clock, limiter, enter } = fixed(10, { ceiling: 500, initial })
  return {
    limiter,
    async round(ms: number, kind: string | null, times: number): Promise<void> {
      for (let i = 0; i < times; i++) {
        const places = await Promise.all(Array.from({ length: limiter.status().limit }, () => enter()))
        clock.advance(ms)
        for (const place of places) place.leave(kind)
      }
    },
  }
}

t.test('runs that were cut short: slow ones when they took longer than usual, else they say nothing', async t => {
  const { limiter, round } = rounds(40)
  await round(200, 'run', 5)
  const before = limiter.status().limit
  await round(20, null, 5)
  t.equal(limiter.status().limit, before, 'shorter')
  await round(5000, null, 10)
  t.ok(limiter.status().limit < 0.6 * before, `longer: ${before} → ${limiter.status().limit}`)
})

t.test('another mix of kinds is no slowness', async t => {
  const { limiter, round } = rounds(20)
  await round(10, 'search', 30)
  const before = limiter.status().limit
  await round(3000, 'answer', 5)
  const mixed = limiter.status().limit
  t.ok(mixed >= before, `${before} → ${mixed}`)
  await round(9000, 'answer', 30)
  t.ok(limiter.status().limit < 0.7 * mixed, `three times slower is: ${mixed} → ${limiter.status().limit}`)
})

t.test('no room: waits for its turn, in order', async t => {
  const { enter, limiter } = fixed(1)
  const order: string[] = []
  const first = await enter()
  const others = ['second', 'third'].map(async name => {
    const place = await enter()
    order.push(name)
    place.leave('run')
  })
  t.same(limiter.status(), { limit: 1, inFlight: 1, waiting: 2 })
  first.leave('run')
  first.leave('run')
  await Promise.all(others)
  t.same(order, ['second', 'third'])
  t.same(limiter.status(), { limit: 1, inFlight: 0, waiting: 0 }, 'leaving twice counts once')
})

t.test('the queue is full: refused', async t => {
  const { enter } = fixed(1, { maxWaiting: 1 })
  await enter()
  void enter()
  t.equal(await reasonOf(enter()), 'queue')
})

t.test('the turn would come too late: refused at once', async t => {
  const { enter, clock } = fixed(1, { maxWaitMs: 50 })
  await used(enter, clock, 40)
  await enter()
  t.equal(await reasonOf(enter('interactive', { deadline: clock.now() + 79 })), 'time', 'it takes 40 ms after 40 ms')
  void enter()
  t.equal(await reasonOf(enter()), 'wait', 'for anybody')
})

t.test('the estimate was wrong: nobody waits for ever', async t => {
  const { enter, clock, limiter } = fixed(1)
  await enter()
  const [waiting, brief] = [reasonOf(enter()), reasonOf(enter('interactive', { deadline: clock.now() + 150 }))]
  clock.advance(150)
  t.equal(await brief, 'time')
  clock.advance(2000 - 150)
  t.equal(await waiting, 'overdue')
  t.equal(limiter.status().waiting, 0)
  t.equal(clock.pending, 0, 'no timer is left')
})

t.test('the caller leaves: the waiting ends with its reason', async t => {
  const { enter, clock, limiter } = fixed(1)
  const first = await enter()
  const controller = new AbortController()
  const waiting = reasonOf(enter('interactive', { signal: controller.signal }))
  controller.abort(new Error('left'))
  t.equal(await waiting, 'left')
  t.equal(await reasonOf(enter('interactive', { signal: controller.signal })), 'left', 'or never begins')
  first.leave('run')
  t.same(limiter.status(), { limit: 1, inFlight: 0, waiting: 0 })
  t.equal(clock.pending, 0)
})

t.test('batch: takes its share, and waits behind what is interactive', async t => {
  const { enter, limiter } = fixed(4)
  const order: string[] = []
  const come = async (priority: Priority) => {
    const place = await enter(priority)
    order.push(priority)
    return place
  }
  const [one] = await Promise.all([come('batch'), come('batch')])
  const third = come('batch')
  t.same(limiter.status(), { limit: 4, inFlight: 2, waiting: 1 }, 'room for two only')
  const [a] = await Promise.all([come('interactive'), come('interactive')])
  const late = come('interactive')
  one.leave('run')
  await late
  t.same(order.slice(-1), ['interactive'])
  a.leave('run')
  await third
  t.same(order.slice(-1), ['batch'])
})

t.test('batch: gives up its place in the queue to what is interactive, and never the other way round', async t => {
  const { enter, limiter } = fixed(1, { maxWaiting: 2 })
  await enter()
  const [older, newer] = [reasonOf(enter('batch')), reasonOf(enter('batch'))]
  t.equal(await reasonOf(enter('batch')), 'queue')
  void enter()
  t.equal(await newer, 'evicted')
  void enter()
  t.equal(await older, 'evicted')
  t.equal(await reasonOf(enter()), 'queue')
  t.equal(limiter.status().waiting, 2)
})

t.test(
  'a run that waits for something remote gives its place away, and comes back before who has not begun',
  async t => {
    const { enter, limiter } = fixed(1)
    const order: string[] = []
    const first = await enter()
    const second = enter()
    const answer = Promise.withResolvers<string>()
    const back = first.away(() => answer.promise).then(value => order.push(value))
    const other = await second
    t.same(limiter.status(), { limit: 1, inFlight: 1, waiting: 0 })
    const third = enter().then(place => (order.push('third'), place))
    answer.resolve('first')
    await new Promise(setImmediate)
    t.same(limiter.status(), { limit: 1, inFlight: 1, waiting: 2 }, 'its answer is there, and its place is taken')
    other.leave('run')
    await back
    t.same(order, ['first'])
    t.same(limiter.status(), { limit: 1, inFlight: 1, waiting: 1 })
    first.leave('run')
    ;(await third).leave('run')
    t.same(limiter.status(), { limit: 1, inFlight: 0, waiting: 0 })
  },
)

t.test('a wait that fails, and a run that is over while it is away: no place is lost', async t => {
  const { enter, limiter } = fixed(1)
  const first = await enter()
  await t.rejects(
    first.away(() => Promise.reject(new Error('remote'))),
    { message: 'remote' },
  )
  t.equal(limiter.status().inFlight, 1)
  const never = Promise.withResolvers<void>()
  const away = first.away(() => never.promise)
  first.leave(null)
  t.equal(limiter.status().inFlight, 0)
  never.resolve()
  await away
  t.equal(limiter.status().inFlight, 0)
  const [second, third] = [await enter(), enter()]
  const again = Promise.withResolvers<void>()
  const returning = second.away(() => again.promise)
  const other = await third
  again.resolve()
  await new Promise(setImmediate)
  second.leave('run')
  await returning
  other.leave('run')
  t.same(limiter.status(), { limit: 1, inFlight: 0, waiting: 0 }, 'neither of one that waited to come back')
})

t.test(
  'there is no room to come back before the time is over, or the caller leaves: it goes on, to find out',
  async t => {
    const { enter, limiter, clock } = fixed(1)
    const leaving = new AbortController()
    const terms = [{ deadline: 1000 }, { signal: leaving.signal }]
    for (const each of terms) {
      const first = await enter('interactive', each)
      const second = enter()
      const remote = Promise.withResolvers<void>()
      let isBack = false
      const back = first.away(() => remote.promise).then(() => (isBack = true))
      const other = await second
      remote.resolve()
      await new Promise(setImmediate)
      t.match([isBack, limiter.status()], [false, { inFlight: 1, waiting: 1 }])
      if (each.deadline) clock.advance(each.deadline)
      else leaving.abort()
      await back
      t.same(limiter.status(), { limit: 1, inFlight: 1, waiting: 0 }, 'without a place')
      first.leave(null)
      other.leave('run')
      t.same(limiter.status(), { limit: 1, inFlight: 0, waiting: 0 })
      t.equal(clock.pending, 0, 'no timer is left')
    }
  },
)

t.test('the work is done while the run goes on: its place is free, only its own work is measured', async t => {
  const { limiter, enter, clock } = fixed(10, { ceiling: 500, initial: 20 })
  for (let round = 0; round < 20; round++) {
    const places = await Promise.all(Array.from({ length: limiter.status().limit }, () => enter()))
    clock.advance(50)
    for (const place of places) place.finish('run')
    t.equal(limiter.status().inFlight, 0)
    clock.advance(round < 10 ? 100 : 5000)
    for (const place of places) place.leave('run')
  }
  t.ok(limiter.status().limit > 100, `a slow model is no slow work: ${limiter.status().limit}`)
})

t.test('memory for so many runs: others wait until one is over', async t => {
  const { enter, limiter } = fixed(10, { maxPresent: 2 })
  const [first] = await Promise.all([enter(), enter()])
  first.finish('run')
  const third = enter()
  await new Promise(setImmediate)
  t.match(limiter.status(), { inFlight: 1, waiting: 1 })
  first.leave('run')
  await third
  t.match(limiter.status(), { inFlight: 2, waiting: 0 })
})

/** Lets in whoever comes, one at a time, and notes their names. */
async function served(limiter: ReturnType<typeof fixed>['limiter'], callers: string[]): Promise<string[]> {
  const order: string[] = []
  const { signal } = new AbortController()
  const enter = async (caller: string) => {
    const place = await limiter.enter({ priority: 'interactive', caller, signal, deadline: Infinity })
    order.push(caller)
    place.leave('run')
  }
  const first = await limiter.enter({ priority: 'interactive', signal, deadline: Infinity })
  const all = callers.map(enter)
  first.leave('run')
  await Promise.all(all)
  return order
}

t.test('callers take turns: the flood of one does not delay the others', async t => {
  const order = await served(fixed(1).limiter, ['flood', 'flood', 'flood', 'flood', 'a', 'b', 'a'])
  t.same(order, ['flood', 'a', 'b', 'flood', 'a', 'flood', 'flood'])
})

t.test('a full queue: whoever fills it gives way to a caller that has none in it', async t => {
  const { limiter, enter } = fixed(1, { maxWaiting: 3 })
  await enter()
  const { signal } = new AbortController()
  const come = (caller: string) =>
    reasonOf(limiter.enter({ priority: 'interactive', caller, signal, deadline: Infinity }))
  const flood = [come('flood'), come('flood'), come('flood')]
  t.equal(await come('flood'), 'queue')
  void come('other')
  t.equal(await flood[2], 'evicted', 'its newest')
  void come('other')
  t.equal(limiter.status().waiting, 3)
  t.equal(await come('other'), 'queue', 'no more than its share')
})

t.test('waits that turn out too long: the newest goes first, so that it still has time', async t => {
  const { limiter, enter, clock } = fixed(1)
  const order: string[] = []
  const come = async (name: string) => {
    const next = await enter()
    order.push(name)
    next.leave('run')
  }
  const place = await enter()
  const waiting = [come('first'), come('second')]
  clock.advance(1600)
  waiting.push(come('newest'))
  place.leave('run')
  await Promise.all(waiting)
  t.same(order, ['newest', 'second', 'first'])
  t.same(limiter.status(), { limit: 1, inFlight: 0, waiting: 0 })
})

t.test('too much of both: batch is refused first', async t => {
  const server = simulated(100, 25)
  const limiter = limiterOf(server)
  const [interactive, batch] = await Promise.all([
    load(server, limiter, { perSecond: 150, seconds: 30 }),
    load(
      {
        ...server,
        clock: {
          ...server.clock,
          advance() {},
          get pending() {
            return 0
          },
        },
      },
      limiter,
      { perSecond: 400, seconds: 30, priority: 'batch' },
    ),
  ])
  const lost = ({ refused }: typeof batch) => Object.values(refused).reduce((sum, count) => sum + count, 0)
  t.ok(lost(interactive) <= 0.02 * 150 * 30, `${lost(interactive)} of 4500 interactive`)
  t.ok(batch.done > 0 && lost(batch) > 0.5 * 400 * 30, `${batch.done} batch done, ${lost(batch)} refused`)
})

t.test('whatever comes, leaves and gives up: never above the ceiling, and nothing is left behind', async () => {
  const step = fc.oneof(
    fc.record({
      what: fc.constant('enter' as const),
      priority: fc.constantFrom<Priority>('interactive', 'batch'),
      patienceMs: fc.integer({ min: 0, max: 500 }),
    }),
    fc.record({ what: fc.constantFrom('leave' as const, 'fail' as const, 'abort' as const), which: fc.nat(50) }),
    fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 300 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), async (steps, floor) => {
      const clock = manualClock()
      const limiter = limiterOf({ clock }, { floor, ceiling: 8, initial: 4, maxWaiting: 5 })
      const places: Place[] = []
      const callers: AbortController[] = []
      let settled = 0
      const enter = (priority: Priority, patienceMs: number) => {
        const caller = new AbortController()
        callers.push(caller)
        limiter
          .enter({ priority, signal: caller.signal, deadline: clock.now() + patienceMs })
          .then(
            place => places.push(place),
            () => {},
          )
          .finally(() => settled++)
      }
      const isInBounds = () => {
        const { limit, inFlight, waiting } = limiter.status()
        return limit >= floor && limit <= 8 && inFlight <= 8 && waiting <= 5
      }
      for (const each of steps) {
        if (each.what === 'enter') enter(each.priority, each.patienceMs)
        else if (each.what === 'pass') clock.advance(each.ms)
        else if (each.what === 'abort') callers[each.which]?.abort(new Error('left'))
        else places[each.which]?.leave(each.what === 'leave' ? 'run' : null)
        await Promise.resolve()
        if (!isInBounds()) return false
      }
      while (settled < callers.length || limiter.status().inFlight > 0) {
        for (const place of places) place.leave('run')
        clock.advance(1000)
        await new Promise(resolve => void setImmediate(resolve))
      }
      return limiter.status().waiting === 0 && clock.pending === 0
    }),
    { numRuns: 300 },
  )
})
