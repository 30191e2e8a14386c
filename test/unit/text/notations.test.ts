import fc from 'fast-check'
import t from 'tap'
import { analyze, indexTerms, queryTerms } from '../../../src/text/analyze.ts'

const termsOf = (text: string, language: string) => new Set(indexTerms(analyze(text, language)))
const notationsIn = (text: string, language: string) => analyze(text, language).notations.map(each => each.term)

const months: Readonly<Record<string, readonly string[]>> = {
  en: 'January February March April May June July August September October November December'.split(' '),
  ru: 'января февраля марта апреля мая июня июля августа сентября октября ноября декабря'.split(' '),
  kk: 'қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан'.split(' '),
  it: 'gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre'.split(' '),
  de: 'Januar Februar März April Mai Juni Juli August September Oktober November Dezember'.split(' '),
}

const two = (value: number) => String(value).padStart(2, '0')

/** The ways in which people write a day. */
function written(year: number, month: number, day: number): readonly (readonly [text: string, language: string])[] {
  const name = (language: string) => months[language]![month - 1]!
  return [
    [`${day} ${name('en')} ${year}`, 'en'],
    [`${name('en')} ${day}, ${year}`, 'en'],
    [`${day} ${name('ru')} ${year} г.`, 'ru'],
    [`${year} жылғы ${day} ${name('kk')}`, 'kk'],
    [`${day} ${name('kk')} ${year} жыл`, 'kk'],
    [`${day} ${name('it')} ${year}`, 'it'],
    [`${day}. ${name('de')} ${year}`, 'de'],
    [`ngày ${day} tháng ${month} năm ${year}`, 'vi'],
    [`ngay ${day} thang ${month} nam ${year}`, 'vi'],
    [`${year}年${month}月${day}日`, 'zh'],
    [`${two(day)}.${two(month)}.${year}`, 'ru'],
    [`${day}/${month}/${year}`, 'it'],
    [`${year}-${two(month)}-${two(day)}`, 'en'],
  ]
}

const dates = fc.record({
  year: fc.integer({ min: 1990, max: 2040 }),
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 28 }),
})

t.test('a day: is one term, however it is written and whatever stands around it', async t => {
  fc.assert(
    fc.property(dates, ({ year, month, day }) =>
      written(year, month, day).every(([text, language]) => {
        const term = `${year}-${two(month)}-${two(day)}`
        return [text, `(${text}).`, `before ${text}, after`].every(each => notationsIn(each, language).includes(term))
      }),
    ),
    { numRuns: 60 },
  )
  t.pass()
})

t.test('a day asked in one notation: is found in every other, and no other day is', async t => {
  fc.assert(
    fc.property(dates, dates, fc.nat(12), fc.nat(12), (asked, stored, a, b) => {
      const [question, inLanguage] = written(asked.year, asked.month, asked.day)[a]!
      const [text, language] = written(stored.year, stored.month, stored.day)[b]!
      const terms = queryTerms(analyze(question, inLanguage)).filter(each => each.standsIn)
      const isSame = asked.year === stored.year && asked.month === stored.month && asked.day === stored.day
      return terms.length === 1 && termsOf(text, language).has(terms[0]!.term) === isSame
    }),
    { numRuns: 300 },
  )
  t.pass()
})

t.test('a date that countries read differently: is both in English, the day first elsewhere', async t => {
  t.same(notationsIn('03/04/2026', 'en'), ['2026-04-03', '2026-03-04'])
  t.same(notationsIn('03/04/2026', 'it'), ['2026-04-03'])
  t.same(notationsIn('03/14/2026', 'en'), ['2026-03-14'])
  t.same(notationsIn('03.04.2026', 'en'), ['2026-04-03'])
})

t.test('months and days without a year: are terms, found in whole dates', async t => {
  t.same(notationsIn('June 2026', 'en'), ['2026-06'])
  t.same(notationsIn('июнь 2026 года', 'ru'), ['2026-06'])
  t.same(notationsIn('tháng 6/2026', 'vi'), ['2026-06'])
  t.ok(termsOf('30.06.2026', 'ru').has('2026-06'))
  t.ok(termsOf('30.06.2026', 'ru').has(notationsIn('до 30 июня', 'ru')[0]!))
  for (const text of ['45 June 2026', '31.13.2026', '10.0.0.1', 'version 2.10.1', 'May I come?'])
    t.same(
      notationsIn(text, 'en').filter(each => /^\d{4}-|^--/.test(each) && each.length > 7),
      [],
      text,
    )
})

