import t from 'tap'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'

/** Follow-ups without a language model, new subjects after a conversation, and questions with a story around them. */

t.setTimeout(1_800_000)

const admin = { authorization: `Bearer ${adminKey}` }

const texts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  en: {
    pool: 'The swimming pool is in the basement of the sports hall. A visit to the pool costs 4 euros. In winter the pool closes at six in the evening.',
    dormitory:
      'The dormitory stands behind the main building. A room in the dormitory costs 90 euros a month. In winter the dormitory is heated from seven.',
    library:
      'The library lends books for thirty days. A card of the library costs nothing. In winter the library opens at ten in the morning.',
  },
  ru: {
    military:
      'Военная кафедра готовит офицеров запаса. Обучение на военной кафедре стоит 420 000 тенге за курс. Медицинскую комиссию проходят осенью.',
    dormitory:
      'Общежитие находится за главным корпусом. Место в общежитии стоит 12 000 тенге в месяц. Заявление подают в августе.',
    library: 'Библиотека выдаёт книги на тридцать дней. Потерянная книга стоит три цены. Зал открыт до полуночи.',
  },
  kk: {
    dormitory:
      'Жатақхана бас ғимараттың артында орналасқан. Жатақхана айына 12 000 теңге тұрады. Өтінішті тамызда тапсырады.',
    pool: 'Бассейн спорт кешенінің төменгі қабатында. Бассейнге бір рет кіру 900 теңге тұрады. Дүйсенбіде бассейн жабық.',
    library:
      'Кітапхана кітапты отыз күнге береді. Жоғалған кітап үш еселік бағамен өтеледі. Оқу залы түнге дейін ашық.',
  },
  vi: {
    library:
      'Thư viện cho mượn sách ba mươi ngày. Thẻ thư viện được cấp miễn phí. Thứ bảy thư viện mở cửa lúc chín giờ.',
    pool: 'Bể bơi nằm ở tầng hầm nhà thi đấu. Vé vào bể bơi giá 50 nghìn đồng. Thứ bảy bể bơi đóng cửa lúc sáu giờ.',
    dormitory:
      'Ký túc xá nằm sau tòa nhà chính. Một phòng ký túc xá giá hai triệu đồng một tháng. Đơn đăng ký nộp vào tháng tám.',
  },
  it: {
    pool: 'La piscina si trova nel seminterrato della palestra. Un ingresso in piscina costa 4 euro. Per gli studenti la piscina costa 2 euro.',
    museum:
      'Il museo si trova nella piazza del mercato. Un biglietto del museo costa 9 euro. Per gli studenti il museo costa 5 euro.',
    library:
      'La biblioteca presta i libri per trenta giorni. La tessera della biblioteca è gratuita. La sala chiude a mezzanotte.',
  },
}

interface Case {
  readonly language: string
  /** Turns before, of the asker and the assistant by turns. */
  readonly before: readonly string[]
  readonly question: string
  readonly answer: RegExp
}

const followUps: readonly Case[] = [
  {
    language: 'en',
    before: ['Where is the swimming pool?', 'In the basement.'],
    question: 'How much is it?',
    answer: /4 euros/,
  },
  {
    language: 'en',
    before: [
      'Where is the swimming pool?',
      'In the basement.',
      'What does it cost?',
      '4 euros.',
      'Thanks!',
      'Welcome!',
    ],
    question: 'And in winter?',
    answer: /pool closes at six/,
  },
  {
    language: 'ru',
    before: ['Есть ли у вас военная кафедра?', 'Да, есть.'],
    question: 'А сколько она стоит?',
    answer: /420 000/,
  },
  {
    language: 'kk',
    before: ['Бассейн қайда орналасқан?', 'Төменгі қабатта.'],
    question: 'Ал ол қанша тұрады?',
    answer: /900/,
  },
  {
    language: 'vi',
    before: ['Thư viện cho mượn sách bao lâu?', 'Ba mươi ngày.'],
    question: 'Còn thứ bảy?',
    answer: /thư viện mở cửa lúc chín giờ/,
  },
  { language: 'it', before: ['Quanto costa il museo?', '9 euro.'], question: 'E per gli studenti?', answer: /5 euro/ },
]

