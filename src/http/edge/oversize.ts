import type { FastifyInstance, FastifyRequest } from 'fastify'
import { maxShown } from '../replies/validation-errors.ts'

/**
 * Limits the memory that validation takes. Validation collects every fault, and a fault takes a hundred times the
 * memory of the invalid value: 16 MB of empty objects took 4 GB. So a list or object with more items than its schema
 * allows is first truncated to slightly more than that. It is still rejected, for its size and for the remaining
 * faults.
 */
export function registerOversize(app: FastifyInstance): void {
  app.addHook('onRoute', route => {
    const body = (route.schema as { readonly body?: Schema } | undefined)?.body
    if (!body) return
    const cut = (request: FastifyRequest, _: unknown, done: () => void) => {
      if (!isSmall(request)) request.body = cutDown(request.body, body)
      done()
    }
    route.preValidation = [cut, ...[route.preValidation ?? []].flat()]
  })
}

/** Most bodies are small, and a small body cannot contain many faults. */
function isSmall({ headers }: FastifyRequest): boolean {
  return Number(headers['content-length'] ?? Infinity) < 4096
}

/** The part of JSON Schema that schemas.ts uses for lists and objects. */
export interface Schema {
  readonly type?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: unknown
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, unknown>>
  readonly additionalProperties?: unknown
  readonly maxProperties?: number
}

/**
 * Returns `value` itself if nothing in it is too large, otherwise a truncated copy that is still slightly too large.
 */
export function cutDown(value: unknown, schema: Schema): unknown {
  if (typeof value !== 'object' || value === null) return value
  const forms = schema.anyOf ?? [schema]
  return Array.isArray(value)
    ? cutList(
        value,
        forms.find(({ type }) => type === 'array'),
      )
    : cutObject(
        value as Fields,
        forms.filter(({ type }) => type === 'object'),
      )
}

type Fields = Readonly<Record<string, unknown>>

function cutList(list: readonly unknown[], schema: Schema | undefined): unknown {
  if (!schema) return list
  const most = Math.max((schema.maxItems ?? Infinity) + 1, maxShown + 1)
  const kept = list.length > most ? list.slice(0, most) : list
  const items = kept.map(item => cutDown(item, schemaIn(schema.items)))
  return kept !== list || items.some((item, i) => item !== kept[i]) ? items : list
}

function cutObject(object: Fields, schemas: readonly Schema[]): unknown {
  if (schemas.length === 0) return object
  const properties = Object.assign({}, ...schemas.map(schema => schema.properties)) as Fields
  const others = schemaIn(schemas[0]?.additionalProperties)
  const names = Object.keys(object)
  const isKnown = (name: string) => Object.hasOwn(properties, name)
  let left = (schemas[0]?.maxProperties ?? maxShown) + 1
  const kept = names.length <= left ? names : names.filter(name => isKnown(name) || left-- > 0)
  const fields = kept.map(
    name => [name, cutDown(object[name], isKnown(name) ? schemaIn(properties[name]) : others)] as const,
  )
  return kept.length < names.length || fields.some(([name, field]) => field !== object[name])
    ? Object.fromEntries(fields)
    : object
}

function schemaIn(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? value : {}
}
