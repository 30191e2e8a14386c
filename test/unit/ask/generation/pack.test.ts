import fc from 'fast-check'
import t from 'tap'
import { pack } from '../../../../src/ask/generation/pack.ts'
import { countTokens } from '../../../../src/text/count-tokens.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import { passage, windowOf, withUnits } from '../../../support/passages.ts'

const sentence = (i: number) => `Sentence number ${i} tells about the colour of house ${i}.`
const many = (count: number, first = 0) => Array.from({ length: count }, (_, i) => sentence(first + i)).join(' ')

t.test('the best five, in their order', t => {
  const passages = Array.from({ length: 8 }, (_, i) => passage(sentence(i)))
  t.strictSame(pack(passages), passages.slice(0, 5))
  t.strictSame(pack(passages, { maxPassages: 2 }), passages.slice(0, 2))
  t.strictSame(pack([]), [])
  t.end()
})

t.test('the same text of several documents counts once', t => {
  t.equal(pack([passage('Copyright.'), passage('Copyright.', { chunkId: 'e.0' }), passage('Other.')]).length, 2)
  t.end()
})

t.test('a long passage is trimmed to whole sentences around its best window', t => {
  const long = passage(many(100), { before: 'Preface. ' })
  const found = { ...long, windows: [windowOf(long, sentence(3), 0.2), windowOf(long, sentence(60), 0.9)] }
  const [only] = pack([found], { maxTokens: 200 })
  t.match(only!.text, sentence(60))
  t.match(only!.text, /^Sentence number.*\.$/)
  t.equal(`Preface. ${long.text}`.slice(only!.start, only!.end), only!.text)
  t.strictSame(
    only!.windows.map(window => window.similarity),
    [0.9],
  )
  t.ok(countTokens(only!.text) > 120)
  t.end()
})

t.test('a long passage is trimmed around its nearest unit, and keeps the units of what is left', t => {
  const long = withUnits(passage(many(100), { before: 'Preface. ' }), {
    [sentence(3)]: 0.9,
    [sentence(60)]: 0.8,
    [sentence(61)]: 0.7,
  })
  const similaritiesOf = (page: Passage) => pack([page], { maxTokens: 200 })[0]!.units!.map(unit => unit.similarity)
  t.strictSame(similaritiesOf(long), [0.9])
  const reranked = { ...long, units: long.units!.map(unit => ({ ...unit, rerank: 1 - unit.similarity! })) }
  t.strictSame(similaritiesOf(reranked), [0.8, 0.7])
  t.end()
})

t.test("without windows, the question's words say which part is best; without both, the beginning is", t => {
  const text = `${many(40)} The dragon sleeps in the cellar. ${many(40, 50)}`
  t.match(pack([passage(text)], { maxTokens: 120, question: 'Where does the dragon sleep?' })[0]!.text, /dragon/)
  t.match(pack([passage(text)], { maxTokens: 120 })[0]!.text, /^Sentence number 0/)
  t.end()
})

t.test('a count that was stored is taken as it is, and is not that of a part', t => {
  const [cheap, dear] = [passage(many(60), { tokens: 10 }), passage(many(3, 100), { tokens: 5000 })]
  t.equal(pack([cheap], { maxTokens: 100 })[0], cheap)
  t.strictSame(
    pack([cheap, dear], { maxTokens: 100 }).map(({ tokens }) => tokens),
    [10, undefined],
  )
  t.end()
})

t.test('what is left of the budget goes to a part of the next passage, or to a smaller one behind it', t => {
  const [first, second, third] = [passage(many(10)), passage(many(60, 100)), passage('Small.')]
  const packed = pack([first, second, third], { maxTokens: 300 })
  t.equal(packed[0], first)
  t.ok(packed[1]!.text.length < second.text.length)
  t.strictSame(
    pack([first, second, third], { maxTokens: countTokens(first.text) + 50 }).map(({ text }) => text),
    [first.text, third.text],
  )
  t.end()
})

t.test('one endless sentence is cut between words, rather than nothing shown', t => {
  const [only] = pack([passage(`word ${'endless '.repeat(2000)}`)], { maxTokens: 100 })
  t.match(only!.text, /^word( endless)+$/)
  t.ok(countTokens(only!.text) > 70)
  t.strictSame(pack([passage('x'.repeat(9000))], { maxTokens: 100 }), [])
  t.end()
})

t.test('whatever comes in: within the budget, offsets exact, windows within the text', t => {
  const words = fc.array(fc.constantFrom('house', 'green.', '日本語。', '\n\n', 'Why?', '😀', '- item'), {
    minLength: 1,
    maxLength: 150,
  })
  const anything = fc.record({ before: fc.string(), text: words.map(parts => parts.join(' ')), from: fc.nat(300) })
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 7 }), fc.integer({ min: 30, max: 400 }), (given, maxTokens) => {
      const documents = given.map(({ before, text }) => before + text)
      const passages = given.map(({ before, text, from }, i) => {
        const start = before.length + Math.min(from, text.length - 1)
        return passage(text, {
          before,
          documentId: String(i),
          windows: [{ start, end: before.length + text.length, similarity: 0.5 }],
          units: [{ start, end: before.length + text.length, similarity: 0.5 }],
        })
      })
      const packed = pack(passages, { maxTokens })
      t.ok(packed.length <= 5)
      t.ok(packed.reduce((sum, { title, text }) => sum + countTokens(title) + countTokens(text), 0) <= maxTokens)
      for (const { documentId, start, end, text, windows, units = [] } of packed) {
        t.equal(documents[Number(documentId)]!.slice(start, end), text)
        for (const window of [...windows, ...units])
          t.ok(window.start >= start && window.end <= end && window.start < window.end)
      }
    }),
    { numRuns: 200 },
  )
  t.end()
})

t.test('a passage that is cut within a table gets the header of the table', t => {
  const header = '| Branch | Borrowers |'
  const rows = Array.from({ length: 100 }, (_, i) => `| Town${i} | ${i} |`)
  const whole = passage([header, ...rows].join('\n'))
  const windows = [windowOf(whole, rows[60]!)]
  const [cut] = pack([{ ...whole, windows }], { maxTokens: 150 })
  t.match(cut!.text, /^\| Town/)
  t.equal(cut!.tableHeader, header)
  const later = passage(rows.join('\n'), { tableHeader: header })
  t.equal(pack([{ ...later, windows: [windowOf(later, rows[60]!)] }], { maxTokens: 150 })[0]!.tableHeader, header)
  const prose = passage(`${later.text}\n\n${many(40)}`, { tableHeader: header })
  const end = pack([{ ...prose, windows: [windowOf(prose, sentence(20))] }], { maxTokens: 150 })[0]!
  t.match(end.text, /^Sentence/)
  t.equal(end.tableHeader, undefined)
  t.end()
})
