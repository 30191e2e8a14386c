import t from 'tap'
import { anyWorld, startApp } from '../support/app.ts'
import { realModelsSkipReason, startRealModels } from '../support/real-models.ts'
import { parkDocuments, putDocuments } from '../support/three-languages.ts'

/** A real multilingual model over documents in three languages. */

t.setTimeout(1_800_000)

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

t.test(
  'a real multilingual model: the right document is among the first two, whatever its language',
  { skip: realModelsSkipReason() },
  async t => {
    const models = await startRealModels(t)
    const app = await startApp(t, anyWorld, models.embedding('multilingual-e5-small'))
    await putDocuments(app, 'park', parkDocuments)
    for (const [question, language, source] of questions) {
      const { json } = await app.send('POST', '/search', { collection: 'park', question, top_k: 2 })
      const found = (json.passages as readonly { readonly source: string }[]).map(each => each.source)
      t.ok(found.includes(source), `${question}: ${found.join(', ')}`)
      t.equal((await app.ask({ collection: 'park', question })).json.language, language, question)
    }
  },
)
