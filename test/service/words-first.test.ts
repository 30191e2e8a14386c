import tap, { type Test } from 'tap'
import type { Sql } from '../../src/adapters/postgres/database.ts'
import { adminKey, databaseSettings, skipReason, startApp, type App } from '../support/app.ts'
import { startCli } from '../support/cli.ts'
import { inDatabase } from '../support/contents.ts'
import { startGatedModel } from '../support/gated-model.ts'
import { until } from '../support/until.ts'

/** A load whose model is slow: its documents are found by their words at once, and their vectors follow. */

const world = 'postgres'
const admin = { authorization: `Bearer ${adminKey}` }
const count = 150

const rows = Array.from({ length: count }, (_, i) =>
  JSON.stringify({
    id: `tale-${i}`,
    title: `Tale ${i}`,
    text: `Ship ${i} left harbour ${i % 7}. Its captain counted ${i + 1000} barrels.`,
  }),
).join('\n')

const gatedModel = async (t: Test) =>
  await startGatedModel(t, { waits: asked => asked.length > 1 || asked[0]?.startsWith('Tale') === true })

const stateIn = (sql: Sql) => sql`
  select c.chunk_count, c.window_count, c.epoch, (select count(*)::int from chunk_vectors) as vectors,
    (select count(*)::int from unit_fillings) as fillings,
    (select count(*)::int from unit_fillings where claimed_by is not null) as claims from collections c`

const stateOf = async (env: Readonly<Record<string, string>>) => (await inDatabase(env, stateIn))[0]!

async function collectionIn(app: App) {
  return (await app.send('GET', '/collections', undefined, admin)).json.collections[0]
}

const asked = { question: 'Who counted 1117 barrels?', include: ['passages'] }

tap.test('documents answer by their words, then by their vectors', { skip: skipReason(world) }, async t => {
  const model = await gatedModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings }
  const app = await startApp(t, world, env)
  const cwd = t.testdir({ 'tales.jsonl': rows })
  model.hold()
  const { finished } = startCli(['ingest', 'tales.jsonl'], { env, cwd })
  await until('all documents are stored', async () => Number((await stateOf(env))?.['chunk_count']) === count, {
    ended: finished,
  })
  t.match(await collectionIn(app), { chunk_count: count, missing_vector_chunk_count: count })
  t.match((await app.ask(asked)).json.passages[0], { source: 'tale-117' })
  const { epoch } = await stateOf(env)

  model.letGo()
  const { code, stderr } = await finished
  t.equal(code, 0, stderr)
  t.match(stderr, /all documents are found by their words; their vectors follow\n/)
  t.match(stderr, /vectors of 150 of 150 chunks/)
  t.match(await stateOf(env), { vectors: count, window_count: String(count), fillings: 0 })
  t.match(await collectionIn(app), { missing_vector_chunk_count: 0 })
  t.ok(
    BigInt((await stateOf(env))['epoch'] as string) > BigInt(epoch as string),
    'answers by words alone are not reused',
  )
})

tap.test('whatever ends it, a service goes on', { skip: skipReason(world) }, async t => {
  const model = await gatedModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings }
  const cwd = t.testdir({ 'tales.jsonl': rows })

  await t.test('a kill', async t => {
    model.hold()
    const { child, finished } = startCli(['ingest', 'tales.jsonl'], { env, cwd })
    await until('a filling is begun', async () => Number((await stateOf(env))?.['claims'] ?? 0) === 1, {
      ended: finished,
    })
    child.kill('SIGKILL')
    await finished
    model.letGo()
    t.match(await stateOf(env), { vectors: 0, chunk_count: count })
    await inDatabase(env, sql => sql`update unit_fillings set claimed_until = now()`)
    const app = await startApp(t, world, env)
    await until('all have vectors', async () => (await collectionIn(app)).missing_vector_chunk_count === 0)
    t.match(await stateOf(env), { vectors: count, window_count: String(count) })
  })

  await t.test('a model that fails: the documents stay, and it is said', async t => {
    await inDatabase(env, sql => sql`delete from collections`)
    model.hold()
    const { finished } = startCli(['ingest', 'tales.jsonl'], { env, cwd })
    await until('a filling is begun', async () => Number((await stateOf(env))?.['claims'] ?? 0) === 1, {
      ended: finished,
    })
    model.fail(true)
    model.letGo()
    const { code, stderr } = await finished
    t.equal(code, 3)
    t.match(stderr, /documents stored, but not all their vectors: .*askwell reembed/)
    model.fail(false)
    const again = await startCli(['ingest', 'tales.jsonl'], { env, cwd }).finished
    t.equal(again.code, 0, again.stderr)
    t.match(again.stdout, /150 unchanged/)
    t.match(await stateOf(env), { vectors: count, window_count: String(count), chunk_count: count })
  })
})

