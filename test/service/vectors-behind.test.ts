import tap, { type Test } from 'tap'
import type { Sql } from '../../src/adapters/postgres/database.ts'
import { countUnitsBehind, missingVectors, noteMissing } from '../../src/adapters/postgres/store/missing-vectors.ts'
import { openVectorsUpkeep } from '../../src/wiring/vectors-upkeep.ts'
import { adminKey, databaseSettings, skipReason, startApp, type App } from '../support/app.ts'
import { startCli } from '../support/cli.ts'
import { inDatabase, leased } from '../support/contents.ts'
import { startGatedModel } from '../support/gated-model.ts'
import { until } from '../support/until.ts'

/** Vectors that follow their documents, when something comes between. */

const world = 'postgres'
const asAdmin = { authorization: `Bearer ${adminKey}` }
const count = 40

const rows = Array.from({ length: count }, (_, i) =>
  JSON.stringify({ id: `tale-${i}`, title: `Tale ${i}`, text: `Ship ${i} left harbour ${i % 7}, and it was seen.` }),
).join('\n')

const startModel = async (t: Test, isRejected: (text: string) => boolean = () => false) =>
  await startGatedModel(t, { waits: asked => asked.some(text => text.includes('Ship')), isRejected })

const stateIn = (sql: Sql) => sql`
  select (select count(*)::int from chunks) as chunks, (select count(*)::int from chunk_vectors) as vectors,
    (select count(*)::int from unit_fillings) as fillings,
    (select count(*)::int from unit_fillings where claimed_by is not null) as claims`

const stateOf = async (env: Readonly<Record<string, string>>) => (await inDatabase(env, stateIn))[0]!

interface Turns {
  readonly turnMs?: number
  readonly lookEveryMs?: number
  /** Whether it sees what is noted; always by default. */
  readonly isLooking?: () => boolean
}

function upkeepOf(t: Test, { deps: { database, store, models } }: App, { isLooking = () => true, ...turns }: Turns) {
  const lines: string[] = []
  const note = (_: object, line: string) => lines.push(line)
  const upkeep = openVectorsUpkeep({
    beforeLoad: async () => {},
    database,
    store,
    toFill: async () => (isLooking() ? await store.collections() : []),
    embedder: models.embedder,
    step: async work => await work(),
    log: { info: note, warn: note } as never,
    delayMs: 1,
    pauseMs: 5,
    ...turns,
  })
  t.teardown(upkeep.close)
  return { upkeep, lines }
}

/** Loads the tales and kills the command before it has any vectors. */
async function killedLoad(t: Test, model: Awaited<ReturnType<typeof startModel>>, env: Record<string, string>) {
  model.hold()
  const { child, finished } = startCli(['ingest', 'tales.jsonl'], { env, cwd: t.testdir({ 'tales.jsonl': rows }) })
  await until('a filling is begun', async () => Number((await stateOf(env))['claims']) === 1, { ended: finished })
  child.kill('SIGKILL')
  await finished
  model.letGo()
  t.match(await stateOf(env), { chunks: count, vectors: 0, fillings: 1 })
  await inDatabase(env, sql => sql`update unit_fillings set claimed_until = now()`)
}

tap.test('a service that runs goes on with what a killed command left', { skip: skipReason(world) }, async t => {
  const model = await startModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings }
  const app = await startApp(t, world, env)
  let isLeft = false
  const { upkeep } = upkeepOf(t, app, { lookEveryMs: 20, isLooking: () => isLeft })
  upkeep.start()
  await killedLoad(t, model, env)
  isLeft = true
  await until('all have vectors', async () => Number((await stateOf(env))['fillings']) === 0)
  t.match(await stateOf(env), { vectors: count })
})

tap.test(
  'chunks that the model rejects are tried once, however short a turn is',
  { skip: skipReason(world) },
  async t => {
    // The first 32: two batches.
    const model = await startModel(t, text => /Ship (?:[12]?\d|3[01]) /.test(text))
    const env = { ...(await databaseSettings(t, world)), ...model.settings }
    const app = await startApp(t, world, env)
    await killedLoad(t, model, env)
    const { upkeep, lines } = upkeepOf(t, app, { turnMs: 0 })
    upkeep.start()
    await until('the others have vectors', async () => Number((await stateOf(env))['fillings']) === 0)
    t.match(await stateOf(env), { vectors: 8 })
    t.equal(lines.filter(line => line.startsWith('the embedding model rejects')).length, 32)
  },
)

