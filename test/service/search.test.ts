import t, { type Test } from 'tap'
import { adminKey, anyWorld, type App, type Reply, skipReason, startApp, worlds } from '../support/app.ts'
import { assertContract } from '../support/contract.ts'
import { handbook } from '../support/corpus.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { promptOf } from '../support/model/chat.ts'

/** Retrieval alone: POST /search. */

t.setTimeout(1_800_000)

const rent = 'How much does a place in the dormitory cost?'
const admin = { authorization: `Bearer ${adminKey}` }

/** Every reply is held against openapi.yaml. */
async function searched(t: Test, app: App, body: object): Promise<Reply> {
  const reply = await app.send('POST', '/search', body)
  assertContract(t, { method: 'POST', path: '/search', status: reply.status, headers: reply.headers, body: reply.text })
  return reply
}

interface Shown {
  readonly document_id: string
  readonly source: string
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Paragraphs of a few short sentences: chunks of one section overlap there. */
function longText(topic: string, sentences: number): string {
  const things = ['door', 'window', 'garden', 'kitchen', 'cellar', 'attic', 'stair', 'corridor', 'balcony', 'workshop']
  const verbs = ['shines', 'rests', 'waits', 'creaks', 'leans', 'glows', 'fades', 'hums', 'settles']
  return Array.from(
    { length: sentences },
    (_, i) => `The ${topic} ${things[i % 10]} of house ${i + 1} ${verbs[i % 9]} near the ${things[(i * 7 + 3) % 10]}.`,
  ).join(' ')
}

for (const world of worlds) {
  t.test(`searching, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startHandbookApp(t, world)

    t.test('passages with their scores, best first, and nothing written', async t => {
      const { status, json, headers } = await searched(t, app, { question: rent })
      t.equal(status, 200)
      t.match(json, { language: 'en', mode: 'fast', near: true, usage: { llm_calls: 0 } })
      t.same(json.degraded, [])
      t.match(json.passages[0], {
        index: 1,
        source: 'handbook/dormitory.md',
        text: /12,000 tenge/,
        scores: { lexical_rank: 1, fused: Number, rerank: null },
      })
      const fused = json.passages.map((passage: { scores: { fused: number } }) => passage.scores.fused)
      t.same(
        fused,
        [...fused].sort((a: number, b: number) => b - a),
      )
      t.notOk('timings_ms' in json || 'answer' in json)
      t.match(headers.get('server-timing'), /^remember;dur=.*retrieve;dur=[\d.]+, total;dur=/)
      t.match((await searched(t, app, { question: rent, include: ['timings'] })).json.timings_ms, {
        retrieve: Number,
        total: Number,
      })
    })

    t.test('the same passages that an answer is made from', async t => {
      const { json } = await searched(t, app, { question: rent, top_k: 5 })
      const asked = await app.ask({ question: rent, include: ['passages'] })
      t.same(json.passages, asked.json.passages)
    })

    t.test('nothing near: says so, and shows what there is; nothing at all: no passages', async t => {
      const weather = await searched(t, app, { question: 'What do students pay for the weather in Paris?' })
      t.equal(
        weather.json.near,
        (await app.ask({ question: 'What do students pay for the weather in Paris?' })).json.abstained === false,
      )
      t.match((await searched(t, app, { question: 'Qwertyuiop zxcvbnm' })).json, { near: false })
      const filtered = await searched(t, app, { question: 'library', filters: { nonsense: 1 } })
      t.equal(filtered.json.near, false)
      t.same(filtered.json.passages, [])
    })

    t.test('filters, top_k and language as in a question', async t => {
      const { json } = await searched(t, app, {
        question: 'students dormitory grant library book',
        filters: { year: { gte: 2024 }, faculty: 'law' },
      })
      t.same(new Set(json.passages.map(({ source }: Shown) => source)), new Set(['handbook/grants.md']))
      t.equal(
        (await searched(t, app, { question: 'students dormitory grant library book', top_k: 1 })).json.passages.length,
        1,
      )
      t.equal((await searched(t, app, { question: 'grant', language: 'de' })).json.language, 'de')
    })

    t.test('bad bodies: every fault with its pointer', async t => {
      const { status, json } = await searched(t, app, {
        question: ' ',
        top_k: 51,
        stream: true,
        mode: 'slow',
        filters: { a: { gtx: 1 } },
        include: ['answer'],
      })
      t.equal(status, 400)
      t.same(json.errors.map((fault: { pointer: string }) => fault.pointer).sort(), [
        '/filters/a',
        '/include/0',
        '/mode',
        '/question',
        '/stream',
        '/top_k',
      ])
      t.match(await searched(t, app, []), { status: 400, json: { code: 'invalid_request' } })
      t.match(await searched(t, app, { question: 'x', collection: 'nowhere' }), {
        status: 404,
        json: { code: 'unknown_collection' },
      })
      t.match(await searched(t, app, { question: 'x', timeout_ms: 1 }), {
        status: 504,
        json: { code: 'deadline_exceeded' },
      })
    })

    t.test('the figures: counted apart from answers', async t => {
      const { text } = await app.send('GET', '/metrics')
      t.match(text, /askwell_search_latency_seconds_count\{mode="fast",near="true"\} \d+/)
      t.match(text, /askwell_failures_total\{code="deadline_exceeded"\} 1/)
    })

    t.test('copies of a document: said once, and the next fills up', async t => {
      const copies = ['a', 'b', 'c'].map(name => ({
        ...handbook[1],
        source: `${name}.md`,
        text: handbook[1].text.replace('keeps', name === 'b' ? 'has' : 'keeps'),
      }))
      await app.send('PUT', '/documents', { collection: 'copies', documents: [...copies, ...handbook] }, admin)
      const { json } = await searched(t, app, { collection: 'copies', question: 'dormitory grant library', top_k: 3 })
      t.same(json.passages.map(({ text }: Shown) => text.split('\n')[0]).sort(), ['Dormitory', 'Grants', 'Library'])
      const asked = await app.ask({ collection: 'copies', question: rent, include: ['passages'] })
      t.equal(asked.json.passages.filter(({ text }: Shown) => text.startsWith('Dormitory')).length, 1)
    })

    t.test('neighbouring pieces of one section: one passage, its text letter for letter the stored one', async t => {
      const documents = [
        { source: 'blue.md', title: 'Blue', language: 'en', text: `# Blue\n\n${longText('blue', 60)}` },
        handbook[2],
      ]
      await app.send('PUT', '/documents', { collection: 'long', documents }, admin)
      const { json } = await searched(t, app, {
        collection: 'long',
        question: 'Which blue doors and windows and gardens of a house are near the kitchen?',
      })
      const [first] = json.passages as Shown[]
      const stored = (await app.send('GET', `/documents/${first!.document_id}`, undefined, admin)).json
      t.ok(stored.chunk_count >= 3, `${stored.chunk_count} chunks`)
      const own = (json.passages as Shown[]).filter(({ source }) => source === 'blue.md')
      t.ok(own.length < stored.chunk_count, `${own.length} passages of ${stored.chunk_count} chunks`)
      for (const { text, start, end } of own) t.equal(stored.text.slice(start, end), text)
      const asked = await app.ask({ collection: 'long', question: 'Which blue door creaks near the kitchen?' })
      for (const { start, end, quote } of asked.json.citations) t.equal(stored.text.slice(start, end), quote)
    })
  })

  t.test(`searching with a language model, ${world}`, { skip: skipReason(world) }, async t => {
    const model = await startModel(t)
    const app = await startHandbookApp(t, world, settingsFor(model, 'test-embedding'))
    t.beforeEach(() => model.chat.behave({}))

    t.test('it writes nothing; it is asked only to reword', async t => {
      const before = model.chat.requests.length
      t.match((await searched(t, app, { question: rent })).json, { mode: 'fast', near: true, usage: { llm_calls: 0 } })
      t.equal(model.chat.requests.length, before)
      model.chat.behave({ answer: 'When must guests leave the dormitory?' })
      const history = [{ role: 'user', content: rent }]
      const { json } = await searched(t, app, { question: 'And the guests, when are they out?', history })
      t.match(json, { mode: 'smart', usage: { llm_calls: 1 }, passages: [{ text: /22:00/ }] })
      t.match(promptOf(model.chat.requests.at(-1)!.body), /when are they out/)
      t.equal(
        (await searched(t, app, { question: 'And the guests, when are they out?', history, mode: 'fast' })).json.usage
          .llm_calls,
        0,
      )
    })

    t.test('the embedding model is gone: words alone, and it says so', async t => {
      await model.stop()
      t.match((await searched(t, app, { question: `${rent} Now?` })).json, {
        near: true,
        degraded: ['embeddings'],
        passages: [{ scores: { vector: null } }],
      })
      await model.start()
    })
  })
}

t.test('the rate limit counts searches and questions together', async t => {
  const app = await startApp(t, anyWorld, { RATE_LIMIT: '3', RATE_LIMIT_SECONDS: '600' })
  const statuses = []
  for (const path of ['/ask', '/search', '/search', '/search'])
    statuses.push((await app.send('POST', path, { question: 'x', collection: 'nowhere' })).status)
  t.same(statuses, [404, 404, 404, 429])
})
