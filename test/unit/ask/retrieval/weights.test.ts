import t from 'tap'
import { rescaled, similarityRange, vectorWeight } from '../../../../src/ask/retrieval/weights.ts'
import { calibrationOf } from '../../../support/calibration.ts'

const prior = { vectorWeight: 0.7, similarity: { unrelated: 0.35, related: 0.75, span: 0.4 } }
const bundled = { languages: ['en'], prior }
const stranger = { languages: 'any' as const }
const unmeasured = { calibration: null, vectorWeights: {} }
const calibration = calibrationOf({
  languages: ['ru', 'kk'],
  windows: { unrelated: 0.8, related: 0.9, span: 0.1 },
  byLanguage: { kk: { windows: { unrelated: 0.82, related: 0.88, span: 0.05 }, units: null } },
  vectorWeights: { ru: 0.6, kk: 0.25, 'en>ru': 0.55, 'en>kk': 0.1, 'uk>ru': 0 },
})

t.test('what was learned from judged questions goes before what was measured, and that before what ships', async t => {
  t.equal(vectorWeight(bundled, 'en', unmeasured), 0.7)
  t.equal(vectorWeight(stranger, 'ru', { calibration, vectorWeights: {} }), 0.6)
  t.equal(vectorWeight(stranger, 'ru', { calibration, vectorWeights: { ru: 0.2 } }), 0.2)
  t.equal(vectorWeight(stranger, 'ru', { calibration, vectorWeights: { ru: 0 } }), 0, 'also that it has no say')
  t.equal(vectorWeight(stranger, 'ru', { ...unmeasured, vectorWeights: { en: 0.6 } }), 0.3, 'the safe default')
})

t.test('a question in a language of no document counts by the pair that the model connects best', async t => {
  t.equal(vectorWeight(stranger, 'en', { calibration, vectorWeights: {} }), 0.55)
  t.equal(vectorWeight(stranger, 'uk', { calibration, vectorWeights: {} }), 0)
  t.equal(vectorWeight(stranger, 'sw', { calibration, vectorWeights: {} }), 0.25, 'no more than where it was measured')
})

t.test('what was measured before there were vectors gives those that follow no weight', async t => {
  const far = { window: null, unit: null, coverage: null, lexical: null }
  const wordsOnly = calibrationOf({ languages: ['en'], far, vectorWeights: {} })
  t.equal(vectorWeight(bundled, 'en', { calibration: wordsOnly, vectorWeights: {} }), 0)
  t.equal(vectorWeight(bundled, 'en', { calibration: wordsOnly, vectorWeights: { en: 0.4 } }), 0.4)
})

t.test('a language that the settings leave to words: no say, whatever was learned or measured', async t => {
  t.equal(vectorWeight(bundled, 'ru', { calibration, vectorWeights: { ru: 0.9 } }), 0)
})

t.test('a language named like something every object has: the default', async t => {
  t.equal(vectorWeight(stranger, 'constructor', unmeasured), 0.3)
  t.equal(similarityRange(stranger, 'constructor', calibration).unrelated, 0.8)
})

t.test('similarities mean what was measured in the language; until then similarity alone is never enough', async t => {
  t.equal(similarityRange(stranger, 'kk', calibration).unrelated, 0.82)
  t.equal(similarityRange(stranger, 'ru', calibration).unrelated, 0.8)
  t.ok(similarityRange(stranger, 'ru', null).related > 1)
  t.equal(similarityRange(bundled, 'en', null).related, 0.75)
})

t.test('a learned weight has the effect that it was learned with, whatever span is measured later', async t => {
  const spread = 0.08
  const learned = { ru: { weight: 0.5, span: 0.2 }, en: { weight: 0.4, span: null } }
  const { ru, en } = rescaled(stranger, learned, calibration)
  t.equal((ru! * spread) / calibration.windows.span, (0.5 * spread) / 0.2)
  t.equal(en, 0.4, 'learned by an older version after the upgrade: as it stands')
})
