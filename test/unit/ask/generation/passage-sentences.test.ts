import t from 'tap'
import { sentencesOf } from '../../../../src/ask/generation/passage-sentences.ts'
import { passage } from '../../../support/passages.ts'

/** What of a text an answer may begin with. */
const seeds = (text: string, language = 'en', title = 'Title') =>
  sentencesOf(passage(text, { language, title }), 0, false)
    .filter(each => each.isSeed)
    .map(each => each.text)

t.test('a short text answers when it ends like a sentence, in any script', async t => {
  for (const [language, text] of [
    ['en', 'Apply by 15 September.'],
    ['en', 'At 7:30.'],
    ['en', 'Yes!'],
    ['ru', 'До 15 мая.'],
    ['kk', 'Иә, тегін.'],
    ['vi', 'Có.'],
    ['it', 'Alle 7:30.'],
    ['zh', '七点半。'],
    ['ja', '無料です。'],
    ['hi', 'हाँ।'],
    ['en', 'It is “free.”'],
    ['en', 'Free.[2]'],
  ] as const)
    t.same(seeds(`${text}\n\nMore of it stands here below, as a long line`, language)[0], text, text)
})

t.test('a fragment does not answer', async t => {
  for (const fragment of ['Fig 3', '12', 'Contact us', 'page 4 of 7', '…', '---'])
    t.notOk(seeds(`${fragment}\n\nThe office opens at nine in the morning.`).includes(fragment), fragment)
})

t.test('the number of a part does not answer, but what stands in it, or a number that is all there is', async t => {
  t.same(seeds('Article 74. Overtime is paid one and a half times.'), ['Overtime is paid one and a half times.'])
  t.same(seeds('Room 214.'), ['Room 214.'])
})

t.test('a short text answers when it is all there is of its text, section, item or field', async t => {
  t.same(seeds('invoices@example.com'), ['invoices@example.com'])
  t.same(seeds('- Passport\n- Photo 3×4\n\nBring them to the office on the day.'), [
    '- Passport',
    '- Photo 3×4',
    'Bring them to the office on the day.',
  ])
  t.same(seeds('PIN: 0000'), ['PIN: 0000'])
  const text = 'Deposit\n\nTen euros\n\nCarrel\n\nA desk'
  const sections = ['Deposit', 'Carrel'].map(name => ({
    start: text.indexOf(name),
    title: `Library › ${name}`,
    url: null,
    page: null,
  }))
  const own = sentencesOf(passage(text, { title: 'Library', sections }), 0, false).filter(each => each.isSeed)
  t.same(
    own.map(each => each.text),
    ['Ten euros', 'A desk'],
  )
})

t.test('a question, a heading and code do not answer', async t => {
  t.same(seeds('When?'), [])
  t.same(seeds('Opening hours', 'en', 'Pool › Opening hours'), [])
  t.same(seeds('```sh\nnpm start\n```'), [])
})

t.test('items of lists are told apart', async t => {
  const items = sentencesOf(
    passage('To begin:\n\n1. Open it.\n2) Close it.\n\n- red\n• blue\n\n3.2 is a version.'),
    0,
    false,
  )
  t.same(
    items.map(each => each.item),
    [null, 'step', 'step', 'bullet', 'bullet', null],
  )
})
