import fc from 'fast-check'
import t from 'tap'
import { analyze, indexTerms, isStopWord, queryTerms } from '../../../src/text/analyze.ts'
import { tidy } from '../../../src/text/fold.ts'
import { anyText } from '../../support/any-text.ts'

const languages = fc.constantFrom('en', 'ru', 'kk', 'vi', 'it', 'de', 'zh', 'ja', 'th', 'ar', 'und', 'pt-BR')
const word = fc.constantFrom(
  'scholarship',
  'стипендия',
  'Қазақстандағы',
  'học',
  'bổng',
  'hoc',
  '奖学金',
  '東京タワー',
  'ทุนการศึกษา',
  'hnsw.ef_search',
  "l'été",
  'C++',
  '44-ФЗ',
  '1,000',
  '😀',
  '—',
  '\\',
  "'",
  '"',
  '\0',
  'x'.repeat(900),
  '学'.repeat(900),
  'بحث',
  '한국어를',
  'é\u0301',
)
const texts = fc.oneof(
  anyText(),
  fc.string({ unit: 'grapheme' }),
  fc.array(word).map(words => words.join(' ')),
  fc.array(word).map(words => words.join('')),
)
const runs = { numRuns: 200 }

t.test('any text: terms are fit for a tsvector and a key', async t => {
  fc.assert(
    fc.property(texts, languages, (text, language) =>
      indexTerms(analyze(text, language)).every(
        term => term !== '' && term.isWellFormed() && !/[\s\\'"\p{Cc}]/u.test(term) && Buffer.byteLength(term) <= 255,
      ),
    ),
    runs,
  )
  t.pass()
})

t.test('any text with a letter or digit: has terms', async t => {
  fc.assert(
    fc.property(
      texts,
      languages,
      (text, language) => analyze(text, language).terms.length > 0 || !/[\p{L}\p{N}]/u.test(tidy(text)),
    ),
    runs,
  )
  t.pass()
})

t.test('a question equal to a document: finds all its terms there', async t => {
  fc.assert(
    fc.property(texts, languages, (text, language) => {
      const analysis = analyze(text, language)
      const indexed = new Set(indexTerms(analysis))
      return queryTerms(analysis).every(({ term, isJoin }) => isJoin || indexed.has(term))
    }),
    runs,
  )
  t.pass()
})

t.test('a text in capitals: has the same terms', async t => {
  t.same(analyze('ПОДАТЬ НА СТИПЕНДИЮ', 'ru').terms, analyze('подать на стипендию', 'ru').terms)
})

t.test('only pictographs or punctuation: no terms', async t => {
  for (const text of ['', '😀👍🏽', '— … !?', '™']) t.same(indexTerms(analyze(text, 'en')), [])
})

t.test('terms: stand in text order with repeats', async t => {
  t.same(analyze('Pools of connections: the connection pool', 'en').terms, [
    'pool',
    'of',
    'connect',
    'the',
    'connect',
    'pool',
  ])
})

t.test('queryTerms: count repeats and tell content from the rest', async t => {
  const terms = queryTerms(analyze('How do I size the pool, and what is a pool?', 'en'))
  t.match(
    terms.filter(term => term.isContent),
    [
      { term: 'size', count: 1 },
      { term: 'pool', count: 2 },
    ],
  )
})

t.test('a question of function words only: all of them are content', async t => {
  t.ok(queryTerms(analyze('Who is who?', 'en')).every(term => term.isContent))
})

t.test('the content words of a question: are what it asks about', async t => {
  const content = (text: string, language: string) =>
    queryTerms(analyze(text, language))
      .filter(term => term.isContent)
      .map(term => term.term)
  t.same(content('Как мне подать на стипендию?', 'ru'), ['пода', 'стипенд'])
  t.same(content('Қалай стипендия алуға болады?', 'kk'), ['стипе', 'алуга'])
  t.same(content('Học bổng là gì?', 'vi'), ['học', 'bổng'])
  t.same(content('Dove si trova la segreteria?', 'it'), ['trov', 'segreter'])
  t.same(content('Wie hoch sind die Gebühren?', 'de'), ['hoch', 'gebuhr'])
  t.same(content("Où est l'université ?", 'fr'), ['univers'])
  t.same(content('¿Dónde está la biblioteca?', 'es'), ['bibliotec'])
})

t.test('a negation: is content', async t => {
  for (const [negation, language] of [
    ['not', 'en'],
    ['не', 'ru'],
    ['không', 'vi'],
    ['non', 'it'],
    ['nicht', 'de'],
    ['pas', 'fr'],
  ] as const) {
    t.notOk(isStopWord(negation, language), negation)
  }
})

t.test('Vietnamese without diacritics: asks for folded words and their pairs', async t => {
  const question = analyze('hoc bong la gi', 'vi')
  t.notOk(question.hasDiacritics)
  t.same(
    queryTerms(question).map(term => term.term),
    ['~hoc', '~bong', '~la', '~gi', 'hoc_bong', 'bong_la'],
  )
  t.same(
    queryTerms(question)
      .filter(term => term.isContent)
      .map(term => term.term),
    ['~hoc', '~bong'],
  )
  const indexed = new Set(indexTerms(analyze('Học bổng toàn phần', 'vi')))
  t.ok(indexed.has('hoc_bong'))
})

t.test('Vietnamese with any diacritic: asks for the words as they are, and half for their pairs', async t => {
  t.match(queryTerms(analyze('hoc bổng', 'vi')), [
    { term: 'hoc', count: 1 },
    { term: 'bổng', count: 1 },
    { term: 'hoc_bong', count: 0.5 },
  ])
})

t.test('a pair of function words: is neither indexed nor asked', async t => {
  t.notOk(indexTerms(analyze('học bổng là gì', 'vi')).includes('la_gi'))
  t.ok(isStopWord('la_gi', 'vi'))
  t.notOk(isStopWord('hoc_la', 'vi'))
})

t.test('Kazakh typed with Russian letters: finds the same terms', async t => {
  t.same(analyze('калай стипендия алуга болады', 'kk').terms, analyze('Қалай стипендия алуға болады', 'kk').terms)
})

t.test('a megabyte without a blank: is read', async t => {
  for (const letter of ['x', '学', 'a.', 'aB', "a'", '1 ', 'é\u0301']) {
    t.ok(analyze(letter.repeat(500_000), 'en').terms.length > 0, letter)
  }
})

t.test('marks without a letter: leave no term behind, which the database could not store', async t => {
  for (const mark of ['\u203e', '\u0305', '\u0323', '\ufe49']) {
    for (const language of ['en', 'el', 'vi', 'und'])
      t.same(
        indexTerms(analyze(`x ${mark} y`, language)).filter(term => /^~?$/.test(term)),
        [],
        `${mark} ${language}`,
      )
  }
})