const newSubjects: readonly Case[] = [
  {
    language: 'en',
    before: ['What does a room in the dormitory cost?', 'A room in the dormitory costs 90 euros a month.'],
    question: 'Where is the pool?',
    answer: /pool is in the basement/,
  },
  {
    language: 'ru',
    before: ['Сколько стоит место в общежитии?', 'Место в общежитии стоит 12 000 тенге в месяц.'],
    question: 'Выдаёт ли книги библиотека?',
    answer: /Библиотека выдаёт/,
  },
  {
    language: 'kk',
    before: ['Жатақхана қанша тұрады?', 'Айына 12 000 теңге.'],
    question: 'Кітапхана кітап береді ме?',
    answer: /отыз күнге/,
  },
  {
    language: 'vi',
    before: ['Một phòng ký túc xá giá bao nhiêu?', 'Hai triệu đồng một tháng.'],
    question: 'Bể bơi nằm ở đâu?',
    answer: /tầng hầm/,
  },
  {
    language: 'it',
    before: ['Quanto costa un ingresso in piscina?', '4 euro.'],
    question: 'Dove si trova il museo?',
    answer: /piazza del mercato/,
  },
]

const stories: readonly Case[] = [
  {
    language: 'en',
    before: [],
    question:
      'Hi, my name is Laura and I moved to the town last year with my husband and our two dogs, who are a little old by now. We like the market, and a neighbour told us so much about your rooms that I walked by in the rain. What does a room in the dormitory cost? Thank you very much, we are all grateful!',
    answer: /90 euros/,
  },
  {
    language: 'ru',
    before: [],
    question:
      'Здравствуйте! Меня зовут Анна, я приехала из маленького города вместе с мамой и младшим братом. Мы долго искали квартиру, потом брат заболел, и я целую неделю бегала по аптекам, а подруга сказала, что лучше написать вам. Сколько стоит место в общежитии?',
    answer: /12 000/,
  },
  {
    language: 'vi',
    before: [],
    question:
      'Xin chào, tôi tên là Hương, năm ngoái tôi cùng chồng và hai con nhỏ chuyển về đây sống. Hàng xóm rất tốt bụng, cuối tuần chúng tôi hay đi chợ và đi dạo bên bờ sông, trời mưa suốt nên chưa đi được. Vé vào bể bơi giá bao nhiêu?',
    answer: /50 nghìn đồng/,
  },
]

async function answerOf(app: App, { language, before, question }: Case): Promise<string> {
  const history = before.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))
  const { status, json } = await app.ask({
    collection: language,
    question,
    language,
    ...(before.length > 0 && { history }),
  })
  return status === 200 && !json.abstained ? json.answer.split('\n')[0] : `${status}: ${json.answer}`
}

for (const world of worlds) {
  t.test(`conversations, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)
    for (const [language, documents] of Object.entries(texts)) {
      const { status } = await app.send(
        'PUT',
        '/documents',
        {
          collection: language,
          documents: Object.entries(documents).map(([source, text]) => ({ source, title: source, text, language })),
        },
        admin,
      )
      t.equal(status, 200)
    }

    await t.test('a follow-up is about what was asked before it', async t => {
      for (const each of followUps) t.match(await answerOf(app, each), each.answer, each.question)
    })

    await t.test('a new subject is not dragged into the old one', async t => {
      for (const each of newSubjects) t.match(await answerOf(app, each), each.answer, each.question)
    })

    await t.test('a story is answered by the question in it', async t => {
      for (const each of stories) t.match(await answerOf(app, each), each.answer, each.question.slice(-60))
    })

    await t.test('a story without an answer in the documents has none', async t => {
      const story = stories[0]!.question.replace(
        /What does a room in the dormitory cost\?/,
        'How do I renew a driving licence abroad?',
      )
      t.match(await answerOf(app, { ...stories[0]!, question: story }), /I can't find that/)
    })

    await t.test('the explanation has what was compared by meaning', async t => {
      const history = [{ role: 'user', content: 'Where is the swimming pool?' }]
      const { json } = await app.ask(
        { collection: 'en', question: 'And in winter?', history, include: ['explain'] },
        admin,
      )
      t.match(json.explain.question, {
        text: 'And in winter?',
        compared_as: 'Where is the swimming pool? And in winter?',
        rewritten: false,
      })
    })
  })
}