/** What `PUT /documents` stores has its vectors. */
const vectorsAtOnce = { INGEST_WORDS_FIRST_MS: '60000' }

tap.test('a collection that has switched to another model meanwhile', { skip: skipReason(world) }, async t => {
  const model = await startModel(t)
  const app = await startApp(t, world, { ...model.settings, ...vectorsAtOnce })
  const documents = [{ source: 'a', title: 'Tale', text: 'Ship 1 left harbour.' }]
  t.equal((await app.send('PUT', '/documents', { documents }, asAdmin)).status, 200)
  const { database, store, models } = app.deps
  const { id, model: old } = (await store.collection('default'))!
  const owner = { collectionId: id, modelId: old!.id }
  const filling = missingVectors(database, owner, models.embedder.languages, new AbortController().signal)
  const [chunk] = await filling.next('0', 1)
  await leased(database, sql => noteMissing(sql, owner, 7))
  t.equal(await leased(database, countUnitsBehind), 7)
  await leased(
    database,
    sql => sql`
    with other as (insert into embedding_models (name, dimensions) values ('other', 16) returning id)
    update collections set model_id = (select id from other)`,
  )
  t.equal(await leased(database, countUnitsBehind), 0, 'what is noted of the old model is no work left')
  t.equal(await filling.claim(1), null)
  await filling.store([{ chunkId: chunk!.id, units: Uint8Array.from([1]) }])
  t.same([...(await leased(database, sql => sql`select * from chunk_units`))], [])
})

tap.test('a service that began on a standby fills in when that is promoted', { skip: skipReason(world) }, async t => {
  const model = await startModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings, EMBEDDING_UNITS: 'on' }
  const { code, stderr } = await startCli(['ingest', 'tales.jsonl'], { env, cwd: t.testdir({ 'tales.jsonl': rows }) })
    .finished
  t.equal(code, 0, stderr)
  // As an older version left it.
  await inDatabase(env, sql => sql`delete from chunk_units`)
  const setReadOnly = (on: boolean) =>
    inDatabase(env, async sql => {
      await sql`set default_transaction_read_only = off`
      const [row] = await sql`select current_database() as name`
      await sql.unsafe(`alter database ${String(row!['name'])} set default_transaction_read_only = ${on}`)
      return []
    })
  await setReadOnly(true)
  const app = await startApp(t, world, env)
  t.ok(app.deps.database.isReadOnly())
  await setReadOnly(false)
  const unitsIn = (sql: Sql) => sql`select from chunk_units`
  await until('all have units', async () => (await inDatabase(env, unitsIn)).length === count)
})

tap.test(
  'next to documents with vectors, those without are ranked and judged by their words',
  {
    skip: skipReason(world),
  },
  async t => {
    const model = await startModel(t)
    const env = { ...(await databaseSettings(t, world)), ...model.settings }
    const app = await startApp(t, world, { ...env, ...vectorsAtOnce })
    const documents = Array.from({ length: 20 }, (_, i) => ({
      source: `whale-${i}`,
      title: `Whale ${i}`,
      text: `A whale swam to bay ${i}, and was seen.`,
    }))
    t.equal((await app.send('PUT', '/documents', { documents }, asAdmin)).status, 200)
    model.hold()
    const { finished } = startCli(['ingest', 'tales.jsonl'], { env, cwd: t.testdir({ 'tales.jsonl': rows }) })
    await until('a filling is begun', async () => Number((await stateOf(env))['claims']) === 1, { ended: finished })
    const ask = async () => {
      const { json } = await app.ask({ question: 'Which harbour did ship 17 leave?', include: ['passages', 'explain'] })
      const [first] = json.passages
      return {
        first,
        confidence: json.confidence,
        signals: json.explain.signals.map((each: { name: string }) => each.name),
      }
    }
    const before = await ask()
    t.match(before.first, { source: 'tale-17' })
    t.notOk(before.signals.includes('window'), 'similarities of others say nothing about it')
    t.ok(before.signals.includes('coverage'))
    model.letGo()
    t.equal((await finished).code, 0)
    const after = await ask()
    t.match(after.first, { source: 'tale-17' })
    t.ok(after.signals.includes('window'))
  },
)
