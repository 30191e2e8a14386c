import t from 'tap'
import { createFirstCalls } from '../../../src/resilience/first-calls.ts'

/** Sixteen calls that were sent together; those that ended, with their times. It is `now` milliseconds later. */
function callsOf(now: number, ended: Readonly<Record<number, number>>, begun: readonly number[] = []) {
  const first = createFirstCalls({ now: () => now })
  const calls = Array.from({ length: 16 }, (_, i) => ({
    sentAt: i,
    hasBegun: begun.includes(i),
    ms: ended[i] ?? null,
  }))
  for (const call of calls) first.send(call)
  return { first, calls }
}

const inOrder = { 0: 1000, 1: 1000, 2: 1000, 3: 1000 }

t.test('four ended in the order in which they were sent, long before the others: four at a time', async t => {
  t.equal(callsOf(1300, inOrder).first.atOnce(), 4)
})

t.test('a moment later it is too early to tell: all of them may end now', async t => {
  const { first } = callsOf(1100, inOrder)
  t.equal(first.atOnce(), null)
  t.equal(first.isUndecided(), true)
})

t.test('four ended, in any other order: replies differ in length', async t => {
  t.equal(callsOf(1300, { 2: 1000, 5: 1000, 9: 1000, 14: 1000 }).first.atOnce(), null)
  t.equal(callsOf(1300, { 15: 1000, 14: 1000, 13: 1000, 12: 1000 }).first.atOnce(), null)
})

t.test('the others have begun: none of them waits', async t => {
  const { first } = callsOf(1300, inOrder, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
  t.equal(first.atOnce(), null)
  t.equal(first.isUndecided(), false)
})

t.test('some have begun, and none of those that were sent later: they wait', async t => {
  t.equal(callsOf(1300, inOrder, [4, 5, 6, 7]).first.atOnce(), 4)
})

t.test('calls that left, and those that were sent after the first reply, are not compared', async t => {
  const { first, calls } = callsOf(1300, inOrder)
  for (const call of calls.slice(6)) first.drop(call)
  first.close()
  for (let i = 0; i < 10; i++) first.send({ sentAt: 20, hasBegun: false, ms: null })
  t.equal(first.atOnce(), null)
  first.restart()
  t.equal(first.isUndecided(), false)
  for (const call of calls) first.send(call)
  t.equal(first.atOnce(), 4)
})
