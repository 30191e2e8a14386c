import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { registerBodyParser } from '../../../../src/http/edge/body-parser.ts'
import { cutDown, type Schema } from '../../../../src/http/edge/oversize.ts'
import { askErrorOf } from '../../../../src/http/replies/problems.ts'
import { AskBody, DocumentsBody } from '../../../../src/http/replies/schemas.ts'
import type { AskError } from '../../../../src/errors.ts'

const many = <T>(count: number, each: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => each(i))
const fields = (count: number): Record<string, number> => Object.fromEntries(many(count, i => [`k${i}`, i]))
const document = { source: 'a', text: 'b' }

/** What a body is refused with, and how many faults validation has found before any were left out. */
async function refusal(t: Test, schema: Schema, payload: string): Promise<{ problem: AskError; found: number }> {
  const app = Fastify({
    bodyLimit: 20_000_000,
    ajv: { customOptions: { allErrors: true, coerceTypes: false, removeAdditional: false } },
  })
  t.teardown(() => app.close())
  registerBodyParser(app)
  let refused: unknown
  app.setErrorHandler((error, _, reply) => {
    refused = error
    return reply.code(400).send()
  })
  app.post('/', { schema: { body: schema } }, () => ({}))
  await app.inject({ method: 'POST', url: '/', payload, headers: { 'content-type': 'application/json' } })
  const problem = askErrorOf(refused)
  return { problem, found: (refused as { validation?: unknown[] }).validation?.length ?? problem.faults.length }
}

tap.test(
  'bodies of nothing but faults: refused by a bounded number of them, and it is said that there are more',
  async t => {
    const bodies: readonly (readonly [string, Schema, object])[] = [
      ['items', AskBody, { question: 'x', include: many(60_000, () => 'a') }],
      ['turns', AskBody, { question: 'x', history: many(60_000, () => 1) }],
      ['unknown fields', AskBody, { question: 'x', ...fields(25_000) }],
      ['values that cannot be stored', AskBody, { question: 'x', include: many(20_000, () => '\0') }],
      ['documents', DocumentsBody, { documents: many(100_000, () => ({})) }],
      ['unknown fields of a document', DocumentsBody, { documents: [{ ...document, ...fields(100_000) }] }],
    ]
    for (const [name, schema, body] of bodies) {
      const { problem, found } = await refusal(t, schema, JSON.stringify(body))
      t.match(
        problem,
        { code: 'invalid_request', detail: /^The body has more than 50 faults; errors lists the first 50/ },
        name,
      )
      t.equal(problem.faults.length, 50, name)
      t.ok(found <= 500, `${name}: ${found} found`)
    }
  },
)

tap.test('filters and metadata that are too many: refused for that, and not looked through', async t => {
  const filters = await refusal(
    t,
    AskBody,
    JSON.stringify({ question: 'x', filters: Object.fromEntries(many(20_000, i => [i, []])) }),
  )
  t.ok(filters.problem.faults.some(({ pointer, detail }) => pointer === '/filters' && /at most 20 fields/.test(detail)))
  t.ok(filters.found <= 500)
  const listed = await refusal(
    t,
    AskBody,
    JSON.stringify({ question: 'x', filters: { a: { in: many(60_000, () => []) } } }),
  )
  t.match(listed.problem.faults, [{ pointer: '/filters/a', detail: /1 to 100 of them/ }])
  t.ok(listed.found <= 1000)
  const metadata = await refusal(
    t,
    DocumentsBody,
    JSON.stringify({ documents: [{ ...document, metadata: fields(100_000) }] }),
  )
  t.match(metadata.problem.faults, [{ pointer: '/documents/0/metadata', detail: /at most 100 fields/ }])
})

tap.test('a long name is not given back whole', async t => {
  for (const name of ['n'.repeat(100_000), `${'n'.repeat(100_000)}\0`]) {
    const { problem } = await refusal(t, AskBody, JSON.stringify({ question: 'x', [name]: 1 }))
    t.ok(JSON.stringify([problem.detail, problem.faults]).length < 4000)
  }
})

tap.test('what is not too large is left as it is', async t => {
  const filters = { a: { in: many(100, i => i) }, b: { gte: 1, lt: 'x' }, c: true }
  for (const [schema, body] of [
    [
      AskBody,
      { question: 'x', filters, history: many(50, () => ({ role: 'user', content: 'a' })), include: ['passages'] },
    ],
    [
      DocumentsBody,
      { documents: many(100, i => ({ ...document, source: `${i}`, metadata: { deep: many(1000, i => ({ i })) } })) },
    ],
    [AskBody, { question: 7, filters: [], unknown: { a: many(1000, i => i) } }],
  ] as const)
    t.equal(cutDown(body, schema), body)
})

tap.test('what is too large stays too large, in every place', async t => {
  const body = { documents: many(1000, () => ({ ...document, metadata: fields(300) })) }
  const cut = cutDown(body, DocumentsBody) as typeof body
  t.equal(cut.documents.length, 101)
  t.ok(cut.documents.every(({ metadata }) => Object.keys(metadata).length === 101))
})
