import t from 'tap'
import { summary } from '../../../src/commands/calibrate-after.ts'
import { calibrationOf } from '../../support/calibration.ts'

t.test('the line about a calibration names similarities only where there are some', async t => {
  const far = { window: { mean: 0.3, deviation: 0.05 }, unit: null, coverage: null, lexical: null }
  t.equal(
    summary(calibrationOf({ far, questions: 12 })),
    'similarities of passages 0.300 (unrelated) to 0.700 (related); 12 questions made from its documents',
  )
  t.equal(
    summary(calibrationOf({ languages: ['ru', 'kk'], windows: { unrelated: 0.9, related: 1.2, span: 0.3 } })),
    'words only, because the embedding model reads none of its languages (ru, kk); 0 questions made from its documents',
  )
})
