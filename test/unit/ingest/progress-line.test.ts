import tap from 'tap'
import { progressLine } from '../../../src/commands/progress.ts'

tap.test('the time that is left is not known before something is done', async t => {
  t.equal(progressLine(0, { documents: 0, chunks: 0 }, 7), '0 % done, 0 documents, 0 chunks')
  t.equal(
    progressLine(0.25, { documents: 14, chunks: 154 }, 10),
    '25 % done, 14 documents, 154 chunks, about 30 s left',
  )
})
