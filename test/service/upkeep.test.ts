import tap from 'tap'
import { createCollectionStore, type WithVectors } from '../../src/adapters/postgres/store/collections.ts'
import { openDatabase, type Sql } from '../../src/adapters/postgres/database.ts'
import { needsAnalyze, analyzeTables } from '../../src/adapters/postgres/analyze.ts'
import { ensureVectorIndex, findVectorIndex } from '../../src/adapters/postgres/store/vector-index.ts'
import { migrate } from '../../src/adapters/postgres/migrate.ts'
import { openIndexMaintenance } from '../../src/wiring/index-maintenance.ts'
import { atLeast } from '../support/at-least.ts'
import { createDatabase } from '../support/database.ts'
import { fillWithVectors } from '../support/many-vectors.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { until } from '../support/until.ts'

const signal = new AbortController().signal
/** Enough for an index, whose build takes longer than a statement may. */
const vectors = 6000
// As the service has them: a statement may not take long.
const settings = { dataDir: undefined, poolSize: 3, poolMaxOverflow: 0, poolMaxWaiting: 10, statementTimeoutMs: 1000 }

tap.test('a collection that has grown large by HTTP', { skip: postgresSkipReason() }, async t => {
  const { url } = await createDatabase(t)
  const loading = await openDatabase({ ...settings, statementTimeoutMs: 0, url })
  await loading.lease({ signal, label: 'test', holdLimitMs: Infinity }, sql => fillWithVectors(sql, vectors))
  await loading.close()
  const database = await openDatabase({ ...settings, url })
  t.teardown(() => database.close())
  const store = createCollectionStore(database)
  const collection = async () => (await store.collection('many')) as WithVectors
  const find = async () => {
    const large = await collection()
    return await database.lease({ signal, label: 'test' }, sql => findVectorIndex(sql, large))
  }
  const lines: string[] = []
  const log = {
    info: (_: object, text: string) => lines.push(text),
    warn: (_: object, text: string) => lines.push(text),
  }
  const upkeep = openIndexMaintenance({ database, store, log: log as never, quietMs: 20 })
  t.teardown(upkeep.close)

  await t.test('gets its index behind the writes, once, whatever the bound on statements', async t => {
    t.equal(await find(), null)
    for (let i = 0; i < 3; i++) upkeep.written('many')
    await until('there is an index', async () => (await find()) !== null)
    await until('it is told', () => lines.length === 2)
    t.match(lines, [/^building the vector index/, /^vector index built/])
    const [row] = await database.lease(
      { signal, label: 'test' },
      sql => sql`select current_setting('statement_timeout') as timeout`,
    )
    t.equal(row?.['timeout'], '1s', 'its connection is as it was')
    upkeep.written('many')
    upkeep.written('nobody')
    await atLeast(200)
    t.equal(lines.length, 2)
  })

  await t.test('is what the planner knows of, and its words are in the index', async t => {
    const [row] = await until('the tables were looked at', async () => {
      const rows = await database.lease(
        { signal, label: 'test' },
        sql =>
          sql`select count(last_analyze)::int as analyzed from pg_stat_user_tables where relname in ('chunks', 'chunk_vectors', 'documents')`,
      )
      return rows[0]?.['analyzed'] === 3 ? rows : undefined
    })
    t.ok(row)
    const [pending] = await database.lease(
      { signal, label: 'test' },
      sql => sql`select gin_clean_pending_list('chunks_terms')::int as pages`,
    )
    t.equal(pending?.['pages'], 0)
    t.notOk(await needsAnalyze(database, signal))
  })

  await t.test('is not waited for while another builds an index: that would wait for us', async t => {
    const other = await openDatabase({ ...settings, url })
    t.teardown(() => other.close())
    await other.lease(
      { signal, label: 'test', holdLimitMs: Infinity },
      async sql =>
        await sql.begin(async tx => {
          await tx`lock table chunk_vectors in share update exclusive mode`
          let isSettled = false
          void analyzeTables(database, signal).then(() => (isSettled = true))
          await until('it is settled, though the table is locked', () => isSettled)
        }),
    )
  })

  await t.test('is indexed by one process at a time: the second finds the index of the first', async t => {
    const large = await collection()
    await database.lease({ signal, label: 'test' }, (sql: Sql) =>
      sql.unsafe(`drop index chunk_vectors_hnsw_${large.id}_${large.model.id}`),
    )
    let builds = 0
    const both = await Promise.all([1, 2].map(() => ensureVectorIndex(database, large, signal, () => builds++)))
    t.equal(builds, 1)
    t.equal(both.filter(each => each?.builtInMs != null).length, 1)
    t.ok(both.every(each => each !== null && each.bytes > 0))
  })
})

tap.test('much that was written into the embedded database is in its statistics and its index', async t => {
  const database = await openDatabase({ ...settings, url: undefined, dataDir: undefined })
  t.teardown(() => database.close())
  const lease = <T>(work: (sql: Sql) => Promise<T>) => database.lease({ signal, label: 'test' }, work)
  await lease(migrate)
  await lease(sql => fillWithVectors(sql, 300))
  const rowsKnown = async () =>
    Number((await lease(sql => sql`select reltuples from pg_class where relname = 'chunks'`))[0]?.['reltuples'])
  t.ok((await rowsKnown()) < 300)
  const upkeep = openIndexMaintenance({
    database,
    store: createCollectionStore(database),
    log: { info() {}, warn: (about: object) => t.fail(JSON.stringify(about)) } as never,
    // Of writes that leave no quiet time.
    quietMs: 1e9,
    longestMs: 20,
  })
  t.teardown(upkeep.close)
  for (let i = 0; i < 3; i++) upkeep.written('many')
  await until('it is settled', async () => (await rowsKnown()) === 300)
  const [pending] = await lease(sql => sql`select gin_clean_pending_list('chunks_terms')::int as pages`)
  t.equal(pending?.['pages'], 0)
})
