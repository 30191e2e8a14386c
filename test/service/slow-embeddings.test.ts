import { request } from 'node:http'
import t, { type Test } from 'tap'
import { adminKey, anyWorld, databaseSettings, startApp } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { startSlowEmbeddings, type SlowBehaviour } from '../support/slow-embeddings.ts'
import { until } from '../support/until.ts'

/** Loading through an embedding server that is slow, small or busy. */

const documents = 60

async function worldOf(t: Test, behaviour: Partial<SlowBehaviour>) {
  const server = await startSlowEmbeddings(t, behaviour)
  const rows = Array.from({ length: documents }, (_, i) => ({
    source: `rule-${i}`,
    title: `Rule ${i}`,
    text: `Shelf ${i} of the library holds books about subject ${i}, which are lent for thirty days.`,
  }))
  const cwd = t.testdir({ 'rules.jsonl': rows.map(row => JSON.stringify(row)).join('\n') })
  const env = {
    ...(await databaseSettings(t, anyWorld)),
    OPENAI_BASE_URL: server.url,
    OPENAI_API_KEY: 'none',
    CHAT_MODEL: 'none',
    EMBEDDING_MODEL: 'slow',
    EMBEDDING_UNITS: 'off',
    // Far less than all texts take.
    REQUEST_TIMEOUT_MS: '1000',
    EMBEDDING_LOAD_TIMEOUT_MS: '1000',
  }
  return { server, cwd, env, ingest: () => runCli(['ingest', 'rules.jsonl'], { cwd, env }) }
}

/** Texts of the documents that the server was sent, without the one that asks for the length. */
function sent({ requests }: { readonly requests: readonly (readonly string[])[] }) {
  return requests.map(texts => texts.filter(text => text !== 'dimensions')).filter(texts => texts.length > 0)
}

t.test('a slow server gets calls that it can answer in time', async t => {
  const { server, ingest } = await worldOf(t, { perTextMs: 40 })
  const result = await ingest()
  t.match(result, { code: 0, stdout: /60 added/ }, result.stderr)
  const calls = sent(server)
  t.equal(calls[0]?.length, 8)
  t.ok(calls.every(texts => texts.length <= 16))
  t.equal(server.atOnce, 1)
})

t.test('a call that takes too long is cancelled, and made again with fewer texts', async t => {
  const { server, ingest } = await worldOf(t, { perTextMs: 150 })
  const result = await ingest()
  t.match(result, { code: 0, stdout: /60 added/ }, result.stderr)
  t.match(result.stderr, 'the model API took too long: trying again with fewer texts')
  t.ok(server.aborted > 0, 'nobody waits for a call that was given up')
})

for (const [status, message] of [
  [413, 'Payload too large'],
  [422, 'batch size 8 > maximum allowed batch size 5'],
  [400, "'$.input' is invalid: at most 5 inputs"],
  [500, 'input is too large to process. increase the physical batch size'],
] as const) {
  t.test(`a server that takes few texts per call, and says so with status ${status}`, async t => {
    const { server, ingest } = await worldOf(t, { mostTexts: 5, tooMany: { status, message } })
    const result = await ingest()
    t.match(result, { code: 0, stdout: /60 added/ }, result.stderr)
    const calls = sent(server)
    t.equal(calls.filter(texts => texts.length > 5).length, 1, 'one rejection is enough')
  })
}

t.test('a server that is busy in the middle of a load is waited for', async t => {
  const { server, ingest } = await worldOf(t, {})
  const busyOnce = { status: 429, headers: { 'retry-after': '1' } }
  // The first request asks for the length of the vectors.
  const loading = ingest()
  await until('the load has begun', () => server.requests.length > 0)
  server.instead.push(busyOnce, { status: 429 }, { status: 503 })
  const result = await loading
  t.match(result, { code: 0, stdout: /60 added/ }, result.stderr)
  t.match(result.stderr, /The rate limit of the model API is reached: going on in 1 s/)
  t.match(result.stderr, /The model API failed: going on in 1 s/)
})

t.test('a server that is busy from the first text on: a request is rejected at once, and loads later', async t => {
  const { server, env } = await worldOf(t, {})
  const app = await startApp(t, anyWorld, { ...env, ADMIN_API_KEY: adminKey })
  server.instead.push({ status: 429, headers: { 'retry-after': '7' } })
  const body = { documents: [{ source: 'a', text: 'The library lends books for thirty days.' }] }
  const busy = await app.send('PUT', '/documents', body, { authorization: `Bearer ${adminKey}` })
  t.equal(busy.status, 503)
  t.equal(busy.headers.get('retry-after'), '7')
  const later = await app.send('PUT', '/documents', body, { authorization: `Bearer ${adminKey}` })
  t.equal(later.status, 200)
})

t.test('a request whose client has left is cancelled at the server', async t => {
  const { server, env } = await worldOf(t, { perTextMs: 100_000 })
  const app = await startApp(t, anyWorld, {
    ...env,
    EMBEDDING_DIMENSIONS: '256',
    EMBEDDING_LOAD_TIMEOUT_MS: '200000',
    ADMIN_API_KEY: adminKey,
  })
  const client = request(new URL('/documents', app.url), {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
  })
  client.on('error', () => {})
  client.end(JSON.stringify({ documents: [{ source: 'a', text: 'The library lends books.' }] }))
  await until('the server embeds', () => server.requests.length > 0)
  client.destroy()
  await until('the server sees that nobody waits', () => server.aborted > 0)
})
