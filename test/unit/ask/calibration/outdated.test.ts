import t from 'tap'
import { isOutdated, measuringVersion } from '../../../../src/ask/calibration/outdated.ts'
import { calibrationOf } from '../../../support/calibration.ts'

const measured = calibrationOf({ chunkCount: 100, languages: ['ru', 'kk'] })
const now = { chunkCount: 100, documentCount: 40, languages: ['ru', 'kk'], newDocumentCount: 0, unitChunkCount: 0 }

t.test('a collection is measured again when a quarter of it, or a language, is new', async t => {
  t.notOk(isOutdated(measured, now))
  t.notOk(isOutdated(measured, { ...now, chunkCount: 125, languages: ['kk', 'ru'] }))
  t.ok(isOutdated(measured, { ...now, chunkCount: 126 }))
  t.ok(isOutdated(measured, { ...now, chunkCount: 74 }))
  t.ok(isOutdated(measured, { ...now, languages: ['ru', 'kk', 'en'] }))
  t.notOk(isOutdated(measured, { ...now, languages: ['ru'] }), 'a language that is gone changes little')
})

t.test('and when a quarter of its documents is new, though there are no more of them', async t => {
  t.notOk(isOutdated(measured, { ...now, newDocumentCount: 10 }))
  t.ok(isOutdated(measured, { ...now, newDocumentCount: 11 }))
})

t.test('and when a quarter of its chunks has got units that were not measured', async t => {
  const withUnits = { ...measured, units: measured.windows }
  t.notOk(isOutdated(measured, { ...now, unitChunkCount: 25 }))
  t.ok(isOutdated(measured, { ...now, unitChunkCount: 26 }))
  t.notOk(isOutdated(withUnits, { ...now, unitChunkCount: 100 }))
})

t.test('and when another version measured it', async t => {
  t.ok(isOutdated({ ...measured, measuring: measuringVersion + 1 }, now))
})
