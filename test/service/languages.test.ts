import t from 'tap'
import { adminKey, anyWorld, skipReason, startApp, worlds, type App } from '../support/app.ts'
import { unitsOf } from '../support/corpus.ts'
import { startModel } from '../support/model.ts'
import { settingsFor } from '../support/model-settings.ts'
import { putDocuments, sportDocuments } from '../support/three-languages.ts'

/** Questions in another language than the documents, or typed in the letters of another. */

t.setTimeout(1_800_000)

const admin = { authorization: `Bearer ${adminKey}` }

/** The beginnings of words in the three languages, by what they mean: all that the embedding model of this test knows. */
const concepts: Readonly<Record<string, readonly string[]>> = {
  swim: ['бассейн', 'хауыз', 'pool', 'swim'],
  price: ['стоит', 'цена', 'қанша', 'баға', 'құн', 'cost', 'price', 'тысяч'],
  sauna: ['сауна', 'монша'],
  lost: ['потерян', 'забыт', 'жоғал', 'ұмыт', 'lost'],
  gym: ['жаттығу', 'тренаж', 'gym'],
  open: ['открыт', 'ашық', 'ашыл', 'open'],
  child: ['бала', 'ребен', 'дет', 'child', 'kid'],
  club: ['үйірме', 'кружок', 'гимнастик', 'gymnastic'],
  park: ['парков', 'тұрақ', 'parking', 'park'],
  keep: ['хранят', 'сақта', 'kept'],
}

/** Concepts, and a word of the language: real models place texts of one language nearer to each other, too. */
function meaning(text: string): string {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  const meant = words.flatMap(
    word => Object.entries(concepts).find(([, starts]) => starts.some(start => word.startsWith(start)))?.[0] ?? [],
  )
  const letters = /[әғқңөұүі]/.test(text) ? 'kazakhish' : /[а-я]/i.test(text) ? 'russianish' : 'latinish'
  return [...new Set(meant)].map(concept => `${concept} `.repeat(3)).join('') + letters
}

interface Asked {
  readonly language: string
  readonly abstained: boolean
  readonly answer: string
  readonly passages: readonly { readonly source: string; readonly language: string }[]
  readonly explain: { readonly question: { readonly text: string } | null; readonly abstained_because: string | null }
}

async function ask(app: App, question: string, own: object = {}): Promise<Asked> {
  const include = ['passages', 'explain']
  const { status, json } = await app.ask({ question, collection: 'sport', mode: 'fast', include, ...own }, admin)
  t.equal(status, 200)
  return json as Asked
}

async function load(app: App, only: readonly string[] = ['ru', 'kk', 'en']): Promise<void> {
  await putDocuments(
    app,
    'sport',
    sportDocuments.filter(([, language]) => only.includes(language)),
  )
  await unitsOf(app, admin)
}

