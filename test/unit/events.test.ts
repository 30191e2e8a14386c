import t from 'tap'
import { createEvents, type Subscriber } from '../../src/events.ts'

t.test('every subscriber hears an event, in order, before the emitter goes on', async t => {
  const { emit, subscribe } = createEvents((_, event) => t.fail(event))
  const heard: string[] = []
  emit.redisLost()
  subscribe({ redisLost: () => heard.push('first') })
  subscribe({ redisLost: () => heard.push('second'), callHedged: () => heard.push('hedged') })
  emit.redisLost()
  t.same(heard, ['first', 'second'])
  emit.callHedged()
  t.same(heard, ['first', 'second', 'hedged'])
})

t.test('all arguments arrive, up to four', async t => {
  const { emit, subscribe } = createEvents((_, event) => t.fail(event))
  const heard: unknown[] = []
  subscribe({ breakerChanged: (...args) => heard.push(args) })
  emit.breakerChanged('chat', 'open', 'closed', 'silent')
  t.same(heard, [['chat', 'open', 'closed', 'silent']])
})

t.test('no event has more arguments than an emitter passes on', async t => {
  const { emit } = createEvents((_, event) => t.fail(event))
  for (const [name, each] of Object.entries(emit)) t.equal(each.length, 4, name)
  type Lengths = { [Name in keyof Required<Subscriber>]: Parameters<Required<Subscriber>[Name]>['length'] }
  const longest: Lengths[keyof Lengths] extends 0 | 1 | 2 | 3 | 4 ? true : false = true
  t.ok(longest)
})

t.test('a subscriber that throws harms neither the emitter nor the others; its error is reported', async t => {
  const faults: unknown[] = []
  const { emit, subscribe } = createEvents((error, event) => faults.push([event, (error as Error).message]))
  const heard: string[] = []
  subscribe({
    redisLost() {
      throw new Error('my fault')
    },
  })
  subscribe({ redisLost: () => heard.push('second') })
  emit.redisLost()
  t.same(heard, ['second'])
  t.same(faults, [['redisLost', 'my fault']])
})

t.test('a subscriber that rejects later, and one that needs its `this`', async t => {
  const { promise, resolve } = Promise.withResolvers<unknown[]>()
  const { emit, subscribe } = createEvents((error, event) => resolve([event, (error as Error).message]))
  const counter = {
    count: 0,
    redisLost() {
      this.count++
    },
  }
  subscribe(counter)
  subscribe({ redisLost: () => Promise.reject(new Error('too late')) as never })
  emit.redisLost()
  t.equal(counter.count, 1)
  t.same(await promise, ['redisLost', 'too late'])
})
