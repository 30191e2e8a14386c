import fc from 'fast-check'
import { METHODS } from 'node:http'
import { adminKey } from './admin-key.ts'
import { at, contract, place } from './contract.ts'
import { texts, valuesOf, type Favourites, type Values } from './schema-values.ts'

/** Requests generated from openapi.yaml: valid, nearly valid and invalid ones. */

export interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** In Latin-1, one character per byte: bodies need not be UTF-8, and counterexamples must be readable. */
  readonly body: string | undefined
}

type Json = Readonly<Record<string, unknown>>

export interface Operation {
  readonly path: string
  readonly method: string
  readonly pointer: string
}

export const operations: readonly Operation[] = Object.entries(contract['paths'] as Record<string, Json>).flatMap(
  ([path, item]) =>
    Object.keys(item)
      .filter(name => ['get', 'put', 'post', 'delete', 'patch'].includes(name))
      .map(method => {
        return { path, method: method.toUpperCase(), pointer: `/paths/${path.replaceAll('/', '~1')}/${method}` }
      }),
)

/** Endpoints with more code get more requests. */
const weights: Readonly<Record<string, number>> = { 'POST /ask': 12, 'POST /search': 6, 'PUT /documents': 2 }

/** Requests to a service that has documents with these ids. */
export function fuzzRequests(ids: readonly string[]): fc.Arbitrary<FuzzRequest> {
  const favourites: Favourites = {
    '/components/schemas/CollectionName': fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('default', 'default', 'fuzz') },
      { weight: 1, arbitrary: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/) },
    ),
  }
  return fc.oneof(
    ...operations.map(operation => ({
      weight: weights[`${operation.method} ${operation.path}`] ?? 1,
      arbitrary: requestsTo(operation, ids, favourites),
    })),
  )
}

function requestsTo(operation: Operation, ids: readonly string[], favourites: Favourites): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      method: mostly(
        fc.constant(operation.method),
        fc.constantFrom(...METHODS.filter(method => method !== 'CONNECT')),
        30,
      ),
      path: mostly(paths(operation, ids, favourites), oddPaths, 30),
      headers: headers(operation),
      body: bodies(operation, favourites),
    })
    .map(asked =>
      asked.body === undefined && asked.headers['content-type'] === 'application/json' ? withoutType(asked) : asked,
    )
}

/** Removes the content type of a request without a body, because that would be rejected before the route. */
function withoutType(asked: FuzzRequest): FuzzRequest {
  const { ...headers } = asked.headers as Record<string, string>
  delete headers['content-type']
  return { ...asked, headers }
}

/** One value in `of` is odd. */
function mostly<T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, of: number): fc.Arbitrary<T> {
  return fc.oneof({ weight: of - 1, arbitrary: usual }, { weight: 1, arbitrary: odd })
}

function paths({ path, pointer }: Operation, ids: readonly string[], favourites: Favourites): fc.Arbitrary<string> {
  const id = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ids) },
    { weight: 1, arbitrary: fc.uuid() },
    { weight: 1, arbitrary: texts.map(encoded) },
  )
  const queries = parametersOf(pointer)
    .filter(parameter => parameter['in'] === 'query')
    .map(({ name, schema }) =>
      fc.oneof(valuesOf(schema as Json, favourites), texts).map(value => `?${String(name)}=${encoded(String(value))}`),
    )
  const query = fc.oneof(
    { weight: 6, arbitrary: fc.constant('') },
    ...queries.map(arbitrary => ({ weight: 6, arbitrary })),
    { weight: 1, arbitrary: texts.map(text => `?${encoded(text)}`) },
  )
  return fc.tuple(id, query).map(([id, query]) => path.replace(/\{\w+\}/, id) + query)
}

