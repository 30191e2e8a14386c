import t from 'tap'
import { adminKey, anyWorld, startApp, type App } from '../support/app.ts'
import { realModelsSkipReason, startRealModels } from '../support/real-models.ts'

/** A real multilingual model over documents in three languages. */

t.setTimeout(1_800_000)

const admin = { authorization: `Bearer ${adminKey}` }

const documents = [
  [
    'ru-boat',
    'ru',
    'Прокат лодок',
    'Прокат лодки стоит 3000 тенге в час. Залог не нужен, достаточно удостоверения личности.',
  ],
  [
    'ru-camp',
    'ru',
    'Палатки',
    'Палатки можно ставить только на северном берегу. Костры разрешены в отведённых местах.',
  ],
  ['ru-dogs', 'ru', 'Собаки', 'С собаками в парк пускают на поводке. На пляж их приводить нельзя.'],
  ['ru-season', 'ru', 'Сезон', 'Парк открыт с мая по сентябрь. Зимой дороги закрыты из-за лавин.'],
  ['kk-bus', 'kk', 'Автобус', 'Автобус вокзалдан саябаққа күн сайын таңғы тоғызда шығады. Жол екі сағатқа созылады.'],
  ['kk-fish', 'kk', 'Балық аулау', 'Балық аулау үшін рұқсат қағаз керек. Оны қақпадағы дүкеннен сатып алады.'],
  ['kk-guide', 'kk', 'Жолбасшы', 'Тауға жолбасшымен ғана шығуға болады. Топта он адамнан аспауы керек.'],
  ['en-water', 'en', 'Drinking water', 'Water from the springs is safe to drink. Boil what you take from the lake.'],
  ['en-rescue', 'en', 'Rescue', 'The rescue service has its hut at the foot of the glacier. In an emergency call 112.'],
] as const

const questions = [
  ['Қайық жалға алу қанша тұрады?', 'kk', 'ru-boat'],
  ['Итпен келуге бола ма?', 'kk', 'ru-dogs'],
  ['Where may I put up a tent?', 'en', 'ru-camp'],
  ['Во сколько отправляется автобус?', 'ru', 'kk-bus'],
  ['Do I need a permit to fish?', 'en', 'kk-fish'],
  ['Можно ли пить воду из озера?', 'ru', 'en-water'],
  ['Когда открыт парк?', 'ru', 'ru-season'],
  ['Тауға жалғыз шығуға бола ма?', 'kk', 'kk-guide'],
  ['Where is the rescue hut?', 'en', 'en-rescue'],
  ['skolko stoit lodka', 'ru', 'ru-boat'],
  ['avtobus qashan shygady', 'kk', 'kk-bus'],
] as const

async function load(app: App): Promise<void> {
  const body = documents.map(([source, language, title, text]) => ({ source, language, title, text }))
  const { status } = await app.send('PUT', '/documents', { collection: 'park', documents: body }, admin)
  t.equal(status, 200)
}

t.test(
  'a real multilingual model: the right document is among the first two, whatever its language',
  { skip: realModelsSkipReason() },
  async t => {
    const models = await startRealModels(t)
    const app = await startApp(t, anyWorld, models.embedding('multilingual-e5-small'))
    await load(app)
    for (const [question, language, source] of questions) {
      const { json } = await app.send('POST', '/search', { collection: 'park', question, top_k: 2 })
      const found = (json.passages as readonly { readonly source: string }[]).map(each => each.source)
      t.ok(found.includes(source), `${question}: ${found.join(', ')}`)
      t.equal((await app.ask({ collection: 'park', question })).json.language, language, question)
    }
  },
)
