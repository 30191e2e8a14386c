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

t.test('words that say nothing: are in the most frequent language of the collection in their letters', async t => {
  t.equal(detectLanguage('orario biblioteca', { among: ['it', 'es'] }), 'it')
  t.equal(detectLanguage('tasse', { among: ['ru', 'it', 'es'] }), 'it')
  t.equal(readingLanguage('tasse', 'en', ['fr', 'it']), 'fr')
})

t.test('words in two scripts, and in capitals: are told as others are', async t => {
  const among = ['ru', 'kk']
  for (const [text, language] of [
    ['PIN код', 'ru'],
    ['SIM-карта қалай қосылады', 'kk'],
    ['SIM карта калай косылады', 'kk'],
    ['ГДЕ DOCKER ЛОГИ', 'ru'],
    ['КАК ПОПАСТЬ В МУЗЕЙ', 'ru'],
    ['ЖАТАҚХАНА ҚАЙДА', 'kk'],
    ['жатакхана кайда', 'kk'],
  ] as const)
    t.equal(detectLanguage(text, { among }), language, text)
})

t.test('Ukrainian and Bulgarian: are told by their letters, or where the collection has them', async t => {
  t.equal(detectLanguage('Де бібліотека', { among: ['ru', 'uk'] }), 'uk')
  t.equal(detectLanguage('Где библиотека', { among: ['ru', 'uk'] }), 'ru')
  t.equal(detectLanguage('къде е библиотеката', { among: ['ru', 'bg'] }), 'bg')
  t.equal(detectLanguage('сколько стоит', { among: ['ru', 'uk', 'bg'] }), 'ru')
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

t.test('a table in Markdown: is in the language of its words', async t => {
  const tables: Readonly<Record<string, string>> = {
    en: '| Item | Price |\n|---|---|\n| Tent | 249 |\n| Stove | 39 |',
    ru: '| Товар | Цена |\n|---|---|\n| Палатка | 249 |\n| Горелка | 39 |',
    de: '| Leistung | Preis |\n|---|---|\n| Anmeldung | 20 |\n| Bibliotheksausweis | 5 |\n| Mahngebühr | 3 |',
    fr: '| Jour | Heure |\n|---|---|\n| Lundi | 9:00 |\n| Mardi | 10:00 |',
    es: '| Día | Horario de apertura |\n|---|---|\n| Lunes | 9:00 |',
    tr: '| Gün | Saat |\n|---|---|\n| Pazartesi | 9 |\n| Salı | 10 |',
    it: '| Servizio | Costo |\n|---|---|\n| Iscrizione agli esami | 20 |',
    vi: '| Phí | Số tiền |\n|---|---|\n| Học phí | 200 |',
    ja: '| 曜日 | 時間 |\n|---|---|\n| 月曜日 | 9:00 |\n| ください | 1 |',
  }
  for (const [language, table] of Object.entries(tables)) t.equal(detectLanguage(table), language, table)
})

t.test('words without a mark are not in a language that is full of marks', async t => {
  // The library takes "labs" for Latvian.
  t.equal(
    detectLanguage(
      'Hours of the labs\n| Lab | Hours Weekdays | Hours Weekend |\n| Chemistry | 9–18 | closed |\n| Physics | 10 | 12 |',
    ),
    'en',
  )
  t.equal(detectLanguage('kiek kainuoja bilietas i muzieju ir kada jis dirba', { among: ['lt'] }), 'lt')
})

t.test('a few words without a function word are in the language of the collection', async t => {
  // The library takes the names for Danish, which they are.
  t.equal(detectLanguage('| Port | High water |\n| Skagen | 4:10 |\n| Esbjerg | 5:20 |', { among: ['en'] }), 'en')
  t.equal(detectLanguage('Wann ist die Bibliothek offen?', { among: ['en'] }), 'de')
})

t.test('addresses, code and identifiers: say nothing about the language', async t => {
  t.equal(detectLanguage('See https://example.com/pages/docs/en/welcome\nОткройте страницу'), 'ru')
  t.equal(detectLanguage('```js\nconst x = await fetch(url)\n```\nСкачайте файл и запустите его.'), 'ru')
  t.equal(detectLanguage('| ERR_CONN_42 | 0x80070005 |\n| HB-2041 | pump |'), 'en')
})

t.test('a list of names: is in the likeliest language of its script, or that of the collection', async t => {
  t.equal(detectLanguage('Иванов Пётр, Ахметов Серик, Ким Анна'), 'ru')
  t.equal(detectLanguage('Ахметов Серік, Қалиева Әйгүл'), 'kk')
  t.equal(detectLanguage('| Name | Phone |\n| Anna Rossi | 123 |\n| Marco Bianchi | 456 |', { among: ['it'] }), 'it')
})

t.test('Russian that quotes Kazakh words is Russian, and the reverse is Kazakh', async t => {
  const quoting =
    'Оқу ақысы 1 500 000 теңге. Оплата производится до 1 сентября каждого года по реквизитам университета.'
  t.equal(detectLanguage(quoting), 'ru')
  t.equal(
    detectLanguage('Стипендия 30 маусымға дейін төленеді. Құжаттар тізімі төменде келтірілген. Смотрите сайт.'),
    'kk',
  )
})

t.test('runs of thousands of letters without a space are no work: fifty of them end in time', async t => {
  for (let i = 0; i < 50; i++) t.equal(detectLanguage('ก'.repeat(8000 - i)), 'th')
})
