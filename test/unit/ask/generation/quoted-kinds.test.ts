import t from 'tap'
import { extractFrom } from '../../../../src/ask/generation/extractive.ts'
import { analyzeText } from '../../../../src/ask/retrieval/analyze-question.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import type { AnalyzedQuestion } from '../../../../src/ask/terms/question.ts'
import { passage, withUnits } from '../../../support/passages.ts'

/** Which sentences are quoted, by kind of question. */

const answer = async (text: string, passages: readonly Passage[], language = 'en') =>
  await answerOf(analyzeText(text, language), passages)
const answerOf = async (asked: AnalyzedQuestion, passages: readonly Passage[]) => {
  const question = {
    text: asked.text,
    collection: 'default',
    mode: 'fast',
    topK: 5,
    filters: {},
    language: undefined,
    history: [],
  } as const
  return (await extractFrom({ asked, question, passages })).text
}
const found = (text: string, title: string, fused: number, more: Partial<Passage> = {}): Passage => {
  const id = title.replaceAll(' ', '-')
  return passage(text, {
    title,
    documentId: id,
    chunkId: `${id}.0`,
    scores: { lexical: 1, lexicalRank: 1, vector: null, vectorRank: null, fused, coverage: 1 },
    ...more,
  })
}

t.test('a short sentence answers, in any language', async t => {
  for (const [language, question, title, text] of [
    ['en', 'When are applications due?', 'Applications', 'Due by 15 May.'],
    ['ru', 'Сколько стоит копия?', 'Копия', 'Стоит 5 тенге.'],
    ['kk', 'Асхана қашан ашылады?', 'Асхана', 'Сағат 7:30-да.'],
    ['vi', 'Mật khẩu wifi là gì?', 'Mật khẩu wifi', 'Là 0000.'],
    ['it', 'Quanto costa una copia?', 'Copia', 'Costa 5 euro.'],
    ['zh', '食堂几点开门？', '食堂', '七点半开门。'],
    ['ja', '駐車場は無料ですか？', '駐車場', '無料です。'],
  ] as const)
    t.equal(await answer(question, [found(text, title, 1, { language })], language), `${text} [1]`, language)
})

t.test('both sides of a comparison are quoted', async t => {
  const pages = [
    found('The bachelor grant is 52,000 a month for everybody who has a state place.', 'Bachelor', 1),
    found('The canteen serves breakfast, lunch and dinner on all days of the week.', 'Canteen', 0.8),
    found('The master grant is 101,000 a month, paid on the tenth day of it.', 'Master', 0.6),
  ]
  const text = await answer('What is the difference between the bachelor grant and the master grant?', pages)
  t.match(text, /52,000 .* \[1\] .*101,000 .* \[2\]$/)
})

t.test('both parts of a question are quoted, from one passage too', async t => {
  const rules = found(
    [
      'The dormitory fee is twelve thousand a month for each of the students who live there.',
      'The house has four floors, of which the first one belongs to the kitchen and to the laundry, and a garden.',
      'Its doors are painted green, and a lift takes heavy furniture from the yard up to each of the floors.',
      'Guests leave the house before ten in the evening, and sign the book of the porter when they do.',
    ].join('\n\n'),
    'Dormitory',
    1,
  )
  const text = await answer('How much is the dormitory fee, and when do guests leave?', [rules])
  t.match(text, /^The dormitory fee is twelve thousand .* \[1\] Guests leave the house before ten .* \[2\]$/)
})

t.test('steps are quoted whole, with what introduces them', async t => {
  const steps = 'To load paper:\n\n1. Press the blue latch.\n2. Drop the roll into the tray.\n3. Close the lid.'
  const manual = found(`The printer takes rolls of 57 mm.\n\n${steps}\n\nIt feeds one label then.`, 'Loading paper', 1)
  t.equal(await answer('How do I drop the roll of paper into the tray?', [manual]), `${steps} [1]`)
})

t.test('an item of a long list of clauses is quoted alone', async t => {
  const clauses = Array.from({ length: 12 }, (_, i) =>
    i === 7
      ? '8. A student who loses the card pays for a new one at the cash desk of the library.'
      : `${i + 1}. The rector appoints the members of board number ${i + 1} for a term of four years each.`,
  )
  const text = await answer('Who pays for a lost card?', [found(clauses.join('\n'), 'Rules', 1)])
  t.match(text, /^8\. A student who loses the card/)
  t.notMatch(text, /board number 3 /)
})

t.test('what stands before a sentence is quoted when it answers as well', async t => {
  const page = withUnits(
    found('Rural pupils get 35 % of all places. Orphans get 1 %, and those from abroad 4 %.', 'Quotas', 1),
    { 'Rural pupils get 35 % of all places.': 0.9, 'Orphans get 1 %, and those from abroad 4 %.': 0.905 },
  )
  const other = withUnits(found('The pool is at the river. It opens at nine.', 'Pool', 0.2), {
    'The pool is at the river.': 0.8,
    'It opens at nine.': 0.79,
  })
  t.match(
    await answer('Is anything reserved for kids of villages, and orphans?', [page, other]),
    /^Rural pupils get 35 %/,
  )
})

t.test('of tables that compete, the row that covers more of the question with header and headings answers', async t => {
  const table = (course: string, fee: string) =>
    `| Year | Fee of ${course} |\n| 26 | ${fee}00 |\n| 27 | ${fee}50 |\n| 28 | ${fee}90 |`
  const pages = [found(table('law', '9'), 'Law', 1), found(table('medicine', '17'), 'Medicine', 0.8)]
  t.match(await answer('fee of medicine, year 27', pages), /^\| Year \| Fee of medicine \|\n\| 27 \| 1750 \| \[1\]/)
})

