import t from 'tap'
import { quotedAnswer } from '../../../../src/ask/generation/quotes.ts'
import { passage } from '../../../support/passages.ts'

t.test('quotations are numbered from 1 in the order of the answer, whatever the rank of their passages', async t => {
  const passages = ['One.', 'Two. Three.', 'Four.'].map((text, i) =>
    passage(text, { chunkId: `d${i}.0`, documentId: `d${i}`, source: `${i}.md`, metadata: { year: 2020 + i } }),
  )
  const span = (passageIndex: number, text: string) => {
    const start = passages[passageIndex]!.text.indexOf(text)
    return [{ passageIndex, start, end: start + text.length }]
  }
  const { text, citations } = quotedAnswer([span(2, 'Four.'), span(1, 'Two.'), span(1, 'Three.')], passages)
  t.equal(text, 'Four. [1] Two. [2] Three. [3]')
  t.same(
    citations.map(({ index, quote, source, metadata }) => [index, quote, source, metadata]),
    [
      [1, 'Four.', '2.md', { year: 2022 }],
      [2, 'Two.', '1.md', { year: 2021 }],
      [3, 'Three.', '1.md', { year: 2021 }],
    ],
  )
})
