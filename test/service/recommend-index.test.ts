import t from 'tap'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { createCollectionStore } from '../../src/adapters/postgres/store/collections.ts'
import { ensureVectorIndex } from '../../src/adapters/postgres/store/vector-index.ts'
import { adviceOf, type Advice } from '../support/advice.ts'
import { isOfTheMachine } from '../support/findings.ts'
import { skipReason, startApp } from '../support/app.ts'
import { fillWithVectors } from '../support/many-vectors.ts'
import { administer, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** A collection that is large enough for an index, and everything that can be wrong with it. */

t.setTimeout(1_800_000)

t.test('a large collection', { skip: skipReason('postgres') }, async t => {
  const { url, adminUrl } = await startPostgres(t)
  const signal = new AbortController().signal
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 2,
    poolMaxOverflow: 0,
    poolMaxWaiting: 10,
    statementTimeoutMs: 0,
  })
  t.teardown(() => database.close())
  await database.lease({ signal, label: 'test' }, sql => fillWithVectors(sql, 6000))
  const app = await startApp(t, 'postgres', { DATABASE_URL: url })
  const told = async (): Promise<Record<string, Advice>> => {
    await app.deps.monitoring?.inspect()
    return Object.fromEntries(
      (await adviceOf(app)).filter(({ id }) => !isOfTheMachine(id)).map(each => [each.id, each]),
    )
  }
  /** The server's counts and settings arrive in their own time. */
  const toldOf = async (id: string) => await until(`${id} is recommended`, async () => (await told())[id])
  const isQuiet = async () => await until('nothing is recommended', async () => Object.keys(await told()).length === 0)
  const say = (text: string) => administer(url, sql => sql.unsafe(text))

  await t.test('has no index, and statistics from before it was loaded', async t => {
    await toldOf('statistics-stale')
    const { 'hnsw-missing:many': missing, 'statistics-stale': stale, ...others } = await told()
    t.match(missing, {
      setting: null,
      evidence: /compares all 6000 vectors/,
      action: /askwell tune recall --collection many/,
    })
    t.match(stale, {
      evidence: /chunk_vectors: 6000 rows changed in total, never analyzed/,
      action: /ANALYZE chunk_vectors, chunks/,
    })
    t.same(Object.keys(others), [])
  })

  await t.test('has an index that nobody tuned', async t => {
    await ensureVectorIndex(database, (await createCollectionStore(database).collection('many'))!, signal, () => {})
    await say('analyze')
    await until('the statistics are seen', async () => !('statistics-stale' in (await told())))
    const { 'ef-search-not-tuned:many': untuned, ...others } = await told()
    t.match(untuned, { severity: 'info', evidence: /6000 vectors/, action: /askwell tune recall --collection many/ })
    t.same(Object.keys(others), [])
  })

  await t.test('is tuned: nothing to say', async t => {
    await say('update collections set ef_search = 400')
    t.ok(await isQuiet())
  })

  await t.test('is changed without an analysis: ANALYZE', async t => {
    await say('update chunks set length = length where ordinal <= 2400')
    t.match(await toldOf('statistics-stale'), {
      setting: null,
      evidence: /chunks: 2400 rows changed since 20/,
      action: /^Run ANALYZE chunks,/,
    })
    await say('analyze chunks')
    t.ok(await isQuiet())
  })

  await t.test('has an index that the planner may not use', async t => {
    await administer(adminUrl, sql => sql.unsafe('alter system set enable_indexscan = off'))
    await administer(adminUrl, sql => sql.unsafe('select pg_reload_conf()'))
    t.match(await toldOf('hnsw-unused:many'), {
      evidence: /compares 6000 vectors; \d+ searches have used it/,
      action: /enable_indexscan/,
    })
    await administer(adminUrl, sql => sql.unsafe('alter system reset enable_indexscan'))
    await administer(adminUrl, sql => sql.unsafe('select pg_reload_conf()'))
    t.ok(await isQuiet())
  })

  await t.test('is searched not far enough for the recall wanted: ef_search', async t => {
    const [index] = await say("select relname from pg_class where relname like 'chunk\\_vectors\\_hnsw%'")
    const [row] = await say('select id, model_id from collections')
    await say(`drop index ${index?.['relname']}`)
    await say(
      `create index ${index?.['relname']} on chunk_vectors using hnsw ((embedding::halfvec(512)) halfvec_cosine_ops) with (m = 2, ef_construction = 4) where collection_id = ${row?.['id']} and model_id = ${row?.['model_id']}`,
    )
    await say('update collections set ef_search = 10')
    t.match(await toldOf('ef-search-low:many'), {
      severity: 'warning',
      evidence: /recall@10 is about \d+ %, the target is 95 %; ef_search is 10/,
      action: /askwell tune recall/,
    })
  })
})
