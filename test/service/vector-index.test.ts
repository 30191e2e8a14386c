import t from 'tap'
import { createCollectionStore, type WithVectors } from '../../src/adapters/postgres/store/collections.ts'
import { openDatabase, type Sql } from '../../src/adapters/postgres/database.ts'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { vectorSearch } from '../../src/adapters/postgres/store/vector-search.ts'
import { analyzeTables } from '../../src/adapters/postgres/analyze.ts'
import { ensureVectorIndex, findVectorIndex, indexedFrom } from '../../src/adapters/postgres/store/vector-index.ts'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/database.ts'
import { fillWithVectors, manyVectors } from '../support/many-vectors.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { until } from '../support/until.ts'

const signal = new AbortController().signal
const settings = { dataDir: undefined, poolSize: 2, poolMaxOverflow: 0, poolMaxWaiting: 10, statementTimeoutMs: 0 }

t.test('a large collection on a server', { skip: postgresSkipReason() }, async t => {
  const { url } = await createDatabase(t)
  const database = await openDatabase({ ...settings, url })
  t.teardown(() => database.close())
  const lease = <T>(work: (sql: Sql) => Promise<T>) => database.lease({ signal, label: 'test' }, work)
  await lease(fillWithVectors)
  const collection = async () => (await createCollectionStore(database).collection('many')) as WithVectors

  await t.test(
    'askwell tune recall builds the index and stores the smallest ef_search that reaches the target',
    async t => {
      t.equal(await lease(async sql => findVectorIndex(sql, await collection())), null)
      const {
        code,
        json: result,
        stderr,
      } = await runCli(['tune', 'recall', '-c', 'many', '-n', '40', '--json'], { env: { DATABASE_URL: url } })
      t.equal(code, 0, stderr)
      t.match(stderr, /building the index over 20500 vectors/)
      const { efSearch } = await collection()
      t.equal(result.efSearch, efSearch)
      const searches = result.questions * result.figures.length
      await until('the index is searched, not every vector', async () => (await indexScans()) >= searches)
      t.ok(result.figures.at(-1).recall10 >= 0.95)
      t.ok(
        result.figures.slice(0, -1).every((each: { recall10: number }) => each.recall10 < 0.95),
        'no smaller one reached it',
      )
      t.ok(await lease(async sql => findVectorIndex(sql, await collection())))
    },
  )

  await t.test('a search goes through the index', async t => {
    const { id, model } = await collection()
    const { values } = await vectorOf(1)
    const plan = await lease(
      sql =>
        sql`explain ${vectorSearch(sql, { collectionId: id, modelId: model.id, values, windowsPerChunk: 1, efSearch: null, limit: 50 }, null)}`,
    )
    t.match(plan.map(row => row['QUERY PLAN']).join('\n'), /Index Scan using chunk_vectors_hnsw_/)
  })

  await t.test('under filters as many rows come back as there are', async t => {
    const { chunkId, values } = await vectorOf(1)
    const rare = await search(values, { rare: true })
    t.same(
      new Set(rare.map(each => each.chunkId)),
      new Set(await matching(`'{"rare": true}'`)),
      'a few of twenty thousand: all of them',
    )
    const third = await search(values, { third: true })
    t.equal(third.length, 50)
    const truth = await lease(sql =>
      sql.unsafe(`
      select c.id from chunks c join documents d on d.id = c.document_id join chunk_vectors v on v.chunk_id = c.id where d.metadata @> '{"third": true}'
      order by v.embedding::halfvec(512) <=> (select embedding::halfvec(512) from chunk_vectors where chunk_id = ${chunkId}) limit 10`),
    )
    const found = new Set(third.map(each => each.chunkId))
    t.ok(truth.filter(row => found.has(Number(row['id']))).length >= 8, 'a third of them: the nearest of those')
  })

  async function indexScans(): Promise<number> {
    const [row] = await lease(
      sql => sql`select idx_scan from pg_stat_user_indexes where indexrelname like 'chunk\\_vectors\\_hnsw%'`,
    )
    return Number(row?.['idx_scan'])
  }

  async function vectorOf(ordinal: number) {
    const [row] = await lease(
      sql =>
        sql`select v.chunk_id, v.embedding::text as embedding from chunk_vectors v join chunks c on c.id = v.chunk_id where c.ordinal = ${ordinal}`,
    )
    return { chunkId: Number(row?.['chunk_id']), values: Float32Array.from(JSON.parse(String(row?.['embedding']))) }
  }

  async function search(values: Float32Array, filters: Record<string, boolean>) {
    const { id, model, efSearch } = await collection()
    const vector = { modelId: model.id, values, windowsPerChunk: 1, efSearch }
    const { candidates } = await createPassageStore(database).search(
      { collectionId: id, chunkCount: manyVectors, terms: [], vector, filters, limit: 50 },
      () => [],
      { signal, label: 'test' },
    )
    return candidates
  }

  async function matching(condition: string): Promise<number[]> {
    return (
      await lease(sql =>
        sql.unsafe(
          `select c.id from chunks c join documents d on d.id = c.document_id where d.metadata @> ${condition}`,
        ),
      )
    ).map(row => Number(row['id']))
  }
})