/** Truncated, because the path counts towards the header size, which has its own test. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed().slice(0, 200))
}

const oddPaths = fc.oneof(
  texts.map(text => `/${encoded(text)}`),
  fc.constantFrom(
    '/ask/',
    '//ask',
    '/ASK',
    '/%61sk',
    '/ask;a=b',
    '/ask%00',
    '/%',
    '/%ff',
    '/documents/',
    '/documents/%2e%2e',
    '/../ask',
    '/docs/../ask',
    '*',
    '/ask#x',
    'http://example.org/ask',
    '/ask?'.padEnd(3000, 'x'),
  ),
)

function parametersOf(pointer: string): Json[] {
  const path = place(pointer.slice(0, pointer.lastIndexOf('/')))
  return [path, place(pointer)].flatMap(each => {
    const list = each && at(each, 'parameters')
    return list ? Object.keys(list.value).map(index => (at(list, index) as { value: Json }).value) : []
  })
}

function headers(operation: Operation): fc.Arbitrary<Record<string, string>> {
  const documented = parametersOf(operation.pointer)
    .filter(parameter => parameter['in'] === 'header')
    .map(
      ({ name, schema }) =>
        [String(name).toLowerCase(), fc.oneof(valuesOf(schema as Json).map(String), words).map(visible)] as const,
    )
  const isLocked = (place(operation.pointer)?.value['security'] as unknown[] | undefined)?.length !== undefined
  const key = fc.constant(`Bearer ${adminKey}`)
  const others: Record<string, fc.Arbitrary<string>> = {
    ...Object.fromEntries(documented),
    accept: fc.constantFrom(
      'application/json',
      'text/event-stream',
      '*/*',
      '',
      'text/html;q=0.1, garbage',
      'text/event-stream;q=0',
    ),
    'cache-control': cacheControls,
    'x-request-id': fc.oneof(texts.map(visible), fc.stringMatching(/^[\w.:-]{1,128}$/)),
    traceparent: fc.constantFrom(
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      '00-00-00-00',
      'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ),
    'x-forwarded-for': fc.oneof(fc.ipV4(), fc.ipV6(), texts.map(visible)),
    origin: fc.constantFrom('https://example.org', 'null', ''),
    'accept-encoding': fc.constantFrom('gzip', 'br;q=1.0, *;q=0.5', ''),
    'content-encoding': fc.constantFrom('gzip', 'identity'),
    expect: fc.constantFrom('100-continue', 'the unexpected'),
    upgrade: fc.constantFrom('websocket', 'h2c'),
    'if-none-match': fc.constantFrom('*', '"a"'),
    range: fc.constant('bytes=0-1'),
    connection: fc.constantFrom('close', 'keep-alive'),
    'x-large': fc.constantFrom(10, 15_000, 20_000).map(length => 'x'.repeat(length)),
  }
  const some = fc.array(
    fc.oneof(...Object.entries(others).map(([name, values]) => fc.tuple(fc.constant(name), values))),
    { maxLength: 2 },
  )
  return fc
    .record({
      some: some.map(pairs => Object.fromEntries(pairs)),
      type: mostly(
        fc.constant('application/json'),
        fc.constantFrom(
          'text/plain',
          'application/json; charset=utf-16',
          'Application/JSON;charset=UTF-8',
          '',
          ';',
          'multipart/form-data; boundary=x',
        ),
        30,
      ),
      authorization: isLocked
        ? mostly(key, fc.constantFrom('', 'Bearer', 'Bearer wrong', 'Basic YTpi'), 20)
        : mostly(fc.constant(''), key, 30),
    })
    .map(({ some, type, authorization }) => ({
      'content-type': type,
      ...(authorization !== '' && { authorization }),
      ...some,
    }))
}

const words = fc.constantFrom('interactive', 'batch', 'true', '0', '-1', '1e9', 'NaN', ',', '"')

