import { openDatabase, type Database, type Sql } from '../../src/adapters/postgres/database.ts'

/** Stored data without row numbers, times and epochs, which differ between two equal runs. */
export interface Contents {
  readonly documents: readonly object[]
  readonly chunks: readonly object[]
  readonly vectors: readonly object[]
  readonly statistics: Statistics
}

/** Statistics of a collection, for BM25 and for display. */
export interface Statistics {
  readonly counts: object | undefined
  readonly terms: readonly object[]
  readonly languages: readonly object[]
}

/** Opens a database that no other process has open. `settings` are environment variables. */
export async function inDatabase<T>(
  settings: Readonly<Record<string, string>>,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { DATABASE_URL: url, DATA_DIR: dataDir } = settings
  const database = await openDatabase({
    url,
    dataDir,
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 10,
    statementTimeoutMs: 30_000,
  })
  try {
    return await leased(database, work)
  } finally {
    await database.close()
  }
}

export async function leased<T>(database: Pick<Database, 'lease'>, work: (sql: Sql) => Promise<T>): Promise<T> {
  return await database.lease({ signal: new AbortController().signal, label: 'test' }, work)
}

export async function contentsOf(sql: Sql, collection = 'default'): Promise<Contents> {
  const documents = await sql`
    select d.id, source, version, encode(hash, 'hex') as hash, title, url, d.language, d.metadata, text
    from documents d join collections c on c.id = d.collection_id where c.name = ${collection} order by source`
  const chunks = await sql`
    select d.source, k.ordinal, k.start_at, k.end_at, k.title, k.anchor, k.page, k.language, k.text, k.terms::text as terms, k.length, k.tokens,
      k.sections::text as sections, k.table_header
    from chunks k join documents d on d.id = k.document_id join collections c on c.id = k.collection_id
    where c.name = ${collection} order by d.source, k.ordinal`
  const vectors = await sql`
    select d.source, k.ordinal, v.window_number, v.start_at, v.end_at, m.name as model, md5(v.embedding::text) as embedding
    from chunk_vectors v join chunks k on k.id = v.chunk_id join documents d on d.id = k.document_id
    join collections c on c.id = v.collection_id join embedding_models m on m.id = v.model_id
    where c.name = ${collection} order by d.source, k.ordinal, v.window_number`
  return {
    documents: [...documents],
    chunks: [...chunks],
    vectors: [...vectors],
    statistics: await statisticsOf(sql, collection),
  }
}

export async function statisticsOf(sql: Sql, collection = 'default'): Promise<Statistics> {
  const [counts] = await sql`
    select document_count, chunk_count, term_count, m.name as model
    from collections c left join embedding_models m on m.id = c.model_id where c.name = ${collection}`
  const terms = await sql`
    select term, t.chunk_count from collection_terms t join collections c on c.id = t.collection_id where c.name = ${collection} order by term`
  const languages = await sql`
    select language, l.chunk_count from collection_languages l join collections c on c.id = l.collection_id
    where c.name = ${collection} order by language`
  return { counts, terms: [...terms], languages: [...languages] }
}
