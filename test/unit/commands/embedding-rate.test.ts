import tap from 'tap'
import { rateWords } from '../../../src/commands/embedding-rate.ts'
import { progressLine } from '../../../src/commands/progress.ts'

tap.test('the rate is shown once something is embedded, with how many texts are left', async t => {
  const rate = (perSecond: number | null) => ({ perSecond: () => perSecond })
  t.equal(rateWords(rate(null), 40), '')
  t.equal(rateWords(rate(6.24)), ', 6.2 texts/s')
  t.equal(rateWords(rate(120.4), 1029.6), ', 120 texts/s, about 1030 texts left')
  t.equal(
    progressLine(0.25, { documents: 14, chunks: 154 }, 10, rateWords(rate(3), 462)),
    '25 % done, 14 documents, 154 chunks, 3.0 texts/s, about 462 texts left, about 30 s left',
  )
})
