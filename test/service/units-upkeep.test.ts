import tap, { type Test } from 'tap'
import type { Sql } from '../../src/adapters/postgres/database.ts'
import { openVectorsUpkeep } from '../../src/wiring/vectors-upkeep.ts'
import { adminKey, databaseSettings, skipReason, startApp, type App } from '../support/app.ts'
import { startCli } from '../support/cli.ts'
import { inDatabase, leased } from '../support/contents.ts'
import { serveEmbeddings } from '../support/embeddings-server.ts'
import { until } from '../support/until.ts'

/** Units that follow their documents, because the model is slow: in the background, with progress. */

/** Replicas need a server. */
const world = 'postgres'

type Settings = Readonly<Record<string, string>>

const asAdmin = { authorization: `Bearer ${adminKey}` }
const rejected = 'Nobody embeds this sentence about xylophones.'

const tales = Array.from({ length: 40 }, (_, i) => ({
  source: `tale-${i}.md`,
  title: `Tale ${i}`,
  text: `Ship ${i} left harbour ${i % 7}. Its captain counted ${i + 100} barrels. Winter came in week ${i}. Nobody sang on deck ${i}.`,
}))

type Vector = ArrayLike<number>

/** A model of words that is asked for single sentences too, and can be made to wait, to fail or to reject. */
async function slowModel(t: Test) {
  const texts: string[] = []
  let gate: Promise<void> | null = null
  let open = () => {}
  let isBroken = false
  const url = await serveEmbeddings(t, async (asked): Promise<readonly Vector[]> => {
    if (isBroken) throw new Error('broken')
    if (asked.some(text => text.includes(rejected))) throw new Error('rejected')
    texts.push(...asked)
    // What is for a unit: a tale is one window of four sentences.
    if (asked.some(isUnit)) await gate
    return asked.map(vectorOf)
  })
  return {
    texts,
    units: () => texts.filter(isUnit),
    settings: {
      OPENAI_BASE_URL: url,
      OPENAI_API_KEY: 'k',
      CHAT_MODEL: 'none',
      EMBEDDING_MODEL: 'slow',
      CALIBRATION: 'off',
    },
    hold: () => void (gate = new Promise(resolve => (open = resolve))),
    letGo: () => (open(), (gate = null)),
    fail: (now: boolean) => void (isBroken = now),
  }
}

const isUnit = (text: string) => text.startsWith('Tale ') && text.match(/\./g)?.length === 2

function vectorOf(text: string): Vector {
  const vector = new Float32Array(64)
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\d]+/gu)) {
    let at = 7
    for (const letter of word) at = (at * 31 + letter.charCodeAt(0)) % 64
    vector[at]! += 1
  }
  vector[0]! += 0.01
  return vector
}

async function put(app: App, documents: readonly object[], collection = 'default') {
  const { status, text, json } = await app.send('PUT', '/documents', { collection, documents }, asAdmin)
  if (status !== 200) throw new Error(text)
  return json.documents
}

async function collectionIn(app: App, name = 'default') {
  const { collections } = (await app.send('GET', '/collections', undefined, asAdmin)).json
  return collections.find((each: { name: string }) => each.name === name)
}

const unitsIn = (sql: Sql) => sql`
  select d.source, c.ordinal, md5(u.units) as units from chunk_units u join chunks c on c.id = u.chunk_id
  join documents d on d.id = c.document_id order by 1, 2`

const fillingsIn = (sql: Sql) => sql`select claimed_by, remaining from unit_fillings`

const isComplete = (app: App) => async () => {
  const { unit_state: state, missing_unit_chunk_count: missing } = await collectionIn(app)
  return state === 'complete' && missing === 0
}

