import type { Fragment, Sql } from './database.ts'
import { number } from './number.ts'

/** So many chunks pass a filter at the most for each of them to be looked at; of more, the indexes find enough. */
const fewEnough = 5000

/** CTEs `few (id)`, chunks that pass the filter, and `size (count)`, how many: more than are few end the counting. */
export function fewOf(sql: Sql, collectionId: number, path: string): Fragment {
  return sql`
    few as materialized (
      select c.id from documents d join chunks c on c.document_id = d.id
      where d.collection_id = ${number(sql, collectionId)} and d.metadata @@ ${path}::jsonpath limit ${number(sql, fewEnough + 1)}),
    size as materialized (select count(*) as count from few)`
}

export function isFew(sql: Sql): Fragment {
  return sql`(select count from size) <= ${number(sql, fewEnough)}`
}
