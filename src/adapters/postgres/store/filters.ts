import type { Filter, Filters, Scalar } from '../../../ask/terms.ts'
import type { Fragment, Sql } from '../database.ts'

/**
 * Filters as one SQL/JSON path predicate for `metadata @@ $1::jsonpath`: a parameter, not SQL text; equality and
 * membership use the GIN index; a value of another type simply does not match. A field that holds a list
 * matches when one of its members does (jsonpath's lax mode). Null when there is nothing to filter.
 */
export function metadataPath(filters: Filters): string | null {
  const conditions = Object.entries(filters).map(([field, filter]) => condition(`$.${JSON.stringify(field)}`, filter))
  return conditions.length > 0 ? conditions.join(' && ') : null
}

/**
 * Whether the chunk `c` is of a document that passes. A value and not `exists`, which the planner makes a join of: with what
 * it guesses of a filter it would gather all documents that pass, for the sake of the hundred chunks that are looked at.
 */
export function passesFilter(sql: Sql, path: string): Fragment {
  return sql`(select d.metadata @@ ${path}::jsonpath from documents d where d.id = c.document_id)`
}

function condition(field: string, filter: Filter): string {
  if (typeof filter !== 'object') return `${field} == ${literal(filter)}`
  if ('in' in filter) return `(${filter.in.map(value => `${field} == ${literal(value)}`).join(' || ')})`
  const bounds = [
    ['>', filter.gt],
    ['>=', filter.gte],
    ['<', filter.lt],
    ['<=', filter.lte],
  ] as const
  const tests = bounds.flatMap(([operator, bound]) => (bound === undefined ? [] : [`@ ${operator} ${literal(bound)}`]))
  return `exists(${field} ? (${tests.join(' && ')}))`
}

/** JSON's literals are jsonpath's; numbers come from JSON and so are never NaN or infinite. */
function literal(value: Scalar): string {
  return JSON.stringify(value)
}
