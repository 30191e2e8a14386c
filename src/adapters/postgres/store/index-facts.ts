import type { WithVectors } from './collections.ts'
import type { Sql } from '../database.ts'
import { recallProbe } from './recall.ts'
import { vectorSearch } from './vector-search.ts'
import { findVectorIndex, isWorthIndexing, vectorIndexName } from './vector-index.ts'

/** Facts about the vector index of a collection that is large enough for one (HNSW). */
export interface IndexFacts {
  readonly collection: string
  readonly vectors: number
  readonly hasIndex: boolean
  readonly bytes: number | null
  /** Whether the planner uses it for a search; null without an index. */
  readonly isUsed: boolean | null
  /** Index scans since the server's statistics began; null without an index. */
  readonly scans: number | null
  /** The value stored by `askwell tune recall`; null if never measured. */
  readonly efSearch: number | null
}

export function isIndexed(collection: {
  readonly windowCount: number
  readonly model: { readonly dimensions: number } | null
}): collection is WithVectors {
  return collection.model !== null && isWorthIndexing(collection.windowCount, collection.model.dimensions)
}

/** Explains the actual search statement, without running it, so that nothing is guessed. */
export async function indexFacts(sql: Sql, collection: WithVectors): Promise<IndexFacts> {
  const index = await findVectorIndex(sql, collection)
  const common = { collection: collection.name, vectors: collection.windowCount, efSearch: collection.efSearch }
  if (!index) return { ...common, hasIndex: false, bytes: null, isUsed: null, scans: null }
  const name = vectorIndexName(collection)
  const [stats] = await sql`select idx_scan from pg_stat_user_indexes where indexrelname = ${name}`
  const { id, model, windowCount, chunkCount, efSearch } = collection
  const windowsPerChunk = Math.max(1, Math.ceil(windowCount / Math.max(1, chunkCount)))
  const search = {
    collectionId: id,
    modelId: model.id,
    values: new Float32Array(model.dimensions).fill(1),
    windowsPerChunk,
    efSearch,
    limit: 50,
  }
  const plan = await sql`explain ${vectorSearch(sql, search, null)}`
  const isUsed = plan.some(row => String(row['QUERY PLAN']).includes(name))
  return { ...common, hasIndex: true, bytes: index.bytes, isUsed, scans: Number(stats?.['idx_scan'] ?? 0) }
}

/** Above this size, comparing every vector takes 0.25 s, for each question of the sample. */
const maxCompared = 300_000
const sampleSize = 8
const untunedEfSearch = 100

/**
 * Estimates recall@10 of the index at its search depth, to a few hundredths, using random passages as questions.
 * `askwell tune recall` measures it properly. Null if there are too many vectors to compare them all.
 */
export async function sampledRecall(sql: Sql, collection: WithVectors, signal: AbortSignal): Promise<number | null> {
  if (collection.windowCount > maxCompared) return null
  const probe = recallProbe({ lease: async (_terms, work) => await work(sql) }, collection, signal)
  let [found, expected] = [0, 0]
  for (const values of await randomPassages(sql, collection)) {
    const exact = (await probe.nearest(values, 'exact')).chunkIds.slice(0, 10)
    const approximate = new Set(
      (await probe.nearest(values, collection.efSearch ?? untunedEfSearch)).chunkIds.slice(0, 10),
    )
    expected += exact.length
    found += exact.filter(id => approximate.has(id)).length
  }
  return expected === 0 ? null : found / expected
}

/** Picks the first key at or after a random one: sorting all keys randomly would read the whole table. */
async function randomPassages(sql: Sql, { id, model }: WithVectors): Promise<Float32Array[]> {
  const rows = await sql`
    select v.embedding::text as embedding
    from (select min(chunk_id) as low, max(chunk_id) as high from chunk_vectors) b
    cross join lateral (select b.low + (random() * (b.high - b.low))::bigint as start from generate_series(1, ${sampleSize}::int)) r
    cross join lateral (
      select embedding from chunk_vectors
      where chunk_id >= r.start and collection_id = ${id} and model_id = ${model.id} order by chunk_id limit 1) v`
  return rows.map(row => Float32Array.from(JSON.parse(String(row['embedding'])) as number[]))
}
