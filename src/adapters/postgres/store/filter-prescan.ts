import type { Fragment, Sql } from '../database.ts'
import { inlineNumber } from '../inline-number.ts'

/**
 * If at most this many chunks pass a filter, each of them is scored by its words; if more do, the index finds enough.
 */
const maxScored = 5000
/**
 * If at most this many chunks pass a filter, all their vectors are compared. For a larger share the approximate index
 * is faster, even for a question whose nearest neighbours do not pass: it continues to ever more distant ones. A
 * collection that is not larger has no index.
 */
const compareAll = { atLeast: 20_000, share: 0.2, atMost: 200_000 } as const

/** `chunkCount` is that of the collection. */
export function comparedAtMost(chunkCount: number): number {
  return Math.max(compareAll.atLeast, Math.min(compareAll.atMost, Math.round(compareAll.share * chunkCount)))
}

/**
 * Builds CTEs `few (id)`, chunks that pass the filter, and `size (count)`, their number. Counting stops beyond
 * `atMost`.
 */
export function prescan(
  sql: Sql,
  {
    collectionId,
    path,
    atMost = maxScored,
  }: { readonly collectionId: number; readonly path: string; readonly atMost?: number },
): Fragment {
  return sql`
    few as materialized (
      select c.id from documents d join chunks c on c.document_id = d.id
      where d.collection_id = ${inlineNumber(sql, collectionId)} and d.metadata @@ ${path}::jsonpath limit ${inlineNumber(sql, atMost + 1)}),
    size as materialized (select count(*) as count from few)`
}

export function passesFew(sql: Sql, atMost: number = maxScored): Fragment {
  return sql`(select count from size) <= ${inlineNumber(sql, atMost)}`
}
