import tap from 'tap'
import { bootstrap, meanOf, wilson } from '../../../src/eval/intervals.ts'
import { sample } from '../../../src/eval/sample.ts'

/** From R's binom.confint(…, methods = 'wilson'). */
tap.test('the interval of Wilson', async t => {
  const known = [
    [0, 10, 0, 0.2775],
    [5, 10, 0.2366, 0.7634],
    [10, 10, 0.7225, 1],
    [81, 263, 0.2553, 0.3662],
    [1, 1, 0.2065, 1],
  ] as const
  for (const [count, of, low, high] of known) {
    const share = wilson(count, of)
    t.equal(share.value, count / of)
    t.same([share.low?.toFixed(4), share.high?.toFixed(4)], [low.toFixed(4), high.toFixed(4)], `${count} of ${of}`)
  }
  for (const size of [7, 40, 50, 1000]) {
    t.equal(wilson(0, size).low, 0)
    t.ok(wilson(size, size).high! <= 1)
  }
  t.match(wilson(0, 0), { value: null, low: null, high: null, of: 0 })
})

tap.test('the bootstrap', async t => {
  t.test('of a mean is near the interval of the normal distribution', async t => {
    const values = Array.from({ length: 400 }, (_, i) => i % 2)
    const { value, low, high } = meanOf(values)
    t.equal(value, 0.5)
    // 1.96 standard errors are 0.049 here.
    t.ok(Math.abs(low! - 0.451) < 0.01 && Math.abs(high! - 0.549) < 0.01, `${low} ${high}`)
  })
  t.test('of equal values is a point, of none is unknown, and repeats itself', async t => {
    t.match(meanOf([0.25, 0.25, 0.25]), { value: 0.25, low: 0.25, high: 0.25, of: 3 })
    t.match(meanOf([]), { value: null, low: null, high: null })
    t.same(meanOf([1, 2, 3, 4]), meanOf([1, 2, 3, 4]))
  })
  t.test('leaves out resamples without a value', async t => {
    const { low, high } = bootstrap([1, 2], values => (values.includes(1) ? 7 : null))
    t.same([low, high], [7, 7])
  })
})

tap.test('a sample', async t => {
  const questions = Array.from({ length: 300 }, (_, i) => ({ id: i, kind: i % 3 === 0 ? 'far' : 'near' }))
  const take = (size: number, seed: number) => sample(questions, ({ kind }) => kind, { size, seed })
  t.equal(take(10, 1).filter(({ kind }) => kind === 'far').length, 10)
  t.equal(take(10, 1).length, 20)
  t.equal(take(1000, 1).length, 300, 'no more than there are')
  t.same(take(10, 1), take(10, 1), 'the same seed takes the same questions')
  t.notSame(take(10, 1), take(10, 2))
  const ids = take(20, 1).map(({ id }) => id)
  t.same(
    ids,
    ids.toSorted((a, b) => a - b),
    'in their order',
  )
  const larger = new Set(ids)
  t.ok(
    take(10, 1).every(({ id }) => larger.has(id)),
    'a larger sample has the questions of a smaller one',
  )
})
