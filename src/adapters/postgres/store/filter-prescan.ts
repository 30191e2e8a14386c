import type { Fragment, Sql } from '../database.ts'
import { inlineNumber } from '../inline-number.ts'

/** So many chunks pass a filter at the most for each of them to be scored by its words; of more, the index finds enough. */
const fewEnough = 5000
/**
 * So many for the vectors of all of them to be compared. Of a larger share the approximate index is quicker also for a question
 * whose nearest neighbours do not pass: it goes on through those that are farther and farther. A collection that is not
 * larger has none.
 */
const compared = { atLeast: 20_000, share: 0.2, atMost: 200_000 } as const

/** `chunkCount`: of the collection. */
export function comparedAtMost(chunkCount: number): number {
  return Math.max(compared.atLeast, Math.min(compared.atMost, Math.round(compared.share * chunkCount)))
}

/** CTEs `few (id)`, chunks that pass the filter, and `size (count)`, how many: more than `atMost` end the counting. */
export function prescan(
  sql: Sql,
  {
    collectionId,
    path,
    atMost = fewEnough,
  }: { readonly collectionId: number; readonly path: string; readonly atMost?: number },
): Fragment {
  return sql`
    few as materialized (
      select c.id from documents d join chunks c on c.document_id = d.id
      where d.collection_id = ${inlineNumber(sql, collectionId)} and d.metadata @@ ${path}::jsonpath limit ${inlineNumber(sql, atMost + 1)}),
    size as materialized (select count(*) as count from few)`
}

export function passesFew(sql: Sql, atMost: number = fewEnough): Fragment {
  return sql`(select count from size) <= ${inlineNumber(sql, atMost)}`
}
