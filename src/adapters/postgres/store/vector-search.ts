import type { Fragment, Sql } from '../database.ts'
import { passesFew } from './filter-prescan.ts'
import { passesFilter } from './filters.ts'
import { inlineNumber } from '../inline-number.ts'
import { directionText } from '../vector-text.ts'
import type { VectorSearch } from '../../../ask/retrieval/passage-search.ts'

export interface VectorFilter {
  /** For `metadata @@ $1::jsonpath`. */
  readonly path: string
  /** Where no more chunks pass, all of them are compared. */
  readonly atMost: number
}

/** What is looked at where no recall was measured: pgvector's own 40 finds about .85 of the nearest ten. */
const untunedEfSearch = 100
/** pgvector's upper bound. */
const largestEfSearch = 1000
/** How far the index is searched for chunks that pass a filter. */
const farEnough = 200_000

/**
 * `select id, similarity`: the chunks whose best window is nearest by cosine. Where the collection has an HNSW index
 * (see vector-index.ts) Postgres searches that, with `ef_search` as tuned, else it compares every vector. The
 * collection and the model stand in the text as numbers, not as parameters, because a partial index is used only
 * where its condition is plain; the rows wanted, because no index is used for as many as are expected of an unknown number.
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
 * Where few chunks pass (see filter-prescan.ts), all of them are compared; else the index is searched on and on until enough have passed.
 * So `limit` rows come back whenever they exist, however rare the filter's matches are.
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

/** For this statement alone, and before the scan that reads them: the scan is lateral to this row. */
function settings(sql: Sql, search: VectorSearch): Fragment {
  const efSearch = Math.min(largestEfSearch, Math.max(search.efSearch ?? untunedEfSearch, windowsWanted(search)))
  return sql`
    select set_config('hnsw.ef_search', ${String(efSearch)}::text, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
      set_config('hnsw.max_scan_tuples', ${String(farEnough)}::text, true)`
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
