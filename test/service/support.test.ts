import { Redis as Client } from 'ioredis'
import OpenAI from 'openai'
import postgres from 'postgres'
import tap, { type Test } from 'tap'
import { createDatabase } from '../support/database.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { startPostgres } from '../support/postgres.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { startModel, type Model, type ModelOptions } from '../support/model.ts'
import { atLeast } from '../support/at-least.ts'
import { until } from '../support/until.ts'

const needsPostgres = { skip: postgresSkipReason() }
const needsRedis = { skip: redisSkipReason() }

/** What the promise has come to after that time: nothing from a frozen server, however long it is. */
async function after(ms: number, work: PromiseLike<unknown>): Promise<unknown> {
  return await Promise.race([work, atLeast(ms).then(() => 'nothing')])
}

function connect(t: Test, url: string): postgres.Sql {
  const sql = postgres(url, { max: 2, onnotice: () => undefined, backoff: () => 0.05 })
  t.teardown(() => sql.end({ timeout: 1 }))
  return sql
}

tap.test('a database of a test: migrated, and apart from the next', needsPostgres, async t => {
  const [one, two] = [await createDatabase(t), await createDatabase(t)]
  const sql = connect(t, one.url)
  await sql`create table mine (id int)`
  t.match(await sql`select extname from pg_extension where extname = 'vector'`, [{ extname: 'vector' }])
  t.match(await connect(t, two.url)`select to_regclass('mine') as mine`, [{ mine: null }])
})

tap.test('a frozen Postgres: queries hang, and go on when it thaws', needsPostgres, async t => {
  const server = await startPostgres(t)
  const sql = connect(t, server.url)
  await sql`select 1`
  server.freeze()
  const query = sql`select 2 as n`.then(rows => rows[0])
  t.equal(await after(300, query), 'nothing')
  server.thaw()
  t.match(await query, { n: 2 })
})

tap.test('a killed Postgres: queries fail, and it starts again with its data', needsPostgres, async t => {
  const server = await startPostgres(t)
  const sql = connect(t, server.url)
  await sql`create table kept as select 1 as n`
  const before = server.pid
  await server.kill()
  await t.rejects(sql`select 1`)
  await server.start()
  t.not(server.pid, before)
  t.match(await sql`select n from kept`, [{ n: 1 }])
})

tap.test('a stopped Postgres: connections are refused until it starts', needsPostgres, async t => {
  const server = await startPostgres(t)
  await server.stop()
  await t.rejects(connect(t, server.url)`select 1`, { code: 'ECONNREFUSED' })
  await server.start()
  t.match(await connect(t, server.url)`select 1 as n`, [{ n: 1 }])
})

tap.test('Redis: freezes, thaws, dies and comes back empty', needsRedis, async t => {
  const server = await startRedis(t)
  const client = new Client(server.url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => undefined)
  t.teardown(() => client.disconnect())
  await client.set('key', 'value')
  server.freeze()
  const answer = client.get('key')
  t.equal(await after(200, answer), 'nothing')
  server.thaw()
  t.equal(await answer, 'value')
  await server.kill()
  await server.start()
  t.equal(await client.get('key'), null)
})

const prompt = `<passages>
<passage n="1" title="Fees">The tuition fee is due on 1 September. Late payment costs 20 euros.</passage>
<passage n="2" title="Library">The library opens at nine. Books can be borrowed for four weeks.</passage>
</passages>

Question: When does the library open?`

function asks(question = prompt) {
  return { model: 'test-chat', messages: [{ role: 'user' as const, content: question }] }
}

async function startWithClient(t: Test, options?: ModelOptions): Promise<{ model: Model; client: OpenAI }> {
  const model = await startModel(t, options)
  return { model, client: new OpenAI({ baseURL: model.url, apiKey: 'test', maxRetries: 0 }) }
}

tap.test('the model: answers with the sentence that fits, cited', async t => {
  const { model, client } = await startWithClient(t)
  const reply = await client.chat.completions.create(asks())
  t.equal(reply.choices[0]?.message.content, 'The library opens at nine. [2]')
  t.match(reply.usage, { completion_tokens: 6 })
  t.equal(model.chat.requests[0]?.body.messages[0]?.content, prompt)
})

tap.test('the model: says NO_ANSWER when no passage shares a word', async t => {
  const { client } = await startWithClient(t)
  const reply = await client.chat.completions.create(
    asks(prompt.replace(/Question:.*/, 'Question: Who invented penicillin?')),
  )
  t.equal(reply.choices[0]?.message.content, 'NO_ANSWER')
})

