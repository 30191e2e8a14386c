import type { Filter, Filters, Scalar } from '../../../ask/terms.ts'
import type { Fragment, Sql } from '../database.ts'

/**
 * Translates filters into one SQL/JSON path predicate for `metadata @@ $1::jsonpath`. It is a parameter, not SQL text.
 * Equality and membership use the GIN index, and a value of another type simply does not match. A field with a list
 * matches if one of its elements does (jsonpath's lax mode). Null if there is nothing to filter.
 */
export function metadataPath(filters: Filters): string | null {
  const conditions = Object.entries(filters).map(([field, filter]) => condition(`$.${JSON.stringify(field)}`, filter))
  return conditions.length > 0 ? conditions.join(' && ') : null
}

/**
 * Whether the chunk `c` belongs to a document that passes. This is a scalar subquery and not `exists`, which the
 * planner turns into a join: with its estimate for a filter it would collect all documents that pass, for the sake of a
 * hundred chunks.
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

/** JSON literals are valid jsonpath; numbers come from JSON and so are never NaN or infinite. */
function literal(value: Scalar): string {
  return JSON.stringify(value)
}
