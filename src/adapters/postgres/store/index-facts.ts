import type { WithVectors } from './collections.ts'
import type { Sql } from '../database.ts'
import { recallProbe } from './recall.ts'
import { vectorSearch } from './vector-search.ts'
import { findVectorIndex, isWorthIndexing, vectorIndexName } from './vector-index.ts'

/** Of a collection that is large enough for an HNSW index. */
export interface IndexFacts {
  readonly collection: string
  readonly vectors: number
  readonly hasIndex: boolean
  readonly bytes: number | null
  /** Whether the planner takes it for a search as they are made; null without one. */
  readonly isUsed: boolean | null
  /** Searches in it since the server's statistics began; null without one. */
  readonly scans: number | null
  /** As `askwell tune recall` stored it; null: never measured. */
  readonly efSearch: number | null
}

export function isIndexed(collection: {
  readonly windowCount: number
  readonly model: { readonly dimensions: number } | null
}): collection is WithVectors {
  return collection.model !== null && isWorthIndexing(collection.windowCount, collection.model.dimensions)
}

/** The plan is asked for with the statement that searches, so that nothing is guessed; it is not run. */
export async function indexFacts(sql: Sql, collection: WithVectors): Promise<IndexFacts> {
  const index = await findVectorIndex(sql, collection)
  const about = { collection: collection.name, vectors: collection.windowCount, efSearch: collection.efSearch }
  if (!index) return { ...about, hasIndex: false, bytes: null, isUsed: null, scans: null }
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
  return { ...about, hasIndex: true, bytes: index.bytes, isUsed, scans: Number(stats?.['idx_scan'] ?? 0) }
}

/** Comparing every vector takes a quarter of a second here, and must be done for each question of the sample. */
const mostCompared = 300_000
const sampled = 8
const untuned = 100

/**
 * Recall@10 of the index at the depth it is searched with, for passages taken at random in the place of questions: an
 * estimate, to a few hundredths. `askwell tune recall` measures it well. Null: too many vectors to compare them all.
 */
export async function sampledRecall(sql: Sql, collection: WithVectors, signal: AbortSignal): Promise<number | null> {
  if (collection.windowCount > mostCompared) return null
  const probe = recallProbe({ lease: async (_terms, work) => await work(sql) }, collection, signal)
  let [found, wanted] = [0, 0]
  for (const values of await somePassages(sql, collection)) {
    const exact = (await probe.nearest(values, 'exact')).chunkIds.slice(0, 10)
    const near = new Set((await probe.nearest(values, collection.efSearch ?? untuned)).chunkIds.slice(0, 10))
    wanted += exact.length
    found += exact.filter(id => near.has(id)).length
  }
  return wanted === 0 ? null : found / wanted
}

/** By the first key at or after a random one: sorting all of them at random would read the table. */
async function somePassages(sql: Sql, { id, model }: WithVectors): Promise<Float32Array[]> {
  const rows = await sql`
    select v.embedding::text as embedding
    from (select min(chunk_id) as low, max(chunk_id) as high from chunk_vectors) b
    cross join lateral (select b.low + (random() * (b.high - b.low))::bigint as start from generate_series(1, ${sampled}::int)) r
    cross join lateral (
      select embedding from chunk_vectors
      where chunk_id >= r.start and collection_id = ${id} and model_id = ${model.id} order by chunk_id limit 1) v`
  return rows.map(row => Float32Array.from(JSON.parse(String(row['embedding'])) as number[]))
}
