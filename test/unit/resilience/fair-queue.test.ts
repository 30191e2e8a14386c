import fc from 'fast-check'
import tap from 'tap'
import { createFairQueue } from '../../../src/resilience/fair-queue.ts'

interface Item {
  readonly caller: string
  readonly number: number
}

function queueOf(callers: string) {
  const queue = createFairQueue<Item>()
  const items = [...callers].map((caller, number) => ({ caller, number }))
  for (const item of items) queue.add(item)
  return { queue, items }
}

const namesOf = (items: readonly Item[]) => items.map(({ caller, number }) => `${caller}${number}`)

function drain(queue: ReturnType<typeof createFairQueue<Item>>): Item[] {
  const taken: Item[] = []
  for (let item = queue.take(); item; item = queue.take()) taken.push(item)
  return taken
}

tap.test('callers take turns, each in its order', async t => {
  const { queue } = queueOf('aaabab')
  t.same(namesOf(queue.inOrder()), ['a0', 'b3', 'a1', 'b5', 'a2', 'a4'])
  t.same(namesOf(drain(queue)), ['a0', 'b3', 'a1', 'b5', 'a2', 'a4'])
  t.equal(queue.take(), undefined)
})

tap.test('the newest of the caller whose turn it is, where that is asked for', async t => {
  const { queue } = queueOf('aab')
  const taken = [queue.take(oldest => oldest.number === 0), queue.take(), queue.take()]
  t.same(namesOf(taken as Item[]), ['a1', 'b2', 'a0'])
})

tap.test('whoever fills the queue: the newest of its items, unless the caller has nearly as many', async t => {
  const { queue } = queueOf('aaab')
  t.equal(queue.newestOfLongest('c')?.number, 2)
  t.equal(queue.newestOfLongest('b')?.number, 2)
  t.equal(queue.newestOfLongest('a'), undefined)
  t.equal(createFairQueue<Item>().newestOfLongest('a'), undefined)
})

tap.test('whatever comes and leaves: nothing is lost, and the order foretold is the order', async () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant('add' as const), caller: fc.constantFrom('a', 'b', 'c', 'd') }),
    fc.record({ what: fc.constant('remove' as const), which: fc.nat(30) }),
    fc.constant({ what: 'take' as const }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom('a', 'e'), (steps, caller) => {
      const queue = createFairQueue<Item>()
      let inside: Item[] = []
      let number = 0
      for (const each of steps) {
        if (each.what === 'add') {
          const item = { caller: each.caller, number: number++ }
          inside.push(item)
          queue.add(item)
        } else {
          const gone = each.what === 'take' ? queue.take() : inside[each.which]
          if (gone && each.what === 'remove') queue.remove(gone)
          inside = inside.filter(item => item !== gone)
        }
        if (queue.size !== inside.length) return false
      }
      const foretold = namesOf(queue.inOrder())
      const ahead = queue.ahead(caller)
      const added = { caller, number }
      queue.add(added)
      const taken = drain(queue)
      const served = taken.indexOf(added)
      const others = namesOf(taken.filter(item => item !== added))
      // Its turn within a round depends on whose turn is next: those of one round are ahead of it or just behind.
      return (
        others.join() === foretold.join() &&
        served <= ahead &&
        served >= ahead - new Set(inside.map(i => i.caller)).size
      )
    }),
    { numRuns: 500 },
  )
})
