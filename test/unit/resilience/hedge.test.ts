import t from 'tap'
import { createHedge } from '../../../src/resilience/hedge.ts'
import { atLeast } from '../../support/at-least.ts'
import { until } from '../../support/until.ts'

const never = new AbortController().signal

/** Calls in the hands of the test. */
function handCalls() {
  const calls: (PromiseWithResolvers<string> & { readonly signal: AbortSignal })[] = []
  const call = (signal: AbortSignal) => {
    const made = { ...Promise.withResolvers<string>(), signal }
    calls.push(made)
    return made.promise
  }
  return { calls, call }
}

t.test('a quick reply: one call', async t => {
  const { calls, call } = handCalls()
  const reply = createHedge({ afterMs: 600_000 })(never, call)
  calls[0]!.resolve('first')
  t.equal(await reply, 'first')
  t.equal(calls.length, 1)
})

t.test('a slow one: a second call, whose reply counts, and the first is aborted', async t => {
  const { calls, call } = handCalls()
  let hedges = 0
  const reply = createHedge({ afterMs: 1, onHedge: () => void (hedges += 1) })(never, call)
  await until('it is called twice', () => calls.length === 2)
  calls[1]!.resolve('second')
  t.equal(await reply, 'second')
  t.ok(calls[0]!.signal.aborted)
  t.equal(hedges, 1)
})

t.test('the first may still be the quicker one; one that fails leaves the other', async t => {
  const { calls, call } = handCalls()
  const reply = createHedge({ afterMs: 1 })(never, call)
  await until('it is called twice', () => calls.length === 2)
  calls[1]!.reject(new Error('no'))
  calls[0]!.resolve('first')
  t.equal(await reply, 'first')
})

t.test('failures: the only one, or the first of two', async t => {
  const { calls, call } = handCalls()
  const hedge = createHedge({ afterMs: 1 })
  const early = hedge(never, async () => {
    throw new Error('at once')
  })
  await t.rejects(early, { message: 'at once' })
  const reply = hedge(never, call)
  await until('it is called twice', () => calls.length === 2)
  calls[1]!.reject(new Error('two'))
  calls[0]!.reject(new Error('one'))
  await t.rejects(reply, { message: 'one' })
})

t.test('one in twenty, after what was saved up: a slow server is not asked twice as often', async t => {
  let made = 0
  const hedge = createHedge({ afterMs: 1 })
  for (let i = 0; i < 60; i++)
    await hedge(never, async () => {
      made += 1
      await atLeast(20)
      return 'late'
    })
  t.ok(made >= 70 && made <= 60 + 10 + 60 * 0.05, `${made} calls for 60`)
})
