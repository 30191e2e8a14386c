import { hash } from 'node:crypto'
import tap from 'tap'
import { AskError, errorTable, type ErrorCode } from '../../../../src/errors.ts'
import { problemOf } from '../../../../src/http/replies/problems.ts'
import { AskBody, DocumentParams, DocumentsBody, SearchBody } from '../../../../src/http/replies/schemas.ts'
import { wireErrors } from '../../../../src/http/edge/malformed.ts'
import { questionOf, searchedQuestion } from '../../../../src/http/replies/wire.ts'
import { version } from '../../../../src/version.ts'
import { contract, contractFaults, eventFaults, place, schemaFaults } from '../../../support/contract.ts'
import { edgeApp } from '../../../support/edge.ts'

type Json = Readonly<Record<string, unknown>>

tap.test('request schemas: those that requests are held against, but for their words', async t => {
  t.same(plain(valueAt('/components/schemas/AskRequest')), plain(AskBody))
  t.same(plain(valueAt('/components/schemas/SearchRequest')), plain(SearchBody))
  t.same(plain(valueAt('/components/schemas/DocumentsRequest')), plain(DocumentsBody))
  t.same(plain(valueAt('/paths/~1documents~1{id}/parameters/0/schema')), plain(DocumentParams.properties.id))
})

tap.test('documented defaults: those that a question gets', async t => {
  const { collection, mode, topK } = questionOf({ question: 'x' })
  t.equal(valueAt('/components/schemas/CollectionName')['default'], collection)
  t.equal(valueAt('/components/schemas/Mode')['default'], mode)
  t.equal(valueAt('/components/schemas/AskRequest/properties/top_k')['default'], topK)
  t.equal(
    valueAt('/components/schemas/SearchRequest/properties/top_k')['default'],
    searchedQuestion({ question: 'x' }).topK,
  )
})

