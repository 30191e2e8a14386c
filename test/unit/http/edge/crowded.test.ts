import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { registerBodyParser } from '../../../../src/http/edge/body-parser.ts'
import { isCrowded, mostMarks } from '../../../../src/http/edge/crowded.ts'
import { askErrorOf } from '../../../../src/http/replies/problems.ts'

/** What a body becomes, or why it is refused; `parses`: how often JSON was parsed for it. */
async function read(
  t: Test,
  payload: string,
): Promise<{ body?: unknown; detail?: string | undefined; parses: number }> {
  const app = Fastify({ bodyLimit: 20_000_000 })
  t.teardown(() => app.close())
  registerBodyParser(app)
  const seen: { body?: unknown; detail?: string | undefined } = {}
  app.setErrorHandler((error, _, reply) => {
    seen.detail = askErrorOf(error).detail
    return reply.code(400).send()
  })
  app.post('/', ({ body }) => ((seen.body = body), {}))
  const parsed = t.capture(JSON, 'parse', JSON.parse)
  await app.inject({ method: 'POST', url: '/', payload, headers: { 'content-type': 'application/json' } })
  return { ...seen, parses: parsed().filter(({ args }) => args[0] === payload).length }
}

const many = (count: number, each: (i: number) => string) => Array.from({ length: count }, (_, i) => each(i)).join(',')

tap.test('a body of more values than any request has is refused before it is parsed', async t => {
  const bodies = {
    'lists in lists': '['.repeat(mostMarks + 1),
    'objects in objects': '{"a":'.repeat(mostMarks),
    'empty objects': `{"documents":[${many(mostMarks, () => '{}')}]}`,
    'names that all differ': `{"documents":[{"metadata":{${many(mostMarks, i => `"${i}":1`)}}}]}`,
    'behind strings with quotes': `["\\"\\\\",${many(mostMarks, () => '1')}]`,
    'a string that does not end': `[${many(mostMarks, () => '1')},"\\`,
  }
  for (const [name, payload] of Object.entries(bodies)) {
    const { detail, parses } = await read(t, payload)
    t.match(detail, /more than 250,000 JSON values/, name)
    t.equal(parses, 0, `${name}: not parsed`)
  }
})

tap.test('what stands in a text does not count, however much of it looks like JSON', async t => {
  for (const text of [
    ',:[{'.repeat(mostMarks),
    '\\",'.repeat(mostMarks),
    '"'.repeat(mostMarks * 2),
    '\\'.repeat(mostMarks * 2 + 1),
  ]) {
    t.strictSame((await read(t, JSON.stringify({ text }))).body, { text })
  }
})

tap.test('as many as there may be are read', async t => {
  const most = `[${many(mostMarks, () => '10')}]`
  t.equal(isCrowded(Buffer.from(most)), false)
  t.equal(((await read(t, most)) as { body: unknown[] }).body.length, mostMarks)
  t.equal(isCrowded(Buffer.from(`[10,${most.slice(1)}`)), true)
})
