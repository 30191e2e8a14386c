import fc from 'fast-check'
import t from 'tap'
import { extractFrom } from '../../../../src/ask/generation/extractive.ts'
import { analyzeText } from '../../../../src/ask/retrieval/analyze-question.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import type { Question } from '../../../../src/ask/terms/question.ts'
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

t.test('a numbered part is answered by what stands in it, not by what mentions it', async t => {
  const manual = passage(
    '1.1 Eyes\n\nGoggles are worn at every machine.\n\n1.2 Hands\n\nNo gloves at rotating machines.\n\n2.2 Assembly point\n\nEverybody meets at the oak tree. Section 1.2 still applies there.',
    {
      title: 'Manual',
      sections: [
        { start: 0, title: 'Manual › 1 Clothing › 1.1 Eyes', url: null, page: null },
        { start: 46, title: 'Manual › 1 Clothing › 1.2 Hands', url: null, page: null },
        { start: 90, title: 'Manual › 2 Fire › 2.2 Assembly point', url: null, page: null },
      ],
    },
  )
  const { text } = await answerTo('What does section 1.2 say?', [manual])
  t.equal(text, 'No gloves at rotating machines. [1]')
  const rules = passage(
    '30 days before the end of the term the list is closed.\n\nArticle 30 The rector appoints the members of the board for four years.',
  )
  t.match((await answerTo('What does article 30 say?', [rules])).text, /^Article 30 The rector/)
})

t.test('nothing of the question in it: no answer', async t => {
  t.same(await answerTo('borscht', [passage('The office opens at nine in the morning.')]), { text: '', citations: [] })
})

const glossary = (): Passage => {
  const text =
    'Deposit\n\nTen euros, paid back at the end.\n\nCarrel\n\nA lockable desk on the third floor.\n\nRenewal\n\nTwice.'
  const section = (name: string) => ({
    start: 50 + text.indexOf(name),
    title: `Library › ${name}`,
    url: `https://example.org/#${name.toLowerCase()}`,
    page: null,
  })
  return passage(text, {
    before: 'x'.repeat(50),
    title: 'Library',
    url: 'https://example.org/',
    sections: ['Deposit', 'Carrel', 'Renewal'].map(section),
  })
}

t.test(
  'in a passage of several sections, the one whose heading was asked about answers, and is cited by name',
  async t => {
    for (const [asked, answer, name] of [
      ['What is a carrel?', 'A lockable desk on the third floor. [1]', 'Carrel'],
      ['How much is the deposit?', 'Ten euros, paid back at the end. [1]', 'Deposit'],
    ] as const) {
      const { text, citations } = await answerTo(asked, [glossary()])
      t.equal(text, answer)
      t.match(citations, [{ title: `Library › ${name}`, url: `https://example.org/#${name.toLowerCase()}` }])
    }
  },
)

t.test('a question in the text is answered by what follows it, short as it may be', async t => {
  const faq = passage(
    'When is the centre open?\nDaily.\n\nWho signs the report of the internship?\n\nYour tutor does, and after that the head.\n\nWhat does a locker cost? Ten.',
  )
  const asked = async (question: string) => (await answerTo(question, [faq])).text
  t.equal(await asked('When is the centre open?'), 'Daily. [1]')
  t.equal(await asked('Who signs the report of the internship?'), 'Your tutor does, and after that the head. [1]')
  t.equal(await asked('What does a locker cost?'), 'Ten. [1]')
})

const header = '| Branch | Depositors | Borrowers |'
const rowsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => `| Town${first + i} | ${200 + i} | ${40 + i} |`)

t.test('a long table is answered by the row that was asked about, under its header', async t => {
  const whole = passage(`Figures of each branch.\n\n${[header, ...rowsFrom(0, 30)].join('\n')}`)
  const { text, citations } = await answerTo('How many borrowers does Town17 have?', [whole])
  t.equal(text, `${header}\n| Town17 | 217 | 57 | [1]`)
  t.equal(citations[0]!.quote, '| Town17 | 217 | 57 |', 'the quote is the row')
  const cut = passage(rowsFrom(40, 30).join('\n'), { tableHeader: header, before: 'x'.repeat(900) })
  t.equal((await answerTo('How many borrowers does Town55 have?', [cut])).text, `${header}\n| Town55 | 215 | 55 | [1]`)
})

t.test('rows that share nothing with the question never stand for the table', async t => {
  const table = passage([header, ...rowsFrom(0, 30)].join('\n'))
  t.equal((await answerTo('How many borrowers does Elsewhere have?', [table])).text, '')
})

t.test('a small table is quoted whole when its header is what was asked about', async t => {
  const table = '| Day | Opening hours |\n| Monday | 8–20 |\n| Sunday | 9–17 |'
  const pool = passage(`The pool is at the river.\n\n${table}\n\nChildren pay half of it.`)
  t.equal((await answerTo('What are the opening hours?', [pool])).text, `${table} [1]`)
  t.equal((await answerTo('Opening hours on Sunday?', [pool])).text, '| Day | Opening hours |\n| Sunday | 9–17 | [1]')
})

t.test("a document's own [2] is escaped in the answer and kept in the quote", async t => {
  const { text, citations } = await answerTo('When was the toll abolished?', [
    passage(
      'The arch spans nineteen metres.[13][14]\n\nThe toll was abolished in 1820.[15] See [the list](https://example.org).',
    ),
  ])
  t.match(text, /^The toll was abolished in 1820\.\\\[15\\\] See \[the list\]\(https:\/\/example\.org\)\. \[1\]$/)
  t.match(citations[0]!.quote, /1820\.\[15\]/)
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
  // The document's own [1] must not look like a citation.
  const shownAs = (quote: string) =>
    quote
      .split(/(```[\s\S]*?(?:```|$))/)
      .map((part, i) => (i % 2 === 0 ? part.replaceAll('[1]', '\\[1\\]') : part))
      .join('')
  const property = fc.asyncProperty(fc.array(prose, { minLength: 1, maxLength: 5 }), async texts => {
    const stored = texts.map((text, i) => `${'x'.repeat(i * 7)}${text}`)
    const passages = texts.map((text, i) =>
      passage(text, { chunkId: `d${i}.0`, documentId: `d${i}`, before: 'x'.repeat(i * 7) }),
    )
    const { text: answer, citations } = await answerTo(
      'Where is the office, what is the deadline of the grant form?',
      passages,
    )
    let [rest, number] = [answer, 0]
    for (const { index, documentId, quote, start, end } of citations) {
      const shown = shownAs(quote)
      if (stored[Number(documentId.slice(1))]?.slice(start, end) !== quote || index !== ++number) return false
      if (!rest.startsWith(`${shown} [${index}]`)) return false
      rest = rest.slice(`${shown} [${index}]`.length).trimStart()
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