tap.test('a document that is written or deleted meanwhile', { skip: skipReason(world) }, async t => {
  const model = await gatedModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings }
  const cwd = t.testdir({ 'tales.jsonl': rows })
  const app = await startApp(t, world, env)
  model.hold()
  const { finished } = startCli(['ingest', 'tales.jsonl'], { env, cwd })
  await until('a filling is begun', async () => Number((await stateOf(env))?.['claims'] ?? 0) === 1, {
    ended: finished,
  })
  const ids = await inDatabase(env, sql => sql`select id from documents order by source limit 2`)
  t.equal((await app.send('DELETE', `/documents/${String(ids[0]!['id'])}`, undefined, admin)).status, 204)
  const writing = app.send('PUT', '/documents', { documents: [{ source: 'new', text: '# New\n\nIt is new.' }] }, admin)
  model.letGo()
  t.equal((await writing).status, 200)
  const { code, stderr } = await finished
  t.equal(code, 0, stderr)
  await until('all have vectors', async () => (await stateOf(env))['vectors'] === count)
  t.match(await stateOf(env), { chunk_count: count, window_count: String(count) })
})

tap.test('PUT replies when the words are stored, if the model is slow', { skip: skipReason(world) }, async t => {
  const model = await gatedModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings, INGEST_WORDS_FIRST_MS: '200' }
  const app = await startApp(t, world, env)
  const put = async (text: string) =>
    (await app.send('PUT', '/documents', { documents: [{ source: 'tale', text }] }, admin)).json.documents[0]

  t.match(await put('# Tale\n\nThe cook counted 1117 barrels.'), { status: 'added', warnings: [] })
  t.match(await collectionIn(app), { missing_vector_chunk_count: 0 })

  model.hold()
  const stored = await put('# Tale\n\nThe captain counted 1118 barrels.')
  t.match(stored, { status: 'replaced', chunks: 1, warnings: [/its vectors are made in the background/] })
  t.match((await app.ask({ ...asked, question: 'Who counted 1118 barrels?' })).json.passages[0], { source: 'tale' })
  t.match(await collectionIn(app), { missing_vector_chunk_count: 1 })

  model.letGo()
  await until('it has its vectors', async () => (await collectionIn(app)).missing_vector_chunk_count === 0)
  t.match(await stateOf(env), { vectors: 1, window_count: '1' })
})

tap.test('a model that fails in time refuses the documents of PUT', { skip: skipReason(world) }, async t => {
  const model = await gatedModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings, INGEST_WORDS_FIRST_MS: '60000' }
  const app = await startApp(t, world, env)
  model.fail(true)
  const documents = [{ source: 'tale', text: 'The captain counted 1118 barrels.' }]
  t.equal((await app.send('PUT', '/documents', { documents }, admin)).status, 502)
  t.equal(await stateOf(env), undefined, 'no collection was made')
})

tap.test('without a time the vectors come first', { skip: skipReason(world) }, async t => {
  const model = await gatedModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings, INGEST_WORDS_FIRST_MS: '86400000' }
  const { code, stderr } = await startCli(['ingest', 'tales.jsonl'], { env, cwd: t.testdir({ 'tales.jsonl': rows }) })
    .finished
  t.equal(code, 0, stderr)
  t.notMatch(stderr, /found by their words/)
  t.match(await stateOf(env), { vectors: count })
})
