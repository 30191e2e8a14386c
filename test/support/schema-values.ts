import fc from 'fast-check'
import { place } from './contract.ts'
import { anyText } from './any-text.ts'

/** Generates values that a JSON Schema allows. It supports the keywords that the requests of openapi.yaml use. */

type Schema = Readonly<Record<string, unknown>>
export type Values = fc.Arbitrary<unknown>

/** Preferred values by pointer into openapi.yaml, used instead of arbitrary valid ones. */
export type Favourites = Readonly<Record<string, Values>>

/** Texts as people and programs write them, and broken ones. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .array(
        fc.constantFrom(
          ...'how much does a place in the dormitory cost grant library book lost стипендия деканат 12,000 ?'.split(
            ' ',
          ),
        ),
        { minLength: 1, maxLength: 12 },
      )
      .map(words => words.join(' ')),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 60 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  { weight: 2, arbitrary: anyText({ maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\u202egnp.exe',
      '🤷🏽‍♀️',
      '\ufeff',
      '-- NOT | & ! ( * :*',
      "'; drop table chunks; --",
      '%s%n${7*7}',
      'İıſßﬃ',
      'Å'.normalize('NFD'),
      '\u{10ffff}',
      'a'.repeat(4000),
      'x\r\ny: z',
      '<script>',
    ),
  },
)

export function valuesOf(schema: Schema, favourites: Favourites = {}): Values {
  const { $ref, enum: choices, const: only, anyOf, oneOf } = schema
  if (typeof $ref === 'string') return favourites[$ref.slice(1)] ?? valuesOf(place($ref.slice(1))!.value, favourites)
  if (Array.isArray(choices)) return fc.constantFrom(...(choices as unknown[]))
  if (only !== undefined) return fc.constant(only)
  const branches = anyOf ?? oneOf
  if (Array.isArray(branches)) return fc.oneof(...(branches as Schema[]).map(branch => valuesOf(branch, favourites)))
  const types = [schema['type']].flat() as (string | undefined)[]
  return fc.oneof(...types.map(type => valuesOfType(type, schema, favourites)))
}

function valuesOfType(type: string | undefined, schema: Schema, favourites: Favourites): Values {
  const { minimum, maximum, items } = schema as { minimum?: number; maximum?: number; items?: Schema }
  switch (type) {
    case 'string':
      return stringsOf(schema)
    case 'integer':
      return fc.integer({ min: minimum ?? -(2 ** 31), max: maximum ?? 2 ** 31 - 1 })
    case 'number':
      return fc.double({ min: minimum ?? -1e308, max: maximum ?? 1e308, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valuesOf(items ?? {}, favourites), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: Math.min(4, Number(schema['maxItems'] ?? 4)),
      })
    case 'object':
      return objectsOf(schema, favourites)
    default:
      return fc.jsonValue({ maxDepth: 3 })
  }
}

function stringsOf({ minLength, maxLength, pattern, format }: Schema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid()
  const shape = typeof pattern === 'string' ? new RegExp(pattern) : undefined
  // `\S` only requires one visible character, which texts have anyway; other patterns define the whole text.
  const made = shape === undefined || shape.source === '\\S' ? texts : fc.stringMatching(shape)
  const fits = (text: string) =>
    [...text].length >= Number(minLength ?? 0) &&
    [...text].length <= Number(maxLength ?? Infinity) &&
    (shape?.test(text) ?? true)
  return made.filter(text => fits(text) && text.isWellFormed() && !text.includes('\0'))
}

function objectsOf(schema: Schema, favourites: Favourites): Values {
  const {
    properties = {},
    required = [],
    additionalProperties,
    propertyNames,
  } = schema as {
    properties?: Record<string, Schema>
    required?: string[]
    additionalProperties?: Schema | boolean
    propertyNames?: Schema
  }
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, each]) => [name, valuesOf(each, favourites)]),
  )
  const named = fc.record(fields, { requiredKeys: required, noNullPrototype: true })
  const least = Number(schema['minProperties'] ?? 0)
  const hasEnough = (value: object) => Object.keys(value).length >= least
  if (typeof additionalProperties !== 'object') return named.filter(hasEnough)
  const names = fc.oneof(
    fc.constantFrom('faculty', 'year', 'tags'),
    valuesOf({ type: 'string', ...propertyNames }) as fc.Arbitrary<string>,
  )
  const others = fc.dictionary(
    names.filter(name => name !== '__proto__'),
    valuesOf(additionalProperties, favourites),
    { maxKeys: 3, noNullPrototype: true },
  )
  return fc
    .tuple(others, named)
    .map(([those, these]) => ({ ...those, ...(these as object) }))
    .filter(hasEnough)
}
