import t, { type Test } from 'tap'
import { adminKey, anyWorld, databaseSettings, startApp } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { contentsOf, inDatabase } from '../support/contents.ts'
import { startSlowEmbeddings } from '../support/slow-embeddings.ts'
import { until } from '../support/until.ts'

/** The provider changes the embedding model behind its name. */

const subjects = ['botany', 'chess', 'geology', 'history', 'music', 'optics', 'poetry', 'sailing']

async function loaded(t: Test) {
  const server = await startSlowEmbeddings(t)
  const rows = subjects.map((subject, i) => ({
    source: subject,
    title: `Shelf of ${subject}`,
    text: `Books about ${subject} are on floor ${i} of the library, next to the stairs.`,
  }))
  const cwd = t.testdir({
    'shelves.jsonl': rows.map(row => JSON.stringify(row)).join('\n'),
    'new.md': '# Shelf of astronomy\n\nBooks about astronomy are under the roof of the library.',
  })
  const env = {
    ...(await databaseSettings(t, anyWorld)),
    OPENAI_BASE_URL: server.url,
    OPENAI_API_KEY: 'none',
    CHAT_MODEL: 'none',
    EMBEDDING_MODEL: 'provided',
    EMBEDDING_UNITS: 'off',
    EMBEDDING_CHECK_MINUTES: '30',
    ADMIN_API_KEY: adminKey,
  }
  const run = (...args: string[]) => runCli(args, { cwd, env })
  t.match(await run('ingest', 'shelves.jsonl'), { code: 0, stdout: /8 added/ })
  return { server, env, run }
}

async function vectorsIn(env: Record<string, string>) {
  const { vectors } = await inDatabase(env, sql => contentsOf(sql))
  return vectors.length
}

const question = { question: 'On which floor are books about chess?' }

t.test('a model that means something else under the same name', async t => {
  const { server, env, run } = await loaded(t)
  const app = await startApp(t, anyWorld, env)
  const headers = { authorization: `Bearer ${adminKey}` }
  const before = await app.ask(question)
  t.match(before.json, { degraded: [] })

  server.seed = 'another'
  const refused = await run('ingest', 'new.md')
  t.not(refused.code, 0)
  t.match(
    refused.stderr,
    /vectors that mean something else \(similarity -?0\.\d\d instead of 1\.00 for 5 stored texts\)/,
  )
  t.match(refused.stderr, 'askwell reembed --collection default')
  t.equal(await vectorsIn(env), 8, 'none was added')

  const put = await app.send(
    'PUT',
    '/documents',
    { documents: [{ source: 'astronomy', text: 'Books about astronomy are under the roof.' }] },
    headers,
  )
  t.match(put, { status: 409, json: { code: 'model_mismatch', detail: /askwell reembed --collection default/ } })
  const words = await until('questions are answered by words alone', async () => {
    const reply = await app.ask(
      { question: 'On which floor are books about geology?' },
      { 'cache-control': 'no-cache' },
    )
    return reply.json.degraded.includes('embeddings') && reply
  })
  t.match(words.json.citations[0].quote, /geology/)
  const found = await until('the monitoring says it', async () => {
    const { json } = await app.send('GET', '/monitoring/performance-metrics', undefined, headers)
    return json.findings.find(({ code }: { code: string }) => code === 'embedding-model-changed')
  })
  t.match(found, { severity: 'warning', detail: /those of 1 collection/ })

  const again = await run('reembed')
  t.match(again, { code: 0, stdout: /8 chunks re-embedded/ }, again.stderr)
  await until('questions are answered by vectors again', async () => {
    const reply = await app.ask(question, { 'cache-control': 'no-cache' })
    return reply.json.degraded.length === 0
  })
  t.match(await run('ingest', 'new.md'), { code: 0, stdout: /1 added/ })
  const contents = await inDatabase(env, sql => contentsOf(sql))
  const models = new Set(contents.vectors.map(each => (each as { model: string }).model))
  t.same([...models], ['provided'], 'none of the old vectors is left')
})

t.test('a model whose vectors have another length', async t => {
  const { server, env, run } = await loaded(t)
  server.dimensions = 128
  const refused = await run('ingest', 'new.md')
  t.not(refused.code, 0)
  t.match(refused.stderr, /askwell reembed --collection/)
  t.equal(await vectorsIn(env), 8)
  const again = await run('reembed')
  t.match(again, { code: 0, stdout: /8 chunks re-embedded/ }, again.stderr)
  t.match(await run('ingest', 'new.md'), { code: 0, stdout: /1 added/ })
  const app = await startApp(t, anyWorld, env)
  t.match((await app.ask(question)).json, { degraded: [] })
})

t.test('a model that is the old one again needs nothing', async t => {
  const { server, run } = await loaded(t)
  server.seed = 'another'
  t.not((await run('ingest', 'new.md')).code, 0)
  server.seed = ''
  t.match(await run('ingest', 'new.md'), { code: 0, stdout: /1 added/ })
})

t.test('a model that is renamed', async t => {
  const { server, env, run } = await loaded(t)
  const app = await startApp(t, anyWorld, env)
  server.name = 'provided-2'
  const refused = await run('ingest', 'new.md')
  t.match(refused, { code: 1, stderr: /The API has no model "provided"/ })
  const headers = { authorization: `Bearer ${adminKey}` }
  let asked = 0
  await until('the monitoring says it', async () => {
    await app.ask({ question: `Which floor has books about ${subjects[asked++ % subjects.length]} ${asked}?` })
    const { json } = await app.send('GET', '/monitoring/performance-metrics', undefined, headers)
    return json.findings.some(({ code }: { code: string }) => code === 'embeddings-rejects')
  })
  await app.stop()

  const renamed = { ...env, EMBEDDING_MODEL: 'provided-2' }
  const before = server.requests.length
  const again = await runCli(['reembed'], { env: renamed })
  t.match(again, { code: 0, stderr: /those of "provided-2": its name is changed, and nothing is embedded again/ })
  t.match(again.stdout, /0 chunks re-embedded/)
  t.ok(server.requests.length - before < 5)
  const later = await startApp(t, anyWorld, renamed)
  t.match((await later.ask(question)).json, { degraded: [] })
})

t.test('another model under another name is no renamed one', async t => {
  const { server, env } = await loaded(t)
  server.seed = 'another'
  const again = await runCli(['reembed'], { env: { ...env, EMBEDDING_MODEL: 'other' } })
  t.match(again, { code: 0, stdout: /8 chunks re-embedded/ }, again.stderr)
})

t.test('vectors that are too long for the database: said with what to do', async t => {
  const server = await startSlowEmbeddings(t, { dimensions: 4096 })
  const env = {
    ...(await databaseSettings(t, anyWorld)),
    OPENAI_BASE_URL: server.url,
    OPENAI_API_KEY: 'none',
    CHAT_MODEL: 'none',
    EMBEDDING_MODEL: 'long',
    ADMIN_API_KEY: adminKey,
  }
  const said = /"long" makes vectors of 4096 numbers, and Postgres can index at most 4000: set EMBEDDING_DIMENSIONS/
  const cwd = t.testdir({ 'new.md': '# Shelf of astronomy\n\nBooks about astronomy are under the roof.' })
  t.match(await runCli(['ingest', 'new.md'], { cwd, env }), { code: 1, stderr: said })
  const app = await startApp(t, anyWorld, env)
  const body = { documents: [{ source: 'a', text: 'Books about astronomy.' }] }
  const reply = await app.send('PUT', '/documents', body, { authorization: `Bearer ${adminKey}` })
  t.match(reply, { status: 409, json: { code: 'model_mismatch', detail: said } })
})