const provisions: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'art:12.3': [
    ['Article 12.3', 'en'],
    ['Art. 12.3', 'en'],
    ['статья 12.3', 'ru'],
    ['в статье 12.3', 'ru'],
  ],
  'art:12.13': [['Article 12.13', 'en']],
  'art:1.23': [['Article 1.23', 'en']],
  'art:82': [
    ['Điều 82', 'vi'],
    ['ст. 82', 'ru'],
    ['82-бап', 'kk'],
    ['articolo 82', 'it'],
  ],
  'art:7:2': [
    ['art. 7 co. 2', 'it'],
    ['Article 7(2)', 'en'],
    ['ч. 2 ст. 7', 'ru'],
    ['Điều 7 khoản 2', 'vi'],
    ['paragraph 2 of Article 7', 'en'],
  ],
  'sec:5:2': [
    ['§ 5 (2)', 'de'],
    ['§5 Abs. 2', 'de'],
    ['Section 5(2)', 'en'],
  ],
  'cla:3.2.1': [
    ['clause 3.2.1', 'en'],
    ['п. 3.2.1', 'ru'],
    ['п.3.2.1', 'ru'],
  ],
  'art:74^1': [
    ['Article 74¹', 'en'],
    ['Article 74^1', 'en'],
    ['статья 74¹', 'ru'],
  ],
}

t.test('provisions: are equal however they are written, and only then', async t => {
  for (const [term, texts] of Object.entries(provisions)) {
    for (const [text, language] of texts) {
      t.ok(notationsIn(text, language).includes(term), `${text}: ${term}`)
      for (const other of Object.keys(provisions))
        if (other !== term) t.notOk(termsOf(text, language).has(other), `${text} is not ${other}`)
    }
  }
  t.ok(termsOf('Article 7(2)', 'en').has('art:7'), 'an article is found by its paragraph')
})

t.test('powers and raised numbers: are not other numbers', async t => {
  for (const [text, term, wrong] of [
    ['10⁶', '10^6', '106'],
    ['11⁵⁰', '11^50', '1150'],
    ['74¹', '74^1', '741'],
    ['10⁻⁶', '10^-6', '106'],
  ] as const) {
    t.ok(termsOf(text, 'en').has(term), text)
    t.notOk(termsOf(text, 'en').has(wrong), text)
  }
  t.same(analyze('отпуск¹', 'ru').terms, analyze('отпуск', 'ru').terms, 'the mark of a footnote')
  t.same(analyze('5 m²', 'en').terms, analyze('5 m2', 'en').terms)
})

t.test('amounts: are equal with any grouping', async t => {
  for (const text of ['1 500', '1,500', '1.500', '1500', '1\u00a0500']) t.ok(termsOf(text, 'ru').has('1500'), text)
  for (const text of ['1 500,50', '1.500,50', '1,500.50', '1500.50', '1500,50'])
    t.ok(termsOf(text, 'ru').has('1500.50'), text)
})

t.test('times: are equal by the clock', async t => {
  for (const [text, language] of [
    ['15:30', 'en'],
    ['3:30 pm', 'en'],
    ['3:30 p.m.', 'en'],
    ['15h30', 'fr'],
    ['15 giờ 30', 'vi'],
    ['15.30 Uhr', 'de'],
    ['в 15.30', 'ru'],
  ] as const)
    t.same(notationsIn(text, language), ['15:30'], text)
})

t.test('codes: are terms of their own', async t => {
  for (const text of ['HB-2041', 'HB 2041', 'HB2041']) t.ok(termsOf(text, 'en').has('hb2041'), text)
  t.ok(termsOf('K7/300', 'en').has('k7/300'))
  t.notOk(termsOf('K7/500', 'en').has('k7/300'))
  t.notOk(termsOf('HB-20-41', 'en').has('hb2041'))
  t.notOk(termsOf('417', 'en').has('00417'))
  t.notOk(termsOf('12.3a', 'en').has('123a'))
  t.same(notationsIn('10–15', 'en'), ['10-15'])
  t.same(notationsIn('https://example.com/v1/x/2', 'en'), [], 'a path is no code')
})

t.test('a question: asks for the notation, which takes the place of its words only', async t => {
  const terms = new Map(
    queryTerms(analyze('What ends on 30 June 2026 at gate 30?', 'en')).map(each => [each.term, each]),
  )
  t.match(terms.get('2026-06-30'), { isContent: true, standsIn: true, within: null })
  t.match(terms.get('june'), { isContent: true, within: '2026-06-30' })
  t.match(terms.get('30'), { within: null }, 'it is also the gate')
})
