import tap, { type Test } from 'tap'
import {
  adminKey,
  anyWorld,
  databaseSettings,
  eitherWorld,
  skipReason,
  startApp,
  worlds,
  type World,
} from '../support/app.ts'
import { runCli, startCli } from '../support/cli.ts'
import { contentsOf, inDatabase, type Contents } from '../support/contents.ts'
import { startModel, type Model } from '../support/model.ts'
import { settingsFor } from '../support/model-settings.ts'
import { until } from '../support/until.ts'

type Settings = Readonly<Record<string, string>>

const russian = 500

/** English for the local model, Russian that only the second model reads, and a chunk of nothing but code. */
function corpus() {
  const rows = Array.from({ length: russian }, (_, i) => ({
    id: `r${i}`,
    title: `Вопрос ${i}`,
    text: `Ответ номер ${i}: кабинет ${i % 13}.`,
  }))
  return {
    'rows.jsonl': rows.map(row => JSON.stringify(row)).join('\n'),
    'library.md': '# Library\n\nThe library lends books for thirty days.',
    'code.md': '```sh\nnpm ci\nnpm test\n```\n',
  }
}

type Loaded = Awaited<ReturnType<typeof loaded>>

/** The collection as the local model left it, and a second model. */
async function loaded(t: Test, world: World) {
  const model = await startModel(t)
  const local = await databaseSettings(t, world)
  const cwd = t.testdir(corpus())
  t.match(await runCli(['ingest', 'rows.jsonl', 'library.md', 'code.md'], { cwd, env: local }), { code: 0 })
  return { model, local, second: { ...local, ...settingsFor(model, 'test-embedding'), EMBEDDING_UNITS: 'on' }, cwd }
}

async function vectorsIn(env: Settings) {
  const { vectors, statistics } = await inDatabase(env, sql => contentsOf(sql))
  return {
    models: [...new Set(vectors.map(vector => (vector as { model: string }).model))],
    count: vectors.length,
    counts: statistics.counts,
  }
}

/** What a load by the second model from the start leaves, in either world; versions and titles are not compared. */
let fresh: Omit<Contents, 'documents'>

tap.test('a load by the second model', async t => {
  const { documents: _, ...stored } = await freshly(t)
  fresh = stored
})

for (const world of worlds) {
  tap.test(`askwell reembed, ${world}`, { skip: skipReason(world) }, async t => {
    const collection = await loaded(t, world)
    const { model, local, second } = collection

    await t.test('Ctrl-C, then kill -9: the old vectors are in use until all new ones are there', async t => {
      for (const signal of ['SIGINT', 'SIGKILL'] as const) {
        await stopped(t, second, model, signal)
        const left = await inDatabase(
          local,
          sql =>
            sql`select model_id from collections join embedding_models m on m.id = model_id where m.name = 'use-lite-en'`,
        )
        t.equal(left.length, 1, `${signal}: still the old model's`)
      }
    })

    await t.test('the next run finishes it: every chunk has vectors of the new model, none of the old', async t => {
      const { code, json, stdout } = await runCli(['reembed', '--json'], { env: second })
      t.equal(code, 0)
      t.match(json, { collection: 'default', model: 'test-embedding' })
      t.ok(json.chunks > 0 && json.chunks < russian, `goes on where it was: ${stdout}`)
      t.match(await vectorsIn(local), {
        models: ['test-embedding'],
        count: russian + 2,
        counts: { model: 'test-embedding' },
      })
      const { documents, ...stored } = await inDatabase(second, sql => contentsOf(sql))
      t.equal(documents.length, russian + 2)
      t.strictSame(stored, fresh, 'as if the new model had loaded it all')
      t.match((await runCli(['reembed', '--json'], { env: second })).json, { chunks: 0 }, 'once more: nothing to do')
    })

    if (eitherWorld.includes(world)) await inEitherWorld(t, world, collection)
  })
}

