import t from 'tap'
import { createLeases, leaseMs } from '../../../src/cluster/leases.ts'

function world() {
  let time = 1_000_000
  const leases = createLeases(() => time)
  let nth = 0
  return {
    leases,
    now: () => time,
    pass: (ms: number) => void (time += ms),
    claim: (worker: number, key: string, freshAfter = time) => {
      const token = `token ${++nth}`
      return { token, ...leases.claim(worker, { key, token, freshAfter }) }
    },
  }
}

t.test('one worker computes, the others wait; of another key it is another', async t => {
  const { claim } = world()
  const first = claim(1, 'a')
  t.equal(first.kind, 'yours')
  t.match(claim(2, 'a'), { kind: 'theirs', token: first.token })
  t.equal(claim(2, 'b').kind, 'yours')
})

t.test('the same claim again gets the same lease', async t => {
  const { leases, now } = world()
  const request = { key: 'a', token: 'mine', freshAfter: now() }
  t.equal(leases.claim(1, request).kind, 'yours')
  t.equal(leases.claim(1, request).kind, 'yours')
})

t.test('a kept answer is found with the worker that has it, as long as it is fresh', async t => {
  const { claim, leases, now, pass } = world()
  const { token } = claim(1, 'a')
  leases.keep('a', token, { freshUntil: now() + 1000, ms: 5000 })
  t.match(claim(2, 'a'), { kind: 'found', worker: 1 })
  t.equal(leases.find(2, 'a'), 1)
  t.equal(leases.find(1, 'a'), undefined, 'the worker itself has looked')
  t.match(claim(2, 'a', now() + 1000), { kind: 'yours', before: 1 }, 'the caller wants a fresher one')
  pass(leaseMs + 1000)
  t.match(claim(2, 'a'), { kind: 'yours', before: 1 }, 'expired, but may be served while the model is down')
  pass(5000)
  t.match(claim(3, 'a'), { kind: 'yours', before: undefined })
})

t.test('a forgotten answer is computed again', async t => {
  const { claim, leases, now } = world()
  leases.keep('a', claim(1, 'a').token, { freshUntil: now() + 1000, ms: 1000 })
  leases.forget(2, 'a')
  t.equal(claim(2, 'a').kind, 'found', 'another worker has nothing to do with it')
  leases.forget(1, 'a')
  t.equal(claim(2, 'a').kind, 'yours')
})

t.test('released: another takes it; failed: nobody waits for a moment', async t => {
  const { claim, leases, pass } = world()
  leases.release('a', claim(1, 'a').token, false)
  const next = claim(2, 'a')
  t.equal(next.kind, 'yours')
  leases.release('a', next.token, true)
  t.equal(claim(1, 'a').kind, 'alone')
  pass(1001)
  t.equal(claim(1, 'a').kind, 'yours')
})

t.test('a lease expires unless it is renewed; a holder that lost it keeps nothing', async t => {
  const { claim, leases, now, pass } = world()
  const lost = claim(1, 'a')
  pass(leaseMs - 1)
  leases.renew('a', lost.token)
  pass(leaseMs - 1)
  t.equal(claim(2, 'a').kind, 'theirs', 'renewed')
  pass(2)
  const next = claim(2, 'a')
  t.equal(next.kind, 'yours', 'expired')
  leases.keep('a', lost.token, { freshUntil: now() + 1000, ms: 1000 })
  leases.release('a', lost.token, false)
  leases.renew('a', lost.token)
  t.match(claim(3, 'a'), { kind: 'theirs', token: next.token })
})

t.test('a worker that ends loses its leases and its answers, and no other does', async t => {
  const { claim, leases, now } = world()
  claim(1, 'a')
  leases.keep('b', claim(1, 'b').token, { freshUntil: now() + 1000, ms: 1000 })
  claim(2, 'c')
  leases.keep('d', claim(2, 'd').token, { freshUntil: now() + 1000, ms: 1000 })
  leases.drop(1)
  t.equal(claim(3, 'a').kind, 'yours')
  t.match(claim(3, 'b'), { kind: 'yours', before: undefined })
  t.equal(claim(3, 'c').kind, 'theirs')
  t.equal(claim(3, 'd').kind, 'found')
})

t.test('their number is bounded: beyond it, a worker computes for itself', async t => {
  const { claim, pass } = world()
  const kinds = new Set(Array.from({ length: 10_000 }, (_, i) => claim(1, `${i}`).kind))
  t.same([...kinds], ['yours'])
  t.equal(claim(1, 'one more').kind, 'alone')
  pass(leaseMs + 1)
  t.equal(claim(1, 'one more').kind, 'yours', 'expired ones make room')
})