tap.test('operations: every route of the app, and no other', async t => {
  const documented = operations().map(
    ({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
  )
  t.same(documented.sort(), (await routesOf()).sort())
})

tap.test('codes: every error that a client can get, with its status and title', async t => {
  const hidden: readonly string[] = ['cancelled']
  const known = [...Object.keys(errorTable).filter(code => !hidden.includes(code)), ...Object.keys(wireErrors)]
  t.same([...(valueAt('/components/schemas/ProblemCode')['enum'] as string[])].sort(), known.sort())
  for (const { value } of problemExamples()) {
    const { code, detail, instance } = value as {
      code: ErrorCode | keyof typeof wireErrors
      detail: string
      instance: string
    }
    const { type, title, status } =
      code in wireErrors
        ? { type: `/problems/${code}`, ...wireErrors[code as keyof typeof wireErrors] }
        : problemOf(new AskError(code as ErrorCode, { detail }), instance)
    t.match(value, { type, title, status, code }, `${code} as it is sent`)
  }
})

tap.test('codes: each has an example, under its own status', async t => {
  const shown = new Set(problemExamples().map(({ value }) => value['code']))
  const unshown = (valueAt('/components/schemas/ProblemCode')['enum'] as string[]).filter(code => !shown.has(code))
  t.same(
    unshown.filter(code => errorTable[code as ErrorCode]?.status !== 503),
    [],
    'of the many 503 two are enough',
  )
})

tap.test('examples: fit their own schemas', async t => {
  for (const { pointer, value } of contentsWithExamples()) {
    for (const [name, example] of Object.entries(value['examples'] as Record<string, Json>)) {
      t.same(schemaFaults(`${pointer}/schema`, example['value']), [], `${pointer} ${name}`)
    }
  }
})

tap.test('objects: every schema says whether it takes other fields', async t => {
  const open = schemas().filter(({ value }) => value['type'] === 'object' && !('additionalProperties' in value))
  t.same(
    open.map(({ pointer }) => pointer),
    [],
  )
})

tap.test('operations behind the key: say what happens without it', async t => {
  for (const { pointer, value } of operations()) {
    const isLocked = 'security' in value
    t.equal(
      place(`${pointer}/responses/401`) !== undefined && place(`${pointer}/responses/403`) !== undefined,
      isLocked,
      pointer,
    )
  }
})

tap.test('what was counted: says what is left, also in the contract', async t => {
  const app = await edgeApp({}, { rateLimit: { max: 1000, keyMax: 0, seconds: 10 } })
  const names = ['ratelimit', 'ratelimit-policy']
  for (const { pointer, path, method, value } of operations()) {
    const { headers, statusCode } = await app.inject({
      method: method.toUpperCase() as 'GET',
      url: path.replace(/\{\w+\}/, 'x'),
    })
    const isCounted = names.every(name => headers[name] !== undefined)
    for (const [status, response] of Object.entries(value['responses'] as Record<string, Json>)) {
      const { headers: documented = {} } = (
        typeof response['$ref'] === 'string' ? valueAt(response['$ref'].slice(1)) : response
      ) as { headers?: Json }
      // Shared with what is not counted; and what cannot be read is not.
      if (['408', '431'].includes(status) || (!isCounted && status !== '200')) continue
      t.equal(
        names.every(name => name in documented),
        isCounted,
        `${pointer} ${status}, sent with ${statusCode}`,
      )
    }
  }
})

tap.test('version: that of the package', async t => {
  t.equal(valueAt('/info')['version'], version)
})

tap.test('a reply that is not as documented: every fault is told', async t => {
  const headers = { 'content-type': 'application/json', 'x-request-id': 'a' }
  const reply = { method: 'GET', path: '/livez', status: 200, headers, body: '{"status":"ok"}' }
  t.same(contractFaults(reply), [])
  t.match(contractFaults({ ...reply, body: '{"status":"ok","secret":1}' }), [/additional properties/])
  t.match(contractFaults({ ...reply, headers: { ...headers, 'x-request-id': undefined } }), [
    'header x-request-id is missing',
  ])
  t.match(contractFaults({ ...reply, headers: { ...headers, 'content-type': 'text/html' } }), [
    /text\/html is not documented/,
  ])
  t.match(contractFaults({ ...reply, status: 418 }), [/418 is not documented/])
  t.match(contractFaults({ ...reply, path: '/nothing?x=1' }), [/200 is not documented/])
})

tap.test('a stream that is not as documented: every fault is told', async t => {
  const problem = problemOf(new AskError('model_failed'), 'a')
  const error = `event: error\ndata: ${JSON.stringify(problem)}\n\n`
  const delta = 'event: delta\ndata: {"text":"x"}\n\n'
  t.same(eventFaults(`: still here\n\n${delta}${error}`), [])
  t.match(eventFaults(delta), [/in this order: delta/])
  t.match(eventFaults(`${delta}${error}${delta}`), [/in this order: delta error delta/])
  t.match(eventFaults(`event: delta\ndata: {"words":"x"}\n\n${error}`), [/text/, /words/])
  t.match(eventFaults('event: delta\n'), [/ends inside an event/])
})

tap.test('reference page: every operation, code and schema, and nothing that must be loaded', async t => {
  const app = await edgeApp()
  const { body, headers } = await app.inject('/docs')
  const ids = [...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  t.same(ids.length, new Set(ids).size, 'ids differ')
  t.same(
    [...body.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id).filter(id => !ids.includes(id)),
    [],
    'links lead somewhere',
  )
  for (const { value } of operations()) t.ok(ids.includes(String(value['operationId'])), String(value['operationId']))
  for (const name of Object.keys(valueAt('/components/schemas'))) t.ok(ids.includes(name), name)
  for (const code of valueAt('/components/schemas/ProblemCode')['enum'] as string[])
    t.ok(body.includes(`<code>${code}</code>`), code)
  t.notMatch(body, /<script|<img|<link|\ssrc=|@import|url\(|\son\w+=/)
  const [, style] = /<style>(.*?)<\/style>/s.exec(body) ?? []
  t.equal(
    headers['content-security-policy'],
    `default-src 'none'; style-src 'sha256-${hash('sha256', style!, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  )
  t.notMatch(body, /\sstyle=/)
})

function valueAt(pointer: string): Json {
  return place(pointer)!.value
}

/** Without words, defaults and examples, references put in; two such are equal when they allow the same. */
function plain(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plain)
  if (typeof schema !== 'object' || schema === null) return schema
  const { $ref, ...rest } = schema as Json
  const whole = typeof $ref === 'string' ? { ...valueAt($ref.slice(1)), ...rest } : rest
  return Object.fromEntries(
    Object.entries(whole)
      .filter(([name, value]) => !isWords(name, value))
      .map(([name, value]) => [name, plain(value)]),
  )
}

function isWords(name: string, value: unknown): boolean {
  return ['default', 'example'].includes(name) || (name === 'description' && typeof value === 'string')
}

function operations() {
  return Object.entries(contract['paths'] as Record<string, Json>).flatMap(([path, item]) =>
    Object.keys(item)
      .filter(name => /^(get|put|post|delete|patch)$/.test(name))
      .map(method => {
        const pointer = `/paths/${path.replaceAll('/', '~1')}/${method}`
        return { path, method, pointer, value: valueAt(pointer) }
      }),
  )
}

/** Every object in the contract, examples left out. */
function objects(pointer = '', value: unknown = contract): { pointer: string; value: Json }[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.entries(value).filter(([name]) => !['example', 'examples'].includes(name))
  return [
    { pointer, value: value as Json },
    ...inner.flatMap(([name, each]) => objects(`${pointer}/${name.replaceAll('/', '~1')}`, each)),
  ]
}

function schemas() {
  return objects().filter(({ value }) => typeof value['type'] === 'string')
}

function contentsWithExamples() {
  return objects().filter(({ value }) => 'schema' in value && 'examples' in value)
}

function problemExamples(): { value: Json }[] {
  return contentsWithExamples()
    .filter(({ pointer }) => pointer.endsWith('application~1problem+json'))
    .flatMap(({ value }) => Object.values(value['examples'] as Record<string, { value: Json }>))
}

/** `GET /livez` and so on, without the HEAD that comes with each GET. */
async function routesOf(): Promise<string[]> {
  const app = await edgeApp()
  // A line of Fastify's tree: four columns a level, then the rest of the address and its methods.
  const above: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap(line => {
      const [, branch = '', part = '', methods = ''] = /^([│├└─\s]+)(\S+) \((.*)\)$/.exec(line) ?? []
      const depth = branch.length / 4 - 1
      above[depth] = part
      const address = above.slice(0, depth + 1).join('')
      return methods
        .split(', ')
        .filter(method => method !== '' && method !== 'HEAD')
        .map(method => `${method} ${address}`)
    })
}