/** What does not depend on the kind of database. */
async function inEitherWorld(t: Test, world: World, { model, local, second, cwd }: Loaded): Promise<void> {
  await t.test('the service starts with the new model, and documents that are written now get its vectors', async t => {
    const app = await startApp(t, world, second)
    const documents = [{ source: 'new.md', text: 'Новый корпус откроют весной.' }]
    t.equal((await app.send('PUT', '/documents', { documents }, { authorization: `Bearer ${adminKey}` })).status, 200)
    const { json } = await app.ask({ question: 'Когда откроют новый корпус?', include: ['passages'] })
    t.equal(json.passages[0].source, 'new.md')
    await app.stop()
  })

  await t.test(
    'back to the local model: what it cannot read has no vectors, and that is no reason to go on for ever',
    async t => {
      t.match(await runCli(['reembed'], { env: local }), {
        code: 0,
        stdout: /^default: \d+ chunks re-embedded, and the units of \d+ chunks? embedded with use-lite-en\n$/,
      })
      t.match(await vectorsIn(local), { models: ['use-lite-en'] })
    },
  )

  await t.test(
    'another EMBEDDING_MODEL than the vectors have: no start and no loading, and the way out is named',
    async t => {
      const advice =
        /^askwell: The vectors of collection "default" were made by "local", but EMBEDDING_MODEL is "test-embedding": set EMBEDDING_MODEL=local, or rebuild them with: askwell reembed --collection default\n$/
      const [serve, ingest] = [
        await runCli(['serve'], { env: { ...second, PORT: '0', LOG_LEVEL: 'silent' } }),
        await runCli(['ingest', 'library.md'], { cwd, env: second }),
      ]
      t.match(serve, { code: 1, stdout: '', stderr: advice })
      t.match(ingest, { code: 1, stdout: '', stderr: advice })
      t.strictSame((await vectorsIn(local)).models, ['use-lite-en'])
    },
  )

  await t.test('a collection that is not there, and vectors of another length: said in a line', async t => {
    t.match(await runCli(['reembed', '-c', 'nowhere'], { env: local }), {
      code: 1,
      stderr: 'askwell: there is no collection "nowhere"\n',
    })
    const other = {
      ...local,
      EMBEDDING_DIMENSIONS: '64',
      EMBEDDING_MODEL: 'test-embedding',
      OPENAI_BASE_URL: model.url,
      CHAT_MODEL: 'none',
    }
    t.match(
      await runCli(['ingest', 'library.md', '-c', 'small'], { cwd, env: other }),
      { code: 0 },
      'no vectors of the first length are left, so a new length is no fault',
    )
    const { stderr, code } = await runCli(['ingest', 'library.md', '-c', 'third'], { cwd, env: second })
    t.equal(code, 1)
    t.match(stderr, /"test-embedding" made vectors of 64 numbers before and makes 256 now: set EMBEDDING_DIMENSIONS=64/)
    t.match(await runCli(['reembed'], { env: second }), { code: 0 }, 'the length of today is what is wanted')
    t.match(await runCli(['ingest', 'library.md', '-c', 'small'], { cwd, env: second }), {
      code: 1,
      stderr:
        /makes vectors of another length than when collection "small" was loaded.*askwell reembed --collection small/,
    })
  })
}

/** A run that is ended when it has written something and has something left. */
async function stopped(t: Test, env: Settings, model: Model, signal: NodeJS.Signals): Promise<void> {
  const before = model.embeddings.requests.length
  // One call for the vectors' length. The calls of the first batch grow; that of the third does not come before the first
  // is written.
  const { child, finished } = startCli(['reembed'], { env })
  await until('the third batch is under way', () => model.embeddings.requests.length >= before + 8, {
    ended: finished,
    progress: () => model.embeddings.requests.length,
  })
  model.embeddings.behave({ silent: true })
  child.kill(signal)
  const { code, stdout, stderr } = await finished
  model.embeddings.behave({})
  t.equal(stdout, '')
  if (signal === 'SIGINT')
    t.match(
      { code, stderr },
      { code: 130, stderr: /stopping after this batch; run the same command again to finish\n/ },
    )
}

async function freshly(t: Test): Promise<Contents> {
  const env = {
    ...(await databaseSettings(t, anyWorld)),
    ...settingsFor(await startModel(t), 'test-embedding'),
    EMBEDDING_UNITS: 'on',
  }
  t.match(await runCli(['ingest', 'rows.jsonl', 'library.md', 'code.md'], { cwd: t.testdir(corpus()), env }), {
    code: 0,
  })
  return await inDatabase(env, sql => contentsOf(sql))
}
