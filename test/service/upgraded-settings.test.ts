import tap from 'tap'
import { similarityRange, vectorWeight } from '../../src/ask/retrieval/weights.ts'
import { askedCollection } from '../../src/wiring/pipeline.ts'
import { adminKey, anyWorld, databaseSettings, skipReason, startApp, type App } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { inDatabase } from '../support/contents.ts'
import { startModel } from '../support/model.ts'
import { settingsFor } from '../support/model-settings.ts'
import { makeDatabaseOf020 } from '../support/old-schema.ts'
import { until } from '../support/until.ts'

/** What becomes of settings and of what was learned when 0.2.0 is upgraded: docs/guides/answers.md, "After an upgrade". */

const asAdmin = { authorization: `Bearer ${adminKey}` }
const signal = new AbortController().signal

const collectionIn = async (app: App) => (await app.send('GET', '/collections', undefined, asAdmin)).json.collections[0]

tap.test('a deployment of 0.2.0 with a learned weight and thresholds', { skip: skipReason(anyWorld) }, async t => {
  const env = { ...(await databaseSettings(t, anyWorld)), EMBEDDING_MODEL: 'local', CHAT_MODEL: 'none' }
  await makeDatabaseOf020(env)
  await inDatabase(
    env,
    sql =>
      sql`insert into fusion_weights (model, language, vector_weight, questions) values ('use-lite-en', 'en', 0.9, 50)`,
  )
  const app = await startApp(t, anyWorld, {
    ...env,
    ABSTAIN_BELOW: '0.38',
    EMBEDDING_LANGUAGES: 'ru',
    CALIBRATION: 'on',
  })
  const question = { question: 'How long are books lent?', include: ['explain'] }

  await t.test('ABSTAIN_BELOW is a confidence now', async t => {
    const { answer, explain } = (await app.ask(question)).json
    t.match(answer, /thirty days/)
    t.equal(explain.confidence_threshold, 0.38)
    t.ok(explain.confidence >= 0.38)
    const far = (await app.ask({ question: 'What do volcanoes eat for breakfast on Mars?', include: ['explain'] })).json
    t.equal(far.abstained, true)
    t.ok(far.explain.confidence < 0.38)
  })

  await t.test('the learned weight goes before what is measured, and keeps its effect', async t => {
    await until('it is calibrated', async () => (await collectionIn(app)).calibration)
    const { store, models } = app.deps
    const collection = (await askedCollection(store, models, 'default', signal))!
    const { span } = similarityRange(models.embedder, 'en', collection.calibration)
    const weight = vectorWeight(models.embedder, 'en', collection)
    t.ok(Math.abs(weight - (0.9 * span) / 0.4) < 1e-6, 'it was learned where 0.4 was the span')
    t.not(weight, collection.calibration?.vectorWeights['en'])
  })

  await t.test('EMBEDDING_LANGUAGES says nothing about the bundled model, as ever', async t => {
    t.ok((await app.ask({ ...question, question: 'How long may I keep a book?' })).json.explain.vector_share > 0)
  })

  await t.test('its documents get units by themselves', async t => {
    await until('nothing is missing', async () => (await collectionIn(app)).unit_state === 'complete')
    t.ok((await collectionIn(app)).unit_chunk_count > 0)
  })
})

tap.test('EMBEDDING_LANGUAGES of a model behind an API, and what follows when it is removed', async t => {
  const model = await startModel(t)
  const env = { ...(await databaseSettings(t, anyWorld)), ...settingsFor(model, 'test-embedding'), CALIBRATION: 'off' }
  const cwd = t.testdir({ 'lamp.md': 'The lamp burns at night.', 'лампа.md': 'Лампа горит каждую ночь у входа.' })
  const limited = { ...env, EMBEDDING_LANGUAGES: 'en' }
  t.match(await runCli(['ingest', '.'], { env: limited, cwd }), { code: 0, stdout: /2 chunks written/ })
  const embedded = () =>
    inDatabase(env, sql => sql`select c.language from chunk_vectors v join chunks c on c.id = v.chunk_id order by 1`)
  t.same(
    [...(await embedded())].map(row => row['language']),
    ['en'],
  )
  t.match(await runCli(['reembed', '--json'], { env: limited }), { json: { chunks: 0 } }, 'it goes before everything')
  t.match(await runCli(['reembed', '--json'], { env }), { json: { chunks: 1 } }, 'what it left out gets vectors')
  t.same(
    [...(await embedded())].map(row => row['language']),
    ['en', 'ru'],
  )
})
