import { fileURLToPath } from 'node:url'
import tap, { type Test } from 'tap'
import { anyWorld, databaseSettings, startApp, type App } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { realModelsSkipReason, startRealModels } from '../support/real-models.ts'

tap.setTimeout(1_800_000)

const docs = fileURLToPath(new URL('corpus/docs', import.meta.url))

tap.test('a real multilingual model', { skip: realModelsSkipReason() }, async t => {
  const models = await startRealModels(t)
  const [named, unnamed] = [await serviceWith(t, 'multilingual-e5-small'), await serviceWith(t, 'any-other-name')]

  async function serviceWith(t: Test, model: string): Promise<App> {
    const settings = { ...(await databaseSettings(t, anyWorld)), ...models.embedding(model) }
    const loaded = await runCli(['ingest', docs], { env: settings })
    t.equal(loaded.code, 0, loaded.stderr)
    return await startApp(t, anyWorld, settings)
  }

  await t.test('answers the same whatever its name is', async t => {
    const questions = [
      'When is the last ferry in winter?',
      'Whom do I ring when my bike has a puncture?',
      'Что будет, если небо затянуто облаками?',
      'Қыш шеберханасында бір сабақ қанша тұрады?',
      'Học phí lớp nấu ăn bao nhiêu?',
      'Quanto costa la visita al vigneto?',
      'Which company insured the Hindenburg airship?',
      'Как оформить загранпаспорт ребёнку?',
      'Nhà nghỉ có hồ bơi không?',
    ]
    for (const question of questions) {
      const body = { question, include: ['explain'] }
      const [one, other] = await Promise.all([named.ask(body), unnamed.ask(body)])
      t.same([one.status, one.json.degraded, other.json.degraded], [200, [], []])
      t.same(spoken(other.json), spoken(one.json), question)
      t.type(one.json.explain.confidence, 'number')
      // Not by chance: the vectors have the same say in it.
      for (const figure of ['vector_share', 'confidence'] as const) {
        const [a, b] = [one.json.explain[figure], other.json.explain[figure]]
        t.ok(a === b || Math.abs(a - b) < 0.01, `${question} ${figure}: ${a} and ${b}`)
      }
    }
  })

  await t.test('finds documents in other languages than the question', async t => {
    const cases = [
      ['Сколько весит паровоз в железнодорожном музее?', 'museum.md'],
      ['По каким дням обжигают глину в гончарной мастерской?', 'pottery.md'],
      ['Сколько стоит месячный проездной на паром?', 'ferry.md'],
      ['Какой залог за прокат велосипеда?', 'bicycles.md'],
    ] as const
    for (const [question, document] of cases) {
      const { json } = await named.send('POST', '/search', { question, top_k: 5 })
      const sources = json.passages.map(({ source }: { source: string }) => source)
      t.ok(
        sources.some((source: string) => source.endsWith(document)),
        `${question} ${document} among ${sources}`,
      )
    }
  })
})

/** What a caller sees of an answer, apart from ids and times. */
function spoken({ answer, abstained, language, citations }: Reply) {
  return { answer, abstained, language, quotes: citations.map(({ title, quote }) => [title, quote]) }
}

interface Reply {
  readonly answer: string
  readonly abstained: boolean
  readonly language: string
  readonly citations: readonly { readonly title: string; readonly quote: string }[]
}
