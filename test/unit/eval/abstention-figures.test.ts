import t from 'tap'
import {
  areaUnderCurve,
  bootstrapped,
  calibrationError,
  shareBelow,
  thresholdLosing,
  type Scored,
} from '../../../src/eval/abstention-figures.ts'
import { randomFrom } from '../../../src/eval/random.ts'

function scored(answerable: readonly number[], others: readonly number[]): Scored[] {
  return [
    ...answerable.map(score => ({ score, isAnswerable: true })),
    ...others.map(score => ({ score, isAnswerable: false })),
  ]
}

t.test('the area under the curve: pairs in the right order, ties by half', async t => {
  t.equal(areaUnderCurve(scored([0.8, 0.9], [0.1, 0.2])), 1)
  t.equal(areaUnderCurve(scored([0.1], [0.9])), 0)
  t.equal(areaUnderCurve(scored([0.5], [0.5])), 0.5)
  t.equal(areaUnderCurve(scored([0.3, 0.9], [0.5, 0.1])), 0.75)
  t.equal(areaUnderCurve(scored([0.3], [])), null)
})

t.test('a threshold loses at most the share that it may', async t => {
  const scores = Array.from({ length: 100 }, (_, i) => i / 100)
  for (const share of [0, 0.01, 0.05, 0.2]) t.equal(shareBelow(thresholdLosing(share, scores), scores), share)
  t.equal(shareBelow(thresholdLosing(0.05, [0.5, 0.6]), [0.5, 0.6]), 0)
  t.equal(thresholdLosing(0.05, []), 0)
})

t.test('the calibration error: 0 when confidence says how many are answerable', async t => {
  const calibrated = Array.from({ length: 1000 }, (_, i) => ({ score: 0.7, isAnswerable: i % 10 < 7 }))
  const error = (scored: readonly Scored[]) => calibrationError(scored, 0.7)
  t.ok(error(calibrated) < 0.01)
  t.ok(Math.abs(error(calibrated.map(each => ({ ...each, score: 0.9 }))) - 0.2) < 0.01)
  t.ok(Math.abs(calibrationError(calibrated, 0.5) - 0.2) < 0.01, 'as if half of them were answerable')
  t.equal(error(calibrated.filter(each => each.isAnswerable)), 0, 'nothing to compare')
  const next = randomFrom(3)
  const { value, low, high } = bootstrapped(calibrated, error, count => Math.floor(next() * count), 50)
  t.ok(low <= high && value < high && high < 0.2)
})
