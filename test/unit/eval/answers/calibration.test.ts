import tap from 'tap'
import { calibrationOf, expectedError } from '../../../../src/eval/answers/calibration.ts'

const outcomes = (confidence: number, so: number, not: number) => [
  ...Array.from({ length: so }, () => ({ confidence, isSo: true })),
  ...Array.from({ length: not }, () => ({ confidence, isSo: false })),
]

tap.test('expected calibration error', async t => {
  t.equal(expectedError(outcomes(0.75, 3, 1)), 0)
  t.equal(expectedError(outcomes(1, 0, 4)), 1)
  const mixed = [...outcomes(0.75, 3, 1), ...outcomes(0.25, 4, 0)]
  t.equal(expectedError(mixed), 0.375, 'weighted by the questions of a bin')
  t.equal(expectedError([]), null)
  const { ece, bins } = calibrationOf(mixed)
  t.match(ece, { value: 0.375, of: 8 })
  t.ok(ece.low! < 0.375 && ece.high! > 0.375)
  t.same(bins, [
    { of: 4, confidence: 0.25, share: 1 },
    { of: 4, confidence: 0.75, share: 0.75 },
  ])
})
