import t from 'tap'
import { analyze, indexTerms } from '../../../src/text/analyze.ts'
import { otherLettersOf, respelled, termsToKnow } from '../../../src/text/other-letters.ts'

/** Short documents of a small museum, by language. */
const documents: Readonly<Record<string, string>> = {
  ru: `Музей открыт ежедневно, кроме понедельника. Взрослый билет стоит две тысячи тенге, студенческий со скидкой. Заказать
    экскурсию можно по телефону. Гардероб бесплатный. Фотографировать без вспышки разрешено. Доставка сувениров почтой.`,
  kk: `Мұражай дүйсенбіден басқа күндері ашық. Билет құны екі мың теңге, оқушыларға жеңілдік бар. Экскурсияға алдын ала жазылыңыз.
    Сурет түсіруге рұқсат. Кітап дүкені бірінші қабатта. Балаларға арналған үйірме сенбі күні жұмыс істейді.`,
  en: `The museum is open every day except Monday. Guided tours can be booked online. A student ticket is cheaper than a ticket
    for adults. Bring your PIN. The cloakroom is free. Photography without flash is allowed.`,
  vi: `Bảo tàng mở cửa hằng ngày trừ thứ hai. Vé người lớn giá hai mươi nghìn đồng. Có thể chụp ảnh không dùng đèn.`,
}

function meant(text: string, among: readonly string[], given?: string) {
  const vocabulary = new Set(among.flatMap(language => indexTerms(analyze(documents[language]!, language))))
  const ways = otherLettersOf(text, { among, given })
  const known = new Set(termsToKnow(ways).filter(term => vocabulary.has(term)))
  return respelled(text, ways, known, given)
}

t.test('Russian in Latin letters: is read as Russian', async t => {
  for (const [typed, text] of [
    ['skolko stoit bilet?', 'сколько стоит билет?'],
    ['Skol’ko stoit studencheskiy bilet', 'сколько стоит студенческий билет'],
    ['mozhno li fotografirovat', 'можно ли фотографировать'],
    ['4to s dostavkoi', 'что с доставкой'],
    ['kak zakazat ekskursiyu po telefonu', 'как заказать экскурсию по телефону'],
  ] as const) {
    const read = meant(typed, ['ru', 'kk'])
    t.equal(read?.language, 'ru', typed)
    t.equal(read?.text, text)
  }
})

t.test('Kazakh in Latin letters: is read as Kazakh, by the old alphabets and as it is typed', async t => {
  for (const typed of ['muragai qashan ashyq', 'mūrajai qaşan aşyq', 'muzhrajai kashan ashyk', 'bilet quny qansha'])
    t.equal(meant(typed, ['ru', 'kk'])?.language, 'kk', typed)
  t.equal(meant('mūrajai qaşan aşyq', ['kk'])?.text, 'мұражай қашан ашық')
})

t.test('the wrong keyboard layout: is read as the other one', async t => {
  t.same(meant('crjkmrj cnjbn ,bktn', ['ru', 'en']), { text: 'сколько стоит билет', language: 'ru' })
  t.same(meant("rfr pfrfpfnm 'rcrehcb.", ['ru']), { text: 'как заказать экскурсию', language: 'ru' })
  t.same(meant('цруку шы еру ьгыугь', ['ru', 'en']), { text: 'where is the museum', language: 'en' })
})

t.test('a question that the documents do not answer: is still read, by its function words', async t => {
  t.same(meant('kak svarit plov', ['ru']), { text: 'как сварит плов', language: 'ru' })
  t.same(meant('gde kupit hleb', ['ru']), { text: 'где купит хлеб', language: 'ru' })
})

t.test('words that only the Latin documents have: stay as they are', async t => {
  t.equal(meant('skolko stoit PIN', ['ru', 'en'])?.text, 'сколько стоит PIN')
})

const ordinary: Readonly<Record<string, readonly string[]>> = {
  en: [
    'What is the museum’s phone number?',
    'How do I book a guided tour?',
    "What's the price of a student ticket?",
    'opening hours',
    'Can I take photos without flash?',
    'tickets for adults',
    'Do you post souvenirs abroad?',
    'museum bank account details',
    'pro plan',
    'Is there a nanny or a club for kids on Saturday?',
    'Tesla museum',
  ],
  it: [
    'Quanto costa il biglietto del museo?',
    'orari di apertura',
    'Posso fare foto senza flash?',
    'biglietto studenti',
  ],
  de: [
    'Wie viel kostet eine Karte?',
    'Öffnungszeiten des Museums',
    'Kann ich eine Führung buchen?',
    'Karte für Studenten',
  ],
  fr: ['Combien coûte le billet étudiant ?', 'Est-ce que le musée est ouvert le lundi ?', 'tarif étudiant'],
  es: ['¿Cuánto cuesta la entrada?', 'horario del museo', 'Se puede hacer fotos sin flash'],
  tr: ['Müze ne zaman açık?', 'Öğrenci bileti kaç para', 'Muze pazartesi acik mi'],
  vi: ['Vé người lớn giá bao nhiêu?', 've nguoi lon gia bao nhieu', 'bao tang mo cua khi nao', 'ai ban ve o dau'],
  pl: ['Ile kosztuje bilet ulgowy?', 'Czy można robić zdjęcia w muzeum?'],
}

for (const [language, questions] of Object.entries(ordinary))
  t.test(`ordinary questions in ${language}: stay as they are, whatever the collection has`, async t => {
    for (const among of [['ru'], ['ru', 'kk'], ['kk'], ['en', 'ru'], ['en', 'ru', 'vi', 'kk']])
      for (const text of questions) t.equal(meant(text, among), null, `${text} among ${among.join(', ')}`)
  })

t.test('questions in Cyrillic letters: stay as they are', async t => {
  for (const text of [
    'Сколько стоит билет?',
    'Мұражай қашан ашық?',
    'экскурсия',
    'где PIN код',
    'скока стоет белет',
    'Ціна квитка',
  ])
    for (const among of [['ru'], ['en', 'ru'], ['en', 'ru', 'vi', 'kk']]) t.equal(meant(text, among), null, text)
})

t.test(
  'without documents in Cyrillic letters, or with a language in Latin letters given: nothing is looked up',
  async t => {
    t.same(otherLettersOf('skolko stoit bilet', { among: ['en', 'vi'] }), [])
    t.same(otherLettersOf('skolko stoit bilet', { among: [] }), [])
    t.same(otherLettersOf('skolko stoit bilet', { among: ['ru'], given: 'en' }), [])
  },
)

t.test('the language that the caller states: decides where the words leave it open', async t => {
  t.equal(meant('bilet', ['en', 'ru', 'kk'], 'kk')?.language, 'kk')
  t.equal(meant('bilet', ['en', 'ru', 'kk'], 'ru')?.language, 'ru')
  t.equal(meant('How do I book a guided tour?', ['en', 'ru'], 'ru'), null)
})

t.test('function words of the language that a question seems to be in: nothing is looked up', async t => {
  for (const text of ['What is the price of a ticket for students?', 'Was kostet eine Karte für Studenten und Kinder?'])
    t.same(otherLettersOf(text, { among: ['ru', 'kk'] }), [], text)
})
