import type { Fragment, Sql } from '../database.ts'
import { passesFew } from './filter-prescan.ts'
import { passesFilter } from './filters.ts'
import { inlineNumber } from '../inline-number.ts'
import { directionText } from '../vector-text.ts'
import type { VectorSearch } from '../../../ask/retrieval/passage-search.ts'

export interface VectorFilter {
  /** Predicate for `metadata @@ $1::jsonpath`. */
  readonly path: string
  /** If at most this many chunks pass, all of them are compared. */
  readonly atMost: number
}

/** Search depth if no recall was measured; pgvector's default of 40 finds about 0.85 of the nearest ten. */
const untunedEfSearch = 100
/** pgvector's upper bound. */
const largestEfSearch = 1000
/** How many vectors of the index are scanned for chunks that pass a filter. */
const maxScanTuples = 200_000

/**
 * Builds `select id, similarity`: the chunks whose best window is nearest by cosine. If the collection has an HNSW
 * index (see vector-index.ts) Postgres searches it, with `ef_search` as tuned; otherwise it compares every vector. The
 * collection and the model are inlined as numbers because a partial index is used only if its condition is constant.
 * The row limit is inlined because Postgres expects too many rows for an unknown limit to use an index.
 */
export function vectorSearch(sql: Sql, search: VectorSearch, filter: VectorFilter | null): Fragment {
  return sql`
    select n.chunk_id as id, max(1 - n.distance) as similarity
    from (${filter === null ? nearestOfAll(sql, search) : nearestOfMatching(sql, search, filter)}) as n
    group by n.chunk_id order by similarity desc, n.chunk_id limit ${search.limit}`
}

function nearestOfAll(sql: Sql, search: VectorSearch): Fragment {
  return sql`
    select w.chunk_id, w.distance from (${settings(sql, search)}) s cross join lateral (
      select v.chunk_id, ${distance(sql, search)} as distance
      from chunk_vectors v where ${ofCollection(sql, search)} order by 2 limit ${inlineNumber(sql, windowsWanted(search))}) w`
}

/**
 * If few chunks pass (see filter-prescan.ts) all of them are compared; otherwise the index is scanned until enough have
 * passed. So `limit` rows are returned whenever they exist, however rarely the filter matches.
 */
function nearestOfMatching(sql: Sql, search: VectorSearch, { path, atMost }: VectorFilter): Fragment {
  return sql`
    select w.chunk_id, w.distance from (
      select v.chunk_id, ${distance(sql, search)} as distance
      from few join chunk_vectors v on v.chunk_id = few.id and v.model_id = ${inlineNumber(sql, search.modelId)}
      where ${passesFew(sql, atMost)} order by 2 limit ${inlineNumber(sql, windowsWanted(search))}) w
    union all
    select w.chunk_id, w.distance from (${settings(sql, search)}) s cross join lateral (
      select v.chunk_id, ${distance(sql, search)} as distance
      from chunk_vectors v where not ${passesFew(sql, atMost)} and ${ofCollection(sql, search)}
        and (select ${passesFilter(sql, path)} from chunks c where c.id = v.chunk_id)
      order by 2 limit ${inlineNumber(sql, windowsWanted(search))}) w`
}

/** Sets the parameters for this statement only, before the scan that reads them: the scan is lateral to this row. */
function settings(sql: Sql, search: VectorSearch): Fragment {
  const efSearch = Math.min(largestEfSearch, Math.max(search.efSearch ?? untunedEfSearch, windowsWanted(search)))
  return sql`
    select set_config('hnsw.ef_search', ${String(efSearch)}::text, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
      set_config('hnsw.max_scan_tuples', ${String(maxScanTuples)}::text, true)`
}

function windowsWanted({ limit, windowsPerChunk }: VectorSearch): number {
  return limit * windowsPerChunk
}

function distance(sql: Sql, { values }: VectorSearch): Fragment {
  const type = sql.unsafe(`halfvec(${values.length})`)
  return sql`v.embedding::${type} <=> ${directionText(values)}::${type}`
}

function ofCollection(sql: Sql, { collectionId, modelId }: VectorSearch): Fragment {
  return sql`v.collection_id = ${inlineNumber(sql, collectionId)} and v.model_id = ${inlineNumber(sql, modelId)}`
}
