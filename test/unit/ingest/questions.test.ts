import t from 'tap'
import { documentFrom, type TextFormat } from '../../../src/ingest/document-from.ts'

/** Questions and titles that are marked otherwise than as headings. */

const headingsOf = (text: string, format: TextFormat = 'markdown'): string[] =>
  documentFrom({ source: 'a', text, format }).sections.flatMap(section => section.headings.at(-1) ?? [])
const textOf = (text: string, format: TextFormat = 'markdown'): string =>
  documentFrom({ source: 'a', text, format }).text

t.test('a line in bold with text below it is a heading', async t => {
  for (const [text, format] of [
    ['**Where is it?**\nIn hall D.\n\n**Opening hours**\n\nDaily.\n', 'markdown'],
    ['__Where is it?__\\\nIn hall D.\n\n**Opening hours**\n\n- Daily\n', 'markdown'],
    ['<p><strong>Where is it?</strong><br>In hall D.</p><p><b>Opening hours</b></p><p>Daily.</p>', 'html'],
  ] as const) {
    t.strictSame(headingsOf(text, format), ['Where is it?', 'Opening hours'], text)
    t.match(textOf(text, format), /^Where is it\?\n\nIn hall D\.\n\nOpening hours\n\n(- )?Daily/)
  }
})

t.test('bold in running text, labels, sentences, and bold with nothing below stay text', async t => {
  for (const text of [
    'Take **the form** to hall D.\n\nNow.',
    '**The form** is in hall D.\n\nNow.',
    '**Note:**\nIt is closed.\n\nNow.',
    '**It is closed on Monday.**\n\nNow.',
    'First.\n\n**The end**',
    '**One**\n\n**Two**\n\n## Three\n\nText.',
    `**${'long '.repeat(40)}**\n\nNow.`,
    '**---**\n\nNow.',
  ])
    t.strictSame(
      headingsOf(text).filter(heading => heading !== 'Three'),
      [],
      text,
    )
})

t.test('a bold title is below the headings of the document and has the anchor of the nearest', async t => {
  const { sections } = documentFrom({ source: 'a', text: '# T\n\n## Fees\n\n**Locker**\n\nTen.\n\n**Card**\n\nFive.' })
  t.match(sections.slice(2), [
    { headings: ['Fees', 'Locker'], anchor: 'fees' },
    { headings: ['Fees', 'Card'], anchor: 'fees' },
  ])
})

const pairs = [
  ['Q', 'A'],
  ['Question', 'Answer'],
  ['Вопрос', 'Ответ'],
  ['Сұрақ', 'Жауап'],
  ['Hỏi', 'Đáp'],
  ['Domanda', 'Risposta'],
] as const

for (const [q, a] of pairs) {
  t.test(`${q}: … ${a}: … are headings and their text, in every format`, async t => {
    const expected = 'One thing?\n\nFirst.\nMore.\n\nAnother?\n\nSecond.\n\nThird?\n\nLast.'
    const lines = `${q}: One thing?\n${a}: First.\nMore.\n\n${q} 2: Another?\n\n${a} 2: Second.\n\n3. ${q}: Third? ${a}: Last.`
    t.equal(textOf(lines, 'text'), expected)
    t.strictSame(headingsOf(lines, 'text'), ['One thing?', 'Another?', 'Third?'])
    const paragraphs = [`${q}: One?`, `${a}: First.`, `${q}: Two?`, `${a}: Second.`, 'After.']
    t.equal(
      textOf(paragraphs.map(each => `<p>${each}</p>`).join(''), 'html'),
      'One?\n\nFirst.\n\nTwo?\n\nSecond.\n\nAfter.',
    )
    t.strictSame(headingsOf(`**${q}:** One?\n**${a}:** First.\n\n**${q}:** Two?\n**${a}:** Second.`), ['One?', 'Two?'])
  })
}

t.test('one pair, a question without an answer, or labels of two kinds change nothing', async t => {
  for (const text of [
    'Q: One?\nA: Yes.',
    'Q: One?\n\nQ: Two?\n\nText.',
    'Q: One?\nОтвет: Yes.\n\nQ: Two?\nОтвет: No.',
  ]) {
    t.equal(textOf(text, 'text'), text)
    t.strictSame(headingsOf(text, 'text'), [])
  }
})

t.test('plain text: questions on lines of their own are headings where they are how it is written', async t => {
  const faq = 'Help\n\nWhere is it?\nIn hall D.\n\nWhen is it?\n\nIn May. Or June.\n\nAlways.'
  t.strictSame(headingsOf(faq, 'text'), ['Where is it?', 'When is it?'])
  t.equal(textOf(faq, 'text'), faq.replace('?\nIn hall', '?\n\nIn hall'), 'nothing is lost')
  const novel = `${'He walked on. It rained.\n\n'.repeat(20)}Who was it?\n\nNobody.\n\nAnd now?\n\nHe went home.`
  t.strictSame(headingsOf(novel, 'text'), [], 'two questions in a story are no FAQ')
  t.strictSame(headingsOf('Where?\n\nWhen?\n\nWhy?', 'text'), [], 'questions alone have no answers')
})

t.test('a megabyte of marks ends, and loses nothing', async t => {
  for (const piece of ['Q: ', 'Q:\n', 'Q: a\nA: b\n', 'Q: a A: ', '**a**\n', '1. Q 1: x?\n', 'a?\n\n', '? \n']) {
    const text = piece.repeat(Math.ceil(300_000 / piece.length))
    const read = textOf(text, 'text')
    t.ok(read.length <= text.length * 1.5, piece)
  }
})
