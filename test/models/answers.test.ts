import { fileURLToPath } from 'node:url'
import tap from 'tap'
import { anyWorld, databaseSettings } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { realModelsSkipReason, startRealModels } from '../support/real-models.ts'

tap.setTimeout(1_800_000)

const corpus = fileURLToPath(new URL('corpus', import.meta.url))

/** Floors with room to spare: a change of a question or two is chance, a change of many is a fault. */
const leastRight = 24
const mostFalse = 5

tap.test(
  'a small corpus in five languages, with a real multilingual model',
  { skip: realModelsSkipReason() },
  async t => {
    const models = await startRealModels(t)
    const env = { ...(await databaseSettings(t, anyWorld)), ...models.embedding('multilingual-e5-small') }
    const report = t.testdir({})
    const { code, json, stderr } = await runCli(['eval', '--answers', corpus, '--report', report, '--json'], { env })
    t.equal(code, 0, stderr)
    const [{ all, kinds, languages }] = json.sets

    await t.test(`at least ${leastRight} of 30 answers are right`, async t => {
      t.equal(all.answerable.questions, 30)
      t.ok(
        all.answerable.right.count >= leastRight,
        `${all.answerable.right.count} right; see ${report}/questions.jsonl`,
      )
    })
    await t.test(`at most ${mostFalse} of 15 questions without an answer get one, and none off topic`, async t => {
      t.equal(all.unanswerable.questions, 15)
      t.ok(all.unanswerable.false.count <= mostFalse, `${all.unanswerable.false.count} false`)
      t.ok(kinds.far.unanswerable.false.count <= 1, `${kinds.far.unanswerable.false.count} off topic`)
    })
    await t.test('in each language most answers cite the right document first', async t => {
      for (const language of ['en', 'it', 'kk', 'ru', 'vi'])
        t.ok(languages[language].answerable.citedFirst.value > 0.5, language)
    })
  },
)
