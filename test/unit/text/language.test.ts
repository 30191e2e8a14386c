import fc from 'fast-check'
import t from 'tap'
import { detectLanguage, readingLanguage } from '../../../src/text/language.ts'

const questions: Readonly<Record<string, readonly string[]>> = {
  en: ['How do I apply for a scholarship?', 'What is the tuition fee?', 'Where is the library'],
  ru: ['Как подать на стипендию?', 'Где находится библиотека', 'Как настроить connection pool в PgBouncer?'],
  kk: ['Стипендияны қалай алуға болады?', 'Ең үлкен қала', 'калай стипендия алуга болады'],
  vi: ['Học phí là bao nhiêu?', 'Thư viện ở đâu'],
  it: ['Dove si trova la segreteria?', 'Quanto costa la mensa?'],
  de: ['Wie kann ich mich einschreiben?'],
  fr: ['Où se trouve la bibliothèque ?'],
  es: ['¿Dónde está la biblioteca?'],
  pt: ['Onde fica a biblioteca da universidade?'],
  tr: ['Kütüphane nerede?'],
  pl: ['Gdzie jest biblioteka?'],
  uk: ['Скільки коштує навчання?'],
  zh: ['奖学金怎么申请'],
  ja: ['奨学金はどう申請しますか', 'データベース'],
  ko: ['장학금을 신청하려면'],
  th: ['ขอทุนการศึกษา'],
  ar: ['ما هي المنحة الدراسية؟'],
  fa: ['چگونه بورسیه بگیرم'],
  he: ['איפה הספרייה'],
  el: ['Πού είναι η βιβλιοθήκη;'],
  hy: ['Որտե՞ղ է գրադարանը'],
  ka: ['სად არის ბიბლიოთეკა'],
}

for (const [language, texts] of Object.entries(questions)) {
  t.test(`questions in ${language}: are told by themselves`, async t => {
    for (const text of texts) t.equal(detectLanguage(text), language, text)
  })
}

t.test('a few words: are in a language of the collection', async t => {
  t.equal(detectLanguage('pool size', { among: ['en', 'it'] }), 'en')
  t.equal(detectLanguage('hnsw.ef_search', { among: ['en', 'ru'] }), 'en')
  t.equal(detectLanguage('lam sao de nop hoc bong', { among: ['vi'] }), 'vi')
  t.equal(detectLanguage('lam sao de nop hoc bong', { among: ['en', 'vi'] }), 'vi')
  t.equal(detectLanguage('стипендия', { among: ['kk'] }), 'kk')
  t.equal(detectLanguage('стипендия', { among: ['ru', 'kk'] }), 'ru')
  t.equal(detectLanguage('奖学金', { among: ['ja'] }), 'ja')
})

t.test('a whole question: is in its own language, whatever the collection speaks', async t => {
  t.equal(detectLanguage('How do I apply for a scholarship?', { among: ['vi'] }), 'en')
  t.equal(detectLanguage('Как получить стипендию в университете?', { among: ['kk'] }), 'ru')
  t.equal(detectLanguage('Dove si trova la segreteria?', { among: ['en'] }), 'it')
})

t.test('Latin words: are not in a Cyrillic language of the collection', async t => {
  t.equal(detectLanguage('pool size', { among: ['ru'] }), 'en')
})

t.test('a language with a region: is its primary subtag', async t => {
  t.equal(detectLanguage('pool size', { among: ['en-GB'] }), 'en')
})

t.test('no letters: the fallback, or und', async t => {
  for (const text of ['', '42', '😀', '— ?']) {
    t.equal(detectLanguage(text), 'und')
    t.equal(detectLanguage(text, { fallback: 'ru' }), 'ru')
  }
})

t.test('any text: gets a tag, and und only without letters', async t => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => /^[a-z]{2,3}$/.test(detectLanguage(text))),
    { numRuns: 1000 },
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zа-я ]*[a-zа-я]$/u), text => detectLanguage(text) !== 'und'),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('a long document: is told by its beginning', async t => {
  t.equal(detectLanguage('The library is open every day for students. '.repeat(50_000)), 'en')
})

t.test('a letter that a language does without: rules it out', async t => {
  for (const text of [
    'Сколько картин Джон Шипшэнкс отдал музею?',
    'Какого типа сделка заключъается иногда?',
    'Каокой был финальный счет игры?',
  ]) {
    t.not(detectLanguage(text), 'be', text)
    t.not(detectLanguage(text), 'sr', text)
  }
})

t.test('a question in a language that the collection lacks: is read by the rules of one that it has', async t => {
  t.equal(readingLanguage('Каокой был счет', 'sr', ['ru']), 'ru')
  t.equal(readingLanguage('Каокой был счет', 'sr', ['en', 'ru']), 'ru')
  t.equal(readingLanguage('Dove si trova la segreteria?', 'it', ['en', 'ru']), 'en')
  t.equal(readingLanguage('Wo ist die Bibliothek der Universität?', 'nl', ['en', 'de']), 'de')
})

t.test('a question that no language of the collection fits: is read by its own rules', async t => {
  t.equal(readingLanguage('Как подать на стипендию?', 'ru', ['en']), 'ru')
  t.equal(readingLanguage('奖学金', 'zh', ['en', 'ru']), 'zh')
  t.equal(readingLanguage('Как подать', 'ru', []), 'ru')
  t.equal(readingLanguage('42', 'und', ['en']), 'und')
  t.equal(readingLanguage('How?', 'en-GB', ['en', 'it']), 'en')
})
