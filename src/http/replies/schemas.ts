import Type, { type Static, type TSchema } from 'typebox'

/** Schemas of request bodies, in the snake_case of the API; wire.ts translates. Keep them in step with openapi.yaml. */

const strict = { additionalProperties: false }

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: '\\S' })
const Scalar = Type.Union([Type.String({ maxLength: 1000 }), Type.Number(), Type.Boolean()])
const Bound = Type.Union([Type.String({ maxLength: 1000 }), Type.Number()])

const Filter = Type.Union([
  Scalar,
  Type.Object({ in: Type.Array(Scalar, { minItems: 1, maxItems: 100 }) }, strict),
  Type.Object(
    { gt: Type.Optional(Bound), gte: Type.Optional(Bound), lt: Type.Optional(Bound), lte: Type.Optional(Bound) },
    { ...strict, minProperties: 1 },
  ),
])

/**
 * An object keyed by metadata fields. Uses `propertyNames` instead of Type.Record, whose pattern for names does not
 * match line breaks: the value of such a name would not be validated.
 */
function byField<Value extends TSchema>(value: Value, maxProperties: number) {
  const propertyNames = { minLength: 1, maxLength: 200 }
  return Type.Unsafe<Record<string, Static<Value>>>({
    type: 'object',
    propertyNames,
    additionalProperties: value,
    maxProperties,
  })
}

export const collectionPattern = '^[a-z0-9][a-z0-9_-]{0,62}$'
const languagePattern = '^[a-z]{2,3}$'

const urlPattern = '^https?://\\S+$'

/** Error messages for text that does not match a pattern. */
export const patternWords: Readonly<Record<string, string>> = {
  [urlPattern]: 'must be an absolute URL that starts with http:// or https://',
  [collectionPattern]: 'must be 1 to 63 characters of a-z, 0-9, _ and -, and start with a letter or a digit',
  [languagePattern]: 'must be a language code of two or three lower-case letters, such as en or kk',
}

export const CollectionName = Type.String({ pattern: collectionPattern })
export const Language = Type.String({ pattern: languagePattern })

/** Fields that /ask and /search have in common. */
const commonFields = {
  question: Text(4000),
  collection: Type.Optional(CollectionName),
  mode: Type.Optional(Type.Enum(['fast', 'smart', 'auto'])),
  filters: Type.Optional(byField(Filter, 20)),
  language: Type.Optional(Language),
  history: Type.Optional(
    Type.Array(Type.Object({ role: Type.Enum(['user', 'assistant']), content: Text(8000) }, strict), { maxItems: 50 }),
  ),
  timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
  // No `uniqueItems`: validation collects all faults, and comparing 60,000 items with each other takes a minute.
  include: Type.Optional(Type.Array(Type.Enum(['passages', 'timings', 'explain']), { maxItems: 3 })),
}

const topK = (maximum: number) => Type.Optional(Type.Integer({ minimum: 1, maximum }))

export const AskBody = Type.Object({ ...commonFields, top_k: topK(20), stream: Type.Optional(Type.Boolean()) }, strict)
export type AskBody = Static<typeof AskBody>

export const SearchBody = Type.Object({ ...commonFields, top_k: topK(50) }, strict)
export type SearchBody = Static<typeof SearchBody>

const Metadata = byField(Type.Unknown(), 100)

export const DocumentBody = Type.Object(
  {
    source: Text(1000),
    title: Type.Optional(Type.String({ maxLength: 1000 })),
    text: Type.String({ minLength: 1, pattern: '\\S' }),
    format: Type.Optional(Type.Enum(['text', 'markdown', 'html'])),
    url: Type.Optional(Type.String({ maxLength: 2000, pattern: urlPattern })),
    language: Type.Optional(Language),
    metadata: Type.Optional(Metadata),
  },
  strict,
)
export type DocumentBody = Static<typeof DocumentBody>

export const DocumentsBody = Type.Object(
  {
    collection: Type.Optional(CollectionName),
    documents: Type.Array(DocumentBody, { minItems: 1, maxItems: 100 }),
  },
  strict,
)
export type DocumentsBody = Static<typeof DocumentsBody>

export const DocumentParams = Type.Object({ id: Type.String({ format: 'uuid' }) }, strict)
export type DocumentParams = Static<typeof DocumentParams>
