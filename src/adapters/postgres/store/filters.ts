import type { Filter, Filters, Scalar } from '../../../ask/terms/question.ts'
import type { Fragment, Sql } from '../database.ts'

/**
 * Translates filters into one SQL/JSON path predicate for `metadata @@ $1::jsonpath`. It is a parameter, not SQL text.
 * Equality and membership use the GIN index. A number or boolean also matches its exact text ("2026"), and such a text
 * matches the number, because formats without types lose them; "007" stays text. A range compares values of one type. A field with a list
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
  if (typeof filter !== 'object') return equals(field, [filter])
  if ('in' in filter) return equals(field, filter.in)
  const bounds = [
    ['>', filter.gt],
    ['>=', filter.gte],
    ['<', filter.lt],
    ['<=', filter.lte],
  ] as const
  const tests = bounds.flatMap(([operator, bound]) => (bound === undefined ? [] : [`@ ${operator} ${literal(bound)}`]))
  return `exists(${field} ? (${tests.join(' && ')}))`
}

function equals(field: string, values: readonly Scalar[]): string {
  const literals = new Set(values.flatMap(value => [value, ...otherForms(value)]).map(literal))
  return `(${Array.from(literals, each => `${field} == ${each}`).join(' || ')})`
}

/** The text of a number or a boolean, or the number or boolean with exactly this text. */
function otherForms(value: Scalar): Scalar[] {
  if (typeof value !== 'string') return [String(value)]
  if (value === 'true' || value === 'false') return [value === 'true']
  const number = Number(value)
  return Number.isFinite(number) && String(number) === value ? [number] : []
}

/** JSON literals are valid jsonpath; numbers come from JSON and so are never NaN or infinite. */
function literal(value: Scalar): string {
  return JSON.stringify(value)
}
