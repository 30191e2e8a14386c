import fc from 'fast-check'
import t from 'tap'
import { createBreaker, type BreakerState, type Verdict } from '../../../src/resilience/breaker.ts'
import { manualClock } from '../../support/clock.ts'

function setUp() {
  const clock = manualClock()
  const changes: BreakerState[] = []
  const breaker = createBreaker({ slowMs: 1000, clock, random: () => 0.5, onChange: state => changes.push(state) })
  /** A call of `ms`; false: it was not let through. */
  const call = (verdict: Verdict, ms = 0): boolean => {
    const attempt = breaker.enter()
    clock.advance(ms)
    attempt?.end(verdict)
    return attempt !== null
  }
  const calls = (count: number, verdict: Verdict, ms = 0) =>
    Array.from({ length: count }, () => call(verdict, ms)).filter(Boolean).length
  return { clock, breaker, changes, call, calls }
}

t.test('opening', async t => {
  t.test('at five calls of which half were faults, and not before', async t => {
    const { breaker, call, calls, changes } = setUp()
    calls(2, 'ok')
    calls(2, 'fault')
    t.equal(breaker.state(), 'closed', 'four calls')
    call('fault')
    t.equal(breaker.state(), 'open')
    t.notOk(call('ok'), 'no call is let through')
    t.same(changes, ['open'])
  })

  t.test('not for a few faults among many that go well', async t => {
    const { breaker, calls } = setUp()
    for (let i = 0; i < 20; i++) {
      calls(3, 'ok')
      calls(2, 'fault')
    }
    t.equal(breaker.state(), 'closed')
  })

  t.test('at ten faults in a row, however much went well before', async t => {
    const { breaker, call, calls } = setUp()
    calls(1000, 'ok')
    calls(9, 'fault')
    call('ok')
    calls(9, 'fault')
    t.equal(breaker.state(), 'closed', 'nine, twice')
    call('fault')
    t.equal(breaker.state(), 'open')
  })

  t.test('not for faults of more than ten seconds ago', async t => {
    const { breaker, calls, clock } = setUp()
    calls(4, 'fault')
    clock.advance(10_000)
    calls(4, 'fault')
    t.equal(breaker.state(), 'closed')
    calls(1, 'fault')
    t.equal(breaker.state(), 'open')
  })

  t.test('for calls that go well but take too long', async t => {
    const { breaker, calls } = setUp()
    calls(5, 'ok', 1001)
    t.equal(breaker.state(), 'open')
  })

  t.test('not for what a caller did wrong, nor for callers who leave', async t => {
    const { breaker, calls } = setUp()
    calls(50, 'alive', 5000)
    calls(50, 'nothing', 5000)
    t.equal(breaker.state(), 'closed')
  })

  t.test('not for the time that a call waited in a line of ours', async t => {
    const { breaker, clock } = setUp()
    for (let i = 0; i < 10; i++) {
      const attempt = breaker.enter()
      clock.advance(5000)
      attempt?.begin()
      clock.advance(900)
      attempt?.end('ok')
    }
    t.equal(breaker.state(), 'closed')
  })
})

t.test('closing', async t => {
  const opened = () => {
    const all = setUp()
    all.calls(5, 'fault')
    return all
  }

  t.test('after a second one call is let through and no second beside it; when it goes well, all are', async t => {
    const { breaker, clock, call, calls, changes } = opened()
    clock.advance(999)
    t.notOk(call('ok'))
    clock.advance(1)
    const probe = breaker.enter()
    t.ok(probe)
    t.equal(breaker.state(), 'half-open')
    t.equal(calls(10, 'ok'), 0)
    probe?.end('ok')
    t.same(changes, ['open', 'half-open', 'closed'])
    t.equal(calls(10, 'ok'), 10)
  })

  t.test('a probe that fails doubles the wait, to half a minute at the most', async t => {
    const { breaker, clock, call } = opened()
    const waits = []
    for (let i = 0; i < 8; i++) {
      waits.push(breaker.waitMs())
      clock.advance(breaker.waitMs())
      t.ok(call('fault'))
    }
    t.same(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  t.test('a probe that is slow is a fault; one that is refused shows that the server lives', async t => {
    const slow = opened()
    slow.clock.advance(1000)
    slow.call('ok', 1001)
    t.equal(slow.breaker.state(), 'open')
    const refused = opened()
    refused.clock.advance(1000)
    refused.call('alive')
    t.equal(refused.breaker.state(), 'closed')
  })

  t.test('a probe whose caller leaves is followed by another', async t => {
    const { breaker, clock, call } = opened()
    clock.advance(1000)
    t.ok(call('nothing'))
    t.ok(call('ok'))
    t.equal(breaker.state(), 'closed')
  })

  t.test('calls from before the opening change nothing when they end after it', async t => {
    const { breaker, calls } = setUp()
    const early = breaker.enter()
    calls(5, 'fault')
    early?.end('ok')
    t.equal(breaker.state(), 'open')
  })

  t.test('by what is known otherwise; old faults are forgotten', async t => {
    const { breaker, calls } = opened()
    breaker.reset()
    t.equal(calls(4, 'fault'), 4)
    t.equal(breaker.state(), 'closed')
  })
})

t.test('whatever happens: never two probes at once, never shut for good', async () => {
  const step = fc.record({
    verdict: fc.constantFrom<Verdict>('ok', 'fault', 'alive', 'nothing'),
    ms: fc.integer({ min: 0, max: 3000 }),
    wait: fc.integer({ min: 0, max: 5000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const { breaker, clock } = setUp()
      for (const { verdict, ms, wait } of steps) {
        const attempt = breaker.enter()
        if (breaker.state() === 'half-open' && breaker.enter() !== null) return false
        clock.advance(ms)
        attempt?.end(verdict)
        clock.advance(wait)
      }
      clock.advance(40_000)
      return breaker.enter() !== null
    }),
  )
})
