import t from 'tap'
import { isOutdated, measuringVersion } from '../../../../src/ask/calibration/outdated.ts'
import { calibrationOf } from '../../../support/calibration.ts'

const measured = calibrationOf({ chunkCount: 100, languages: ['ru', 'kk'] })

t.test('a collection is measured again when a quarter of it, or a language, is new', async t => {
  t.notOk(isOutdated(measured, { chunkCount: 100, languages: ['ru', 'kk'] }))
  t.notOk(isOutdated(measured, { chunkCount: 125, languages: ['kk', 'ru'] }))
  t.ok(isOutdated(measured, { chunkCount: 126, languages: ['ru', 'kk'] }))
  t.ok(isOutdated(measured, { chunkCount: 74, languages: ['ru', 'kk'] }))
  t.ok(isOutdated(measured, { chunkCount: 100, languages: ['ru', 'kk', 'en'] }))
  t.notOk(isOutdated(measured, { chunkCount: 100, languages: ['ru'] }), 'a language that is gone changes little')
})

t.test('and when another version measured it', async t => {
  t.ok(isOutdated({ ...measured, measuring: measuringVersion + 1 }, { chunkCount: 100, languages: ['ru', 'kk'] }))
})
