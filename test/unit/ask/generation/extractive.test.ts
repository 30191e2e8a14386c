import fc from 'fast-check'
import t from 'tap'
import { extractFrom } from '../../../../src/ask/generation/extractive.ts'
import { analyzeText } from '../../../../src/ask/retrieval/analyze-question.ts'
import type { Passage, Question } from '../../../../src/ask/terms.ts'
import { passage } from '../../../support/passages.ts'

const question = (text: string): Question => ({
  text,
  collection: 'default',
  mode: 'fast',
  topK: 5,
  filters: {},
  language: 'en',
  history: [],
})
const answerTo = async (text: string, passages: readonly Passage[], language = 'en') =>
  await extractFrom({ asked: analyzeText(text, language), question: question(text), passages })

t.test('the sentence that holds the asked words is quoted and cited', async t => {
  const text =
    'The office opens at nine in the morning. A parking permit costs forty euros a year. The canteen is closed in August.'
  const { text: answer, citations } = await answerTo('How much is a parking permit?', [
    passage(text, { before: 'x'.repeat(100) }),
  ])
  t.match(answer, /^A parking permit costs forty euros a year\..* \[1\]$/)
  t.equal(citations[0]?.start, 100 + text.indexOf('A parking'))
})

t.test('a sentence that points back brings the one before it', async t => {
  const { text } = await answerTo('What is the deadline of the form?', [
    passage('The yellow form is for grants. Its fields are numbered. It has a deadline in May.'),
  ])
  t.match(text, /Its fields are numbered\. It has a deadline in May\./)
})

t.test('a colon brings what it announces, code included', async t => {
  const { text } = await answerTo('How do I start the server?', [
    passage('Start the server with this command:\n\n```sh\nnpm start\n```\n\nOther things follow here.'),
  ])
  t.match(text, /command:\n\n```sh\nnpm start\n``` \[1\]$/)
})

t.test('code and headings alone never answer', async t => {
  const { text } = await answerTo('timeout', [passage('timeout\n\n```js\nsetTimeout(timeout)\n```')])
  t.equal(text, '')
})

t.test('a second passage is quoted only for something asked that the first does not hold', async t => {
  const fee = passage('The dormitory fee is twelve thousand a month for every student.')
  const again = passage('Every student pays the dormitory fee each month at the cash desk.', {
    chunkId: 'e.0',
    documentId: 'e',
  })
  const guests = passage('Guests leave the dormitory before ten in the evening on every day.', {
    chunkId: 'f.0',
    documentId: 'f',
  })
  const once = await answerTo('dormitory fee', [fee, again])
  t.same(
    once.citations.map(each => each.index),
    [1],
  )
  const both = await answerTo('dormitory fee and guests', [fee, guests])
  t.same(
    both.citations.map(each => each.index),
    [1, 2],
  )
})

t.test('nothing of the question in it: no answer', async t => {
  t.same(await answerTo('borscht', [passage('The office opens at nine in the morning.')]), { text: '', citations: [] })
})

const word = fc.constantFrom(
  'grant',
  'form',
  'deadline',
  'office',
  'the',
  'costs',
  '😀',
  'café',
  '\n\n',
  '```',
  'See:',
  '- item',
  '[1]',
)
const prose = fc
  .array(
    fc.array(word, { minLength: 1, maxLength: 12 }).map(words => `${words.join(' ')}.`),
    { minLength: 1, maxLength: 12 },
  )
  .map(all => all.join(' '))

t.test('every quote is there letter for letter, and the answer is made of nothing else', async t => {
  const property = fc.asyncProperty(fc.array(prose, { minLength: 1, maxLength: 5 }), async texts => {
    const stored = texts.map((text, i) => `${'x'.repeat(i * 7)}${text}`)
    const passages = texts.map((text, i) =>
      passage(text, { chunkId: `d${i}.0`, documentId: `d${i}`, before: 'x'.repeat(i * 7) }),
    )
    const { text: answer, citations } = await answerTo(
      'Where is the office, what is the deadline of the grant form?',
      passages,
    )
    let rest = answer
    for (const { index, quote, start, end } of citations) {
      if (stored[index - 1]?.slice(start, end) !== quote || !rest.startsWith(`${quote} [${index}]`)) return false
      rest = rest.slice(`${quote} [${index}]`.length).trimStart()
    }
    return rest === ''
  })
  await t.resolves(fc.assert(property, { numRuns: 300 }))
})

t.test('a short field of a row answers when it is asked for, or when there is nothing else', async t => {
  const row = 'A light tent for two people on a trip.\n\nPrice: 249\n\nSize: 2 m'
  t.match((await answerTo('price of the tent', [passage(row, { title: 'Tent' })])).text, /Price: 249/)
  t.match((await answerTo('tent', [passage('Price: 249\nSize: 2 m', { title: 'Tent' })])).text, /Price: 249\nSize: 2 m/)
})

t.test('a row that was found by an identifier outside of its text is quoted', async t => {
  const text = 'A light tent for two people on a trip.'
  t.match((await answerTo('TNT-10442', [passage(text)])).text, /A light tent/)
})