const cacheControls = fc
  .array(
    fc.oneof(
      fc.constantFrom('no-cache', 'no-store', 'only-if-cached', 'max-stale', 'max-age', 'private', '=', ''),
      fc
        .tuple(
          fc.constantFrom('max-age', 'max-stale', 'MAX-AGE'),
          fc.constantFrom('0', '60', '-1', '1e3', '99999999999999999999', '"5"', ''),
        )
        .map(pair => pair.join('=')),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(list => list.join(', '))

/** Keeps characters that Node allows in a header. Malformed HTTP has its own test. */
function visible(text: string): string {
  return text
    .slice(0, 300)
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
    .trim()
}

function bodies({ method, pointer }: Operation, favourites: Favourites): fc.Arbitrary<string | undefined> {
  const schema = place(`${pointer}/requestBody/content/application~1json/schema`)
  const bare = fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: texts.map(bytesOf) })
  if (!schema || method === 'GET') return bare
  const valid = valuesOf({ $ref: `#${schema.pointer}` }, favourites)
  return fc.oneof(
    { weight: 10, arbitrary: valid.map(asText) },
    { weight: 10, arbitrary: nearly(valid).map(asText) },
    { weight: 3, arbitrary: torn(valid.map(asText)) },
    { weight: 2, arbitrary: fc.jsonValue().map(asText) },
    { weight: 1, arbitrary: bare },
  )
}

const asText = (value: unknown) => bytesOf(JSON.stringify(value))
const bytesOf = (text: string) => Buffer.from(text).toString('latin1')

const oddValues: Values = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    ' ',
    '\u00a0',
    '\0',
    '\ud800',
    0,
    -1,
    1.5,
    1e308,
    -0,
    2 ** 53,
    [],
    {},
    [[]],
    [null],
    { in: [] },
    { in: ['a'], gt: 1 },
    { gt: 'a', lt: 1 },
    'a'.repeat(5000),
    '../etc',
    'EN',
    Array(60).fill('a'),
  ),
  fc
    .constantFrom(10, 62, 63, 64, 65, 200, 1000)
    .map(depth => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown),
  fc.jsonValue({ maxDepth: 2 }),
  texts,
)

/** Valid values with one change: a member is replaced or removed, or an extra one is added. */
function nearly(valid: Values): Values {
  return fc
    .tuple(
      valid,
      fc.nat(),
      fc.constantFrom('put', 'put', 'remove', 'add'),
      oddValues,
      fc.oneof(fc.constantFrom('questions', 'constructor', 'a/b~c', ''), texts),
    )
    .map(([value, where, change, odd, name]) => changed(structuredClone(value), { where, change, odd, name }))
}

interface Change {
  /** Number of the member, modulo how many there are. */
  readonly where: number
  readonly change: 'put' | 'remove' | 'add'
  readonly odd: unknown
  /** Name of an added member. */
  readonly name: string
}

function changed(value: unknown, { where, change, odd, name }: Change): unknown {
  const spots = spotsOf(value)
  const spot = spots[where % Math.max(1, spots.length)]
  if (spot === undefined) return odd
  const [holder, key] = spot
  if (change === 'remove') delete holder[key]
  else if (change === 'put') holder[key] = odd
  else
    add(
      typeof holder[key] === 'object' && holder[key] !== null ? (holder[key] as Record<string, unknown>) : holder,
      name,
      odd,
    )
  return value
}

/** Appends to a list, because only a valid length can be assigned to `length`. */
function add(holder: Record<string, unknown>, name: string, value: unknown): void {
  if (Array.isArray(holder)) holder.push(value)
  else holder[name] = value
}

/** Every member in a value, as the object that contains it and its key. */
function spotsOf(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder).flatMap(key => [
    [holder, key] as [Record<string, unknown>, string],
    ...spotsOf(holder[key]),
  ])
}

/** JSON that is truncated, has extra or wrong bytes, or contains text that no serializer would write. */
function torn(whole: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const pieces = fc.constantFrom(
    '',
    '\xff',
    '\xc3',
    '\0',
    '"',
    '{',
    '}',
    ',',
    '\\',
    '\\ud800',
    '1e999',
    '-',
    '__proto__',
    '"__proto__":{"a":1},',
    '\xef\xbb\xbf',
    '\u00a0',
  )
  return fc.tuple(whole, fc.nat(), fc.nat(3), pieces).map(([text, where, gone, piece]) => {
    const from = where % (text.length + 1)
    return piece === '' ? text.slice(0, from) : text.slice(0, from) + piece + text.slice(from + gone)
  })
}