tap.test('documents are stored and answer before their units are there', { skip: skipReason(world) }, async t => {
  const model = await slowModel(t)
  model.hold()
  const app = await startApp(t, world, { ...model.settings, CALIBRATION: 'on' })
  await put(app, tales)
  const before = await collectionIn(app)
  t.match(before, { unit_chunk_count: 0, missing_unit_chunk_count: 40, unit_state: 'behind' })
  const question = { question: 'Who counted 117 barrels?', include: ['passages'] }
  t.match((await app.ask(question)).json.passages[0].source, 'tale-17.md')
  await until('a filling is begun', () => model.units().length > 0)
  await until('the claim says how many are left', async () => (await leased(app.deps.database, fillingsIn)).length > 0)
  const replica = await startApp(t, world, app.env)
  await until('another replica says so', async () => {
    const { findings } = (await replica.send('GET', '/monitoring/performance-metrics', undefined, asAdmin)).json
    return findings.some(({ code, detail }: any) => code === 'units-behind' && detail.startsWith('40 chunks have no'))
  })
  await replica.stop()

  await t.test('then come the same units as at once', async t => {
    model.letGo()
    await until('nothing is missing', isComplete(app))
    const behind = [...(await leased(app.deps.database, unitsIn))]
    t.equal(behind.length, 40)
    // What costs something is embedded when it is written.
    const priced = { ...model.settings, MODEL_PRICES: 'prompt=1,completion=1,embedding=0.02' }
    const other = await startApp(t, world, priced)
    await put(other, tales)
    t.same([...(await leased(other.deps.database, unitsIn))], behind)
    await leased(other.deps.database, sql => sql`delete from chunk_units`)
    t.match(await collectionIn(other), { unit_state: 'missing', missing_unit_chunk_count: 40 })
    await other.stop()
    // As after an upgrade.
    const next = await startApp(t, world, { ...other.env, ...model.settings, MODEL_PRICES: '' })
    await until('a start fills what an older version left', isComplete(next))
    t.same([...(await leased(next.deps.database, unitsIn))], behind)
    await next.stop()
  })

  await t.test('answers made without them are not used again, and the calibration has them', async t => {
    t.ok((await collectionIn(app)).epoch > before.epoch)
    await until('it is measured', async () => (await collectionIn(app)).calibration?.sentences)
    t.equal((await leased(app.deps.database, fillingsIn)).length, 0)
  })

  await t.test('a collection that is too large is left without, and every reply says so', async t => {
    const small = await startApp(t, world, { ...model.settings, EMBEDDING_UNITS_MAX_CHUNKS: '3' })
    t.same((await put(small, tales.slice(0, 2)))[1].warnings, [])
    await until('these are filled', isComplete(small))
    const [written, unchanged] = await put(small, [tales[2]!, tales[0]!, tales[3]!])
    t.match(written.warnings, [
      'its sentences have no vectors of their own: the collection has 4 chunks, and EMBEDDING_UNITS_MAX_CHUNKS is 3; raise it, then run askwell reembed',
    ])
    t.same(unchanged.warnings, [])
    await until('the state is known', async () => (await collectionIn(small)).unit_state === 'over_limit')
  })
})

tap.test('a load that is killed in the middle of its units', { skip: skipReason(world) }, async t => {
  const model = await slowModel(t)
  const env = { ...(await databaseSettings(t, world)), ...model.settings }
  const cwd = t.testdir({
    'tales.jsonl': Array.from({ length: 5 }, (_, i) => tales.map(each => row(each, i)))
      .flat()
      .join('\n'),
  })
  const { child, finished } = startCli(['ingest', 'tales.jsonl', '--language', 'en'], { env, cwd })
  await until('two batches of units are stored', () => model.units().length > 2 * 64 * 4, { ended: finished })
  model.hold()
  child.kill('SIGKILL')
  await finished
  model.letGo()
  const stored = await inDatabase(env, unitsIn)
  t.ok(stored.length >= 64 && stored.length < 200, `${stored.length} of 200`)
  // The claim of a process that is gone ends by itself.
  await inDatabase(env, sql => sql`update unit_fillings set claimed_until = now() where claimed_until is not null`)
  const before = model.units().length
  const app = await startApp(t, world, env)
  await until('the service goes on with them', isComplete(app))
  t.equal((await leased(app.deps.database, unitsIn)).length, 200)
  t.equal(model.units().length - before, (200 - stored.length) * 4, 'what was stored is not embedded again')
})

