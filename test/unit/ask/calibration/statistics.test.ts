import fc from 'fast-check'
import t from 'tap'
import { clamp, quantile, shrunk, spreadOf, withoutHighOutliers } from '../../../../src/ask/calibration/statistics.ts'

const similarity = fc.double({ min: -1, max: 1, noNaN: true })
const similarities = fc.array(similarity, { minLength: 1, maxLength: 60 })
const spread = fc.record({ mean: similarity, deviation: fc.double({ min: 0, max: 1, noNaN: true }) })
const near = 1e-9

t.test('a mean lies between the values, and shifting them shifts the mean alone', async t => {
  fc.assert(
    fc.property(similarities, similarity, (values, by) => {
      const [here, there] = [spreadOf(values)!, spreadOf(values.map(value => value + by))!]
      return (
        here.mean >= Math.min(...values) - near &&
        here.mean <= Math.max(...values) + near &&
        Math.abs(there.mean - here.mean - by) < near &&
        Math.abs(there.deviation - here.deviation) < 1e-6
      )
    }),
  )
  t.same(spreadOf([]), null)
  t.same(spreadOf([0.5]), { mean: 0.5, deviation: 0 })
  t.same(spreadOf([1, 3]), { mean: 2, deviation: Math.SQRT2 })
})

t.test('quantiles are in order and within the values', async t => {
  fc.assert(
    fc.property(similarities, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const sorted = [...values].sort((a, b) => a - b)
      const value = quantile(sorted, share)
      return value >= quantile(sorted, 0) - near && value <= quantile(sorted, 1) + near
    }),
  )
  t.equal(quantile([1, 2, 3, 4], 0.5), 2.5)
})

t.test('a far question that the collection is about does not count; most always do', async t => {
  const far = Array.from({ length: 30 }, (_, i) => 0.3 + i / 300)
  t.same(withoutHighOutliers([...far, 0.95]), far)
  t.same(withoutHighOutliers([0.01, ...far]), [0.01, ...far], 'low ones stay')
  fc.assert(fc.property(similarities, values => withoutHighOutliers(values).length >= values.length * 0.75))
})

t.test('what is measured counts more the more there is, and never goes beyond both', async t => {
  fc.assert(
    fc.property(spread, spread, fc.nat(100), fc.integer({ min: 1, max: 50 }), (measured, prior, count, strength) => {
      const [few, many] = [shrunk(measured, count, prior, strength), shrunk(measured, count + 1, prior, strength)]
      return (
        Math.abs(many.mean - measured.mean) <= Math.abs(few.mean - measured.mean) + near &&
        few.mean >= Math.min(measured.mean, prior.mean) - near &&
        few.mean <= Math.max(measured.mean, prior.mean) + near
      )
    }),
  )
  const prior = { mean: 0.5, deviation: 0.1 }
  t.same(shrunk(null, 0, prior, 6), prior)
  t.same(shrunk({ mean: 0.7, deviation: 0.3 }, 6, prior, 6), { mean: 0.6, deviation: 0.2 })
})

t.test('clamp', async t => {
  t.same([clamp(-1, 0, 1), clamp(0.5, 0, 1), clamp(2, 0, 1)], [0, 0.5, 1])
})