t.test('a collection of few and wide vectors', { skip: postgresSkipReason() }, async t => {
  const { url } = await createDatabase(t)
  const database = await openDatabase({ ...settings, url })
  t.teardown(() => database.close())
  const lease = <T>(work: (sql: Sql) => Promise<T>) => database.lease({ signal, label: 'test' }, work)
  const dimensions = 1536
  const count = 2000
  await lease(async sql => {
    await fillWithVectors(sql, count)
    await sql`update embedding_models set dimensions = ${dimensions}`
    await sql`update chunk_vectors set embedding = array(select (random() - 0.5)::real from generate_series(1, ${dimensions}::int) where chunk_id > 0)::halfvec`
  })
  const collection = (await createCollectionStore(database).collection('many')) as WithVectors
  t.ok(collection.windowCount < indexedFrom)
  t.ok(await ensureVectorIndex(database, collection, signal, () => {}))
  await analyzeTables(database, signal)
  const values = Float32Array.from({ length: dimensions }, (_, place) => Math.sin(place))
  const vector = { modelId: collection.model.id, values, windowsPerChunk: 1, efSearch: null }
  const query = { collectionId: collection.id, chunkCount: count, terms: [], vector, filters: {}, limit: 50 }
  const { candidates } = await createPassageStore(database).search(query, () => [], { signal, label: 'test' })
  t.equal(candidates.length, 50)
  await until('the statement as it is prepared goes through the index', async () => {
    const [row] = await lease(
      sql => sql`select idx_scan from pg_stat_user_indexes where indexrelname like 'chunk\\_vectors\\_hnsw%'`,
    )
    return Number(row?.['idx_scan']) > 0
  })
})

t.test(
  'vectors lie inline as they are, and those too long for a page beside it',
  { skip: postgresSkipReason() },
  async t => {
    const { url } = await createDatabase(t)
    const database = await openDatabase({ ...settings, url })
    t.teardown(() => database.close())
    const lease = <T>(work: (sql: Sql) => Promise<T>) => database.lease({ signal, label: 'test' }, work)
    await lease(sql => fillWithVectors(sql, 2))
    const sizeOf = async (length: number, number: number) =>
      await lease(async sql => {
        await sql.unsafe(`update chunk_vectors set embedding = array_fill(${number}::real, array[${length}])::halfvec`)
        const [row] = await sql`
      select max(pg_column_size(embedding)) as bytes, pg_relation_size(max(c.reltoastrelid)) as beside
      from chunk_vectors, pg_class c where c.oid = 'chunk_vectors'::regclass`
        return { bytes: Number(row?.['bytes']), beside: Number(row?.['beside']) }
      })
    t.same(await sizeOf(3072, 0.5), { bytes: 8 + 2 * 3072, beside: 0 }, 'all numbers alike, and not compressed')
    const { beside } = await sizeOf(8000, 0.5)
    t.ok(beside > 2 * 8000)
  },
)