const row = ({ source, title, text }: (typeof tales)[number], i: number) =>
  JSON.stringify({ id: `${source}-${i}`, title: `${title} and ${i}`, text: text.replaceAll('Ship', `Ship ${i}`) })

tap.test('several processes and a model that fails', { skip: skipReason(world) }, async t => {
  const model = await slowModel(t)
  const env: Settings = { ...(await databaseSettings(t, world)), ...model.settings }
  const app = await startApp(t, world, { ...env, EMBEDDING_UNITS: 'off' })
  await put(app, tales)
  const { database, store, models } = app.deps
  const lines: string[] = []
  const log = {
    info: (_: object, line: string) => lines.push(line),
    warn: (_: object, line: string) => lines.push(line),
  }
  const upkeep = (t: Test) => {
    const opened = openVectorsUpkeep({
      database,
      store,
      toFill: async () => [],
      embedder: { ...models.embedder, unitsUpTo: 1000 },
      step: async work => await work(),
      beforeLoad: async () => {},
      log: log as never,
      delayMs: 1,
      pauseMs: 5,
    })
    t.teardown(opened.close)
    return opened
  }
  const emptied = () => leased(database, sql => sql`delete from chunk_units`)
  const filled = async () => (await leased(database, unitsIn)).length === tales.length
  t.match(await collectionIn(app), { unit_state: 'off', missing_unit_chunk_count: 40 })

  await t.test('one of two fills a collection', async t => {
    const before = model.units().length
    const both = [upkeep(t), upkeep(t)]
    for (const each of both) each.start()
    await until('all are filled', filled)
    await until('it is said', () => lines.length > 0)
    t.equal(model.units().length - before, 160, 'every sentence is embedded once')
    t.same(lines.splice(0), ['all passages and sentences have their vectors'])
  })

  await t.test('a model that fails is tried again, and said once', async t => {
    await emptied()
    model.fail(true)
    const failing = upkeep(t)
    failing.written('default')
    failing.written('nobody')
    await until('it is said', () => lines.length > 0)
    model.fail(false)
    await until('all are filled', filled)
    await until('it is said', () => lines.length > 1)
    t.match(lines.splice(0), [
      /^passages or sentences could not be embedded in the background/,
      /^all passages and sentences/,
    ])
  })

  await t.test('a batch under way ends with the service, and its claim with it', async t => {
    await emptied()
    model.hold()
    const before = model.units().length
    const held = upkeep(t)
    held.start()
    await until('the model is asked', () => model.units().length > before)
    await held.close()
    model.letGo()
    const [row] = await leased(database, fillingsIn)
    t.match(row, { claimed_by: null, remaining: 40 })
    t.same(lines, [])
    upkeep(t).start()
    await until('the next start goes on', filled)
    await until('it is said', () => lines.splice(0).length > 0)
  })

  await t.test('a filling that ended before it was finished is finished', async t => {
    const { epoch } = await collectionIn(app)
    await leased(
      database,
      sql =>
        sql`insert into unit_fillings (collection_id, model_id, remaining) select id, model_id, 3 from collections`,
    )
    upkeep(t).start()
    await until('it is finished', async () => (await leased(database, fillingsIn)).length === 0)
    t.ok((await collectionIn(app)).epoch > epoch)
  })

  await t.test('a chunk that the model rejects is left without, and the rest goes on', async t => {
    await put(app, [{ source: 'x.md', title: 'Tale x', text: `A calm day. ${'The sea is blue here. '.repeat(80)}` }])
    await leased(
      database,
      sql => sql`update documents set text = replace(text, 'A calm day.', ${rejected}) where source = 'x.md'`,
    )
    await leased(
      database,
      sql => sql`
      update chunks set end_at = end_at + ${rejected.length - 'A calm day.'.length} where ordinal = 0 and document_id in (select id from documents where source = 'x.md')`,
    )
    upkeep(t).written('default')
    await until('nothing is missing', async () => (await collectionIn(app)).missing_unit_chunk_count === 0)
    t.ok(lines.includes('the embedding model rejects a chunk, or its sentences'))
    t.equal((await app.ask({ question: 'Which sea is blue?' })).status, 200)
  })
})