tap.test('the model: streams token by token, role first, usage last', async t => {
  const { client } = await startWithClient(t)
  const stream = await client.chat.completions.create({
    ...asks(),
    stream: true,
    stream_options: { include_usage: true },
  })
  const chunks = await collect(stream)
  t.match(chunks[0], { choices: [{ delta: { role: 'assistant' } }] })
  t.equal(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join(''), 'The library opens at nine. [2]')
  t.match(chunks.at(-2), { choices: [{ finish_reason: 'stop' }] })
  t.same(chunks.at(-1)?.choices, [])
  t.equal(chunks.at(-1)?.usage?.completion_tokens, 6)
})

tap.test('a client that leaves mid-stream: counted as aborted, its socket closed', async t => {
  const { model, client } = await startWithClient(t, { chat: { perTokenMs: 20 } })
  const stream = await client.chat.completions.create({ ...asks(), stream: true })
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
  await until('the model has noticed', () => model.chat.aborted === 1)
  t.equal(model.chat.requests.length, 1)
  await until('its socket is closed', () => model.openSockets === 0)
})

tap.test('a silent model: the client gives up and is counted', async t => {
  const { model, client } = await startWithClient(t, { chat: { silent: true } })
  const leaving = new AbortController()
  const asked = client.chat.completions.create(asks(), { signal: leaving.signal })
  asked.catch(() => {})
  await until('it is asked', () => model.chat.requests.length === 1)
  leaving.abort()
  await t.rejects(asked)
  await until('the model has noticed', () => model.chat.aborted === 1)
})

tap.test('a broken model: status, Retry-After, garbage, half a stream, a refusal', async t => {
  const { model, client } = await startWithClient(t)
  model.chat.behave({ status: 429, retryAfter: 7 })
  const refused = await failure(client.chat.completions.create(asks()))
  t.match(refused, { status: 429 })
  t.equal((refused as InstanceType<typeof OpenAI.APIError>).headers?.get('retry-after'), '7')
  model.chat.behave({ garbage: true })
  await t.rejects(client.chat.completions.create(asks()))
  model.chat.behave({ cutAfterTokens: 2 })
  await t.rejects(client.chat.completions.create(asks()))
  await t.rejects(async () => await collect(await client.chat.completions.create({ ...asks(), stream: true })))
  model.chat.behave({ refuse: true })
  t.match(await client.chat.completions.create(asks()), { choices: [{ message: { content: null, refusal: String } }] })
  t.equal(model.chat.aborted, 0)
})

tap.test('a model that fails once: healthy at the next request', async t => {
  const { client } = await startWithClient(t, { chat: { status: 500, times: 1 } })
  t.match(await failure(client.chat.completions.create(asks())), { status: 500 })
  t.match(await client.chat.completions.create(asks()), { object: 'chat.completion' })
})

tap.test('a model that is down: refuses connections until it starts again', async t => {
  const { model, client } = await startWithClient(t)
  await model.stop()
  await t.rejects(client.models.list())
  await model.start()
  t.equal((await client.models.list()).data.length, 2)
})

tap.test('embeddings: like texts are near, in base64 and in plain numbers', async t => {
  const { model, client } = await startWithClient(t)
  const input = ['How do I apply for a scholarship?', 'Applying for scholarships', 'The canteen serves soup']
  const vectors = async (options: object) =>
    (await client.embeddings.create({ model: 'test-embedding', input, ...options })).data.map(row => row.embedding)
  const [question = [], near = [], far = []] = await vectors({})
  t.equal(model.embeddings.requests[0]?.body.encoding_format, 'base64')
  t.ok(cosine(question, near) > cosine(question, far) + 0.2)
  t.ok(Math.abs(cosine(question, question) - 1) < 1e-6)
  t.same((await vectors({ encoding_format: 'float' }))[0], question)
  t.equal((await vectors({ dimensions: 64 }))[0]?.length, 64)
})

tap.test('embeddings: fail apart from chat, and by length', async t => {
  const { model, client } = await startWithClient(t)
  const embed = () => client.embeddings.create({ model: 'test-embedding', input: 'word' })
  model.embeddings.behave({ wrongDimension: true })
  t.equal((await embed()).data[0]?.embedding.length, 257)
  model.embeddings.behave({ status: 503 })
  t.match(await failure(embed()), { status: 503 })
  t.match(await client.chat.completions.create(asks()), { object: 'chat.completion' })
})

function cosine(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  )
}