for (const world of worlds)
  t.test(`documents in three languages and a model that reads them, ${world}`, { skip: skipReason(world) }, async t => {
    const model = await startModel(t, { embeddings: { meaning } })
    const app = await startApp(t, world, {
      ...settingsFor(model, 'multilingual-e5-small'),
      EMBEDDING_UNITS: 'on',
      SEMANTIC_CACHE: 'off',
      ABSTAIN_BELOW: '0',
    })
    await load(app)
    const embedded = () => model.embeddings.requests.flatMap(({ body }) => body.input).at(-1)

    await t.test('in other letters: answered as it was meant, and embedded so', async t => {
      for (const [typed, language, text, source] of [
        ['skolko stoit bassejn', 'ru', 'сколько стоит бассейн', 'ru-pool'],
        ['zhattygu zaly qashan ashyq', 'kk', 'жаттығу залы қашан ашық', 'kk-gym'],
        ['ult jnrhsnf cfeyf', 'ru', 'где открыта сауна', 'ru-sauna'],
      ] as const) {
        const reply = await ask(app, typed)
        t.equal(reply.language, language, typed)
        t.equal(reply.explain.question?.text, text)
        t.equal(embedded(), text)
        t.equal(reply.passages[0]?.source, source)
      }
    })

    await t.test('ordinary English, Italian and German questions: stay as they are', async t => {
      for (const [question, language] of [
        ['How much does parking cost for guests?', 'en'],
        ['Quanto costa il parcheggio per gli ospiti?', 'it'],
        ['Was kostet der Parkplatz für die Gäste?', 'de'],
      ] as const) {
        const reply = await ask(app, question)
        t.equal(reply.language, language)
        t.equal(reply.explain.question?.text, question)
        t.equal(embedded(), question)
      }
    })

    await t.test(
      'the answer is in a document in another language: it is found, and the reply is in the question’s',
      async t => {
        for (const [question, language, source] of [
          ['Хауыздың бағасы қанша?', 'kk', 'ru-pool'],
          ['Жоғалған заттар қайда сақталады?', 'kk', 'ru-lost'],
          ['Есть ли кружок для детей?', 'ru', 'kk-kids'],
          ['Сколько стоит парковка?', 'ru', 'en-parking'],
          ['Where are lost things kept?', 'en', 'ru-lost'],
        ] as const) {
          const reply = await ask(app, question)
          t.equal(reply.language, language, question)
          t.equal(reply.passages[0]?.source, source, question)
          const { messages } = model.chat.requests.at(-1)!.body
          const name = { kk: 'Kazakh', ru: 'Russian', en: 'English' }[language]
          t.match(JSON.stringify(messages[0]), `Write in ${name}, whatever the language of the passages`)
        }
      },
    )

    await t.test('the answer is in the question’s own language: others do not drown it', async t => {
      for (const [question, source] of [
        ['Когда открыта сауна?', 'ru-sauna'],
        ['Жаттығу залы қашан ашық?', 'kk-gym'],
        ['How much is parking for guests?', 'en-parking'],
      ] as const)
        t.equal((await ask(app, question)).passages[0]?.source, source, question)
    })

    await t.test('a language that the caller states: decides', async t => {
      t.match(await ask(app, 'bassejn', { language: 'ru' }), {
        language: 'ru',
        explain: { question: { text: 'бассейн' } },
      })
      t.match(await ask(app, 'skolko stoit bassejn', { language: 'en' }), {
        language: 'en',
        explain: { question: { text: 'skolko stoit bassejn' } },
      })
      t.match(await ask(app, 'Сколько стоит парковка?', { language: 'kk' }), { language: 'kk' })
    })

    await t.test('a follow-up in other letters: its history is read, too', async t => {
      const history = [
        { role: 'user', content: 'gde bassejn?' },
        { role: 'assistant', content: 'Бассейн на первом этаже.' },
      ]
      const reply = await ask(app, 'a skolko stoit', { history })
      t.equal(reply.passages[0]?.source, 'ru-pool')
    })
  })

t.test('a model that reads English only', { skip: skipReason(anyWorld) }, async t => {
  const model = await startModel(t, { embeddings: { meaning } })
  const settings = { ...settingsFor(model, 'multilingual-e5-small'), EMBEDDING_UNITS: 'on' }
  const app = await startApp(t, anyWorld, { ...settings, CHAT_MODEL: 'none', EMBEDDING_LANGUAGES: 'en' })
  await load(app, ['en'])

  await t.test('a question in another language: an abstention in that language, with the reason', async t => {
    const before = model.embeddings.requests.length
    const reply = await ask(app, 'Сколько стоит парковка?')
    t.ok(reply.abstained)
    t.equal(reply.answer, 'Я не нахожу этого в документах.')
    t.equal(reply.explain.abstained_because, 'other_language')
    t.equal(model.embeddings.requests.length, before, 'and nothing was embedded')
  })

  await t.test('a question in other letters: is abstained from in those of its language', async t => {
    await load(app, ['ru'])
    const reply = await ask(app, 'gde kupit hleb')
    t.match(reply, { abstained: true, language: 'ru', answer: 'Я не нахожу этого в документах.' })
  })
})
