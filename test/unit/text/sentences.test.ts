import fc from 'fast-check'
import t from 'tap'
import { sentences } from '../../../src/text/sentences.ts'
import { anyText } from '../../support/any-text.ts'

const read = (text: string, language: string): string[] =>
  sentences(text, language).map(({ start, end }) => text.slice(start, end))

/** Sentences as they should be found, joined by a blank to be read. */
const examples: readonly (readonly [language: string, ...sentences: string[]])[] = [
  ['en', 'Use e.g. PgBouncer.', 'Dr. Smith wrote it, i.e. Version 2.', 'See Fig. 3 and v. 2 of the text.'],
  ['en', 'Node.js is fast.', 'Call fastify.register().', 'It costs 3.14 dollars.', 'Really?!', 'Yahoo! announced it.'],
  ['en', 'No. 5 is alive.', 'Is it?', 'No.', 'It is not.', 'So do I.', 'Then we left.', 'J. R. R. Tolkien wrote.'],
  ['en', 'Open example.com/?Query=1 now.', 'It calls foo().Bar first.', '“Stop.”', 'He stopped.'],
  [
    'ru',
    'А. С. Пушкин родился в 1799 г. в Москве.',
    'См. ст. 5 и п. 4.2 закона.',
    'Цена 5 тыс. руб.',
    'Оплата на сайте и т. д.',
    'Конец.',
  ],
  ['ru', 'Университет им. Абая, т.е. КазНПУ, работает.', 'Закон № 44-ФЗ.', '«Кто там?» — спросил он.'],
  ['kk', 'Қазақстан – ел.', 'Ол 1991 ж. Тәуелсіздік алды.', 'Иә!'],
  ['vi', 'Học phí là bao nhiêu?', 'TP. Hồ Chí Minh có nhiều trường.'],
  ['it', 'Il dott. Rossi insegna.', "Vedi l'art. 5 della legge.", 'Sì.'],
  ['de', 'Das ist z. B. Berlin.', 'Am 3. Oktober ist frei.', 'Nr. 5 lebt.'],
  ['hi', 'छात्र पढ़ते हैं।', 'वे घर जाते हैं।'],
]

for (const [language, ...expected] of examples) {
  t.test(`${language}: ${expected[0]}`, async t => {
    t.same(read(expected.join(' '), language), expected)
  })
}

t.test('marks of footnotes and sources belong to the sentence before them', async t => {
  for (const mark of ['[7]', '[2][3]', '[8, 9]', '[8–10]', '[^1]', '[a]', '[note 2]', '[citation needed]', '¹', '¹²'])
    t.same(read(`It was sold in 1954.${mark} Its wheel turns.${mark} A bag costs three.${mark}`, 'en'), [
      `It was sold in 1954.${mark}`,
      `Its wheel turns.${mark}`,
      `A bag costs three.${mark}`,
    ])
  t.same(read('“We left.”[4] They rose (twice.)[5] and fell.', 'en'), [
    '“We left.”[4]',
    'They rose (twice.)[5] and fell.',
  ])
  t.same(read('Rain doubled it [12]. The plot had 110.', 'en'), ['Rain doubled it [12].', 'The plot had 110.'])
  t.same(read('Мост построен в 1820 году.[15] С тех пор он открыт.', 'ru'), [
    'Мост построен в 1820 году.[15]',
    'С тех пор он открыт.',
  ])
})

t.test('brackets and digits elsewhere are not such marks', async t => {
  t.same(read('Call list.[0] first. Then stop.', 'en'), ['Call list.[0] first.', 'Then stop.'])
  t.same(read('It has 10⁶ cells. Then 3.5² of them.', 'en'), ['It has 10⁶ cells.', 'Then 3.5² of them.'])
})

t.test('a row of a table is one sentence, whatever stops are in its cells', async t => {
  const rows = ['| Name | Room |', '| A. Lee. Head. | No. 4. Upstairs. |', '| B. St. John | Closed. Ask! Why? |']
  t.same(read(rows.join('\n'), 'en'), rows)
  const long = `| ${'A long cell. '.repeat(200)}| b |`
  t.ok(read(long, 'en').length > 100, 'but a cell that is a page of prose has its sentences')
})

t.test('scripts without blanks: sentences follow each other at once', async t => {
  t.same(read('学生可以申请奖学金。怎么申请？请到办公室！', 'zh'), [
    '学生可以申请奖学金。',
    '怎么申请？',
    '请到办公室！',
  ])
  t.same(read('図書館はどこですか。あそこです。', 'ja'), ['図書館はどこですか。', 'あそこです。'])
  t.same(read('ขอทุนการศึกษา', 'th'), ['ขอทุนการศึกษา'])
})

t.test('a single line break: is a space; a blank line ends the sentence', async t => {
  t.same(read('A soft\nbreak here.\r\nNext\n\nLast', 'en'), ['A soft\nbreak here.', 'Next', 'Last'])
})

t.test('list items, table rows, headings and code: stand for themselves', async t => {
  t.same(
    read(
      '# Head\nText of\nit\n- first\n- second item\n  goes on\n1. Press it. Wait.\n2) Done\n| a | b |\n| c | d |\nAfter',
      'en',
    ),
    [
      '# Head',
      'Text of\nit',
      '- first',
      '- second item\n  goes on',
      '1. Press it.',
      'Wait.',
      '2) Done',
      '| a | b |',
      '| c | d |',
      'After',
    ],
  )
  t.same(read('let a = 1;\nrun(a);\nThat is it.', 'en'), ['let a = 1;', 'run(a);', 'That is it.'])
})

const piece = fc.constantFrom(
  'A. ',
  'etc. ',
  'e.g. ',
  '3.',
  '\n',
  '\r\n',
  '\n\n',
  '- ',
  '1. ',
  '。',
  '?! ',
  ' ',
  '\t',
  '😀',
  'слово ',
  '学生',
  '| x |',
  '```',
  '\u2028',
  '\f',
  '"',
  ') ',
)
const texts = fc.oneof(
  anyText(),
  fc.array(piece, { maxLength: 40 }).map(pieces => pieces.join('')),
)

t.test('any text: spans are in order, apart, trimmed, and hold all that is not blank', async t => {
  fc.assert(
    fc.property(texts, fc.constantFrom('en', 'ru', 'zh', 'und', 'x'), (text, language) => {
      const spans = sentences(text, language)
      let from = 0
      let between = ''
      for (const { start, end } of spans) {
        if (start < from || end <= start || text.slice(start, end).trim() !== text.slice(start, end)) return false
        between += text.slice(from, start)
        from = end
      }
      return (between + text.slice(from)).trim() === ''
    }),
    { numRuns: 3000 },
  )
  t.pass()
})

t.test('millions of letters without an end: are read in pieces', async t => {
  for (const text of ['word ', 'x', '学', '. ', 'A. ', ' \n', '😀']) {
    const long = text.repeat(400_000)
    t.ok(
      sentences(long, 'en').every(({ start, end }) => end - start <= 20_000),
      text,
    )
  }
  t.ok(sentences(`a${'😀'.repeat(30_000)}`, 'en').every(({ start }) => start % 2 === 1 || start === 0))
})