t.test('rows of a table never stand for a question that only its neighbours answer', async t => {
  const table = '| Version | Date | Changes |\n| 3.5 | 2025-07-01 | adds messages |\n| 3.0 | 2024-03-01 | new console |'
  const page = withUnits(found(`${table}\n\nOlder releases are listed in the archive.`, 'History', 1), {
    '| Version | Date | Changes |': 0.88,
    '| 3.5 | 2025-07-01 | adds messages |': 0.8,
    '| 3.0 | 2024-03-01 | new console |': 0.93,
    'Older releases are listed in the archive.': 0.79,
  })
  const text = await answer('When did the web interface get its present look?', [page])
  t.equal(text, '| Version | Date | Changes |\n| 3.0 | 2024-03-01 | new console | [1]')
})

t.test('of rows that are alike, the one with the name that was asked answers, however near the others are', async t => {
  const towns = ['Towna26', 'Townb31', 'Townc37', 'Townd43', 'Towne48']
  const rows = towns.map((town, i) => `| ${town} | ${310 + i} | ${7010 + i} |`)
  const page = withUnits(
    found(`| Branch | Members | Loans |\n${rows.join('\n')}`, 'Branches', 1),
    Object.fromEntries(rows.map((row, i) => [row, [0.71, 0.7, 0.78, 0.69, 0.77][i]!])),
  )
  const text = await answer('How many loans does Townb31 have?', [page])
  t.equal(text, '| Branch | Members | Loans |\n| Townb31 | 311 | 7011 | [1]')
})

const pale = 'If prints are pale, raise the darkness in steps of one.'
const feeds = 'The printer feeds one label whenever its lid has been closed.'
const labels = (scores: readonly [pale: object | number, feeds: object | number]): Passage[] => [
  withUnits(found(feeds, 'Loading', 1), { [feeds]: scores[1] as number }),
  withUnits(found(`${pale}\n\nHigher values shorten the life of the print head by a lot.`, 'Darkness', 0.9), {
    [pale]: scores[0] as number,
    'Higher values shorten the life of the print head by a lot.': { similarity: 0.8, rerank: 0.001 },
  }),
]

t.test('the unit nearest to the question is quoted, though it shares no word with it', async t => {
  const question = 'My stickers come out faint, what helps?'
  t.match(await answer(question, labels([0.9, 0.81])), /^If prints are pale/)
  t.match(await answer(question, labels([0.81, 0.9])), /^The printer feeds/)
})

t.test('what similarities mean does not count, only how they are distributed', async t => {
  const question = 'My stickers come out faint, what helps?'
  const squeezed = (value: number) => 0.7 + value / 10
  const pages = labels([0.9, 0.81]).map(each => ({
    ...each,
    units: each.units!.map(unit => ({ ...unit, similarity: squeezed(unit.similarity!) })),
  }))
  t.equal(await answer(question, pages), await answer(question, labels([0.9, 0.81])))
})

t.test("a reranker's scores of the units lead where there are any", async t => {
  const pages = labels([
    { similarity: 0.81, rerank: 0.93 },
    { similarity: 0.9, rerank: 0.002 },
  ])
  t.match(await answer('My label comes out faint, what helps?', pages), /^If prints are pale/)
})

t.test('a question in another language than the document is answered in that of the document', async t => {
  const library = 'Кітапхана дүйсенбіден жұмаға дейін 8:30-дан 20:00-ге дейін ашық.'
  const pages = [
    withUnits(found(library, 'Кітапхана қашан жұмыс істейді?', 1, { language: 'kk' }), { [library]: 0.9 }),
    withUnits(found('Кітапты 14 күнге алуға болады.', 'Кітаптар', 0.9, { language: 'kk' }), {
      'Кітапты 14 күнге алуға болады.': 0.82,
    }),
  ]
  t.match(await answer('Когда работает библиотека?', pages, 'ru'), new RegExp(`^${library} \\[1\\]`))
})

t.test('words that a follow-up borrows stay wanted', async t => {
  const asked = analyzeText('А сколько он стоит?', 'ru')
  const borrowed = analyzeText('Есть ли у вас военная кафедра?', 'ru').own.filter(({ isContent }) => isContent)
  const pages = [
    found('Да, есть. Обучение длится два года, цена — 420 000 тенге за весь курс.', 'Есть ли военная кафедра?', 1, {
      language: 'ru',
    }),
    found('Проживание стоит 18 000 тенге в месяц, если место дали до осени.', 'Общежитие', 1, { language: 'ru' }),
  ]
  const leaning = { ...asked, terms: [...asked.terms, ...borrowed], own: [...asked.own, ...borrowed] }
  t.match(await answerOf(leaning, pages), /^Да, есть\. .*420 000/)
})

t.test('of a long story, the rarest words say what is wanted', async t => {
  const common = ['school', 'city', 'parents', 'summer', 'train', 'friends', 'house', 'winter', 'letter']
  const pages = ['village', 'river'].map(where =>
    found(
      `Of the ${common.slice(0, 5).join(', of the ')}, and of ${common.slice(5).join(', of ')} at the ${where}.`,
      where,
      1,
    ),
  )
  const target = found('Students hand in the transcript and the diploma by June, the sooner the better.', 'Papers', 1)
  const story = `${common.join(', ')}: I left them. Until when do students hand in the diploma and transcript?`
  t.match(await answer(story, [...pages, target]), /^Students hand in the transcript/)
})
