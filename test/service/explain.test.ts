import { hash } from 'node:crypto'
import t, { type Test } from 'tap'
import { decodeAnswer } from '../../src/adapters/redis/answer-codec.ts'
import { decodeCompletion } from '../../src/adapters/redis/completion-codec.ts'
import { adminKey, anyWorld, eitherWorld, skipReason, startApp, type App, type Reply } from '../support/app.ts'
import { assertContract, eventFaults } from '../support/contract.ts'
import { loadHandbook } from '../support/corpus.ts'
import { modelKey, settingsFor } from '../support/model-settings.ts'
import { startModel, type Model } from '../support/model.ts'
import { keysLike } from '../support/redis-keys.ts'
import { redisSkipReason, startRedis, told } from '../support/redis.ts'
import { startReranker } from '../support/reranker.ts'
import { sseEvents } from '../support/sse.ts'
import { until } from '../support/until.ts'

/** Why an answer is what it is: `include: ["explain"]`, against the whole service. */

const rent = 'How much does a place in the dormitory cost?'
const explain = { include: ['explain'] }
const fresh = { 'cache-control': 'no-cache' }

async function asked(t: Test, app: App, body: object, headers: Record<string, string> = {}) {
  // Only a search names a number of passages here.
  const path = 'top_k' in body ? '/search' : '/ask'
  const reply = await app.send('POST', path, body, headers)
  assertContract(t, { method: 'POST', path, status: reply.status, headers: reply.headers, body: reply.text })
  return reply
}

/** All of a reply but the explanation and what differs between two runs. */
function withoutNotes({ json }: Pick<Reply, 'json'>): object {
  const { id: _, cache: __, usage: ___, timings_ms: ____, explain: _____, ...rest } = json
  return rest
}

interface Candidate {
  readonly chunk_id: string
  readonly scores: Readonly<Record<string, number | null>>
  readonly ranks: Readonly<Record<string, number | null>>
}

async function withModel(t: Test, settings: Record<string, string> = {}): Promise<{ app: App; model: Model }> {
  const model = await startModel(t)
  const app = await startApp(t, anyWorld, {
    ...settingsFor(model, 'test-embedding'),
    SEMANTIC_CACHE: 'off',
    ...settings,
  })
  await loadHandbook(app)
  return { app, model }
}

for (const world of eitherWorld)
  t.test(`quoted answers, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world, { CHAT_MODEL: 'none' })
    await loadHandbook(app)

    t.test('a computed answer: every candidate with its scores and ranks', async t => {
      const { json } = await asked(t, app, { question: rent, include: ['explain', 'passages', 'timings'] })
      t.match(json.explain, {
        collection: { name: 'default', epoch: Number },
        cache: { status: 'miss', key: /^\d+:[\w-]{43}$/, tier: null, age: null },
        question: { text: rent, rewritten: false, language: 'en', analyzed_as: 'en', other_wordings: [] },
        abstained_because: null,
        grounding: null,
        confidence_threshold: Number,
        degraded: [],
        timings_ms: { retrieve: Number, extract: Number, total: Number },
      })
      t.equal(json.explain.confidence, json.confidence)
      t.ok(json.confidence >= json.explain.confidence_threshold)
      const contributions = json.explain.signals.map(({ contribution }: any) => Math.abs(contribution))
      t.ok(contributions.length > 3)
      t.same(
        contributions,
        contributions.toSorted((a: number, b: number) => b - a),
        'the largest first',
      )
      t.ok(json.explain.question.terms.some(({ term, content }: any) => term === 'dormitori' && content))
      const candidates = json.explain.passages as Candidate[]
      t.ok(json.explain.candidates >= candidates.length && candidates.length > 1)
      t.same(
        candidates.map(({ ranks }) => ranks['fused']),
        candidates.map((_, i) => i + 1),
      )
      const fused = candidates.map(({ scores }) => scores['fused']!)
      t.same(
        fused,
        fused.toSorted((a, b) => b - a),
      )
      t.match(candidates[0], {
        title: /^Dormitory/,
        scores: { lexical: Number, lexical_rank: 1, vector: Number, vector_rank: 1, fused: 1, rerank: null },
        ranks: { fused: 1, reranked: null, selected: 1, packed: 1 },
      })
      for (const [i, { chunk_id: id }] of (json.passages as { chunk_id: string }[]).entries())
        t.equal(candidates.find(each => each.chunk_id === id)?.ranks['packed'], i + 1, 'packed: its index')
    })

    t.test('the same question again: the same cached answer, explained by its entry; no-cache: all of it', async t => {
      const question = 'When are the quiet hours?'
      const first = await asked(t, app, { question, ...explain })
      const plain = await asked(t, app, { question })
      t.match(plain.json, { cache: { status: 'hit' }, explain: undefined })
      const again = await asked(t, app, { question, ...explain })
      t.match(again.json.explain, {
        cache: { status: 'hit', tier: 'memory', age: Number, key: first.json.explain.cache.key },
        question: null,
        confidence: null,
        signals: null,
        candidates: null,
        passages: null,
      })
      t.equal(again.headers.get('age'), String(again.json.explain.cache.age))
      const bypassed = await asked(t, app, { question, ...explain }, fresh)
      t.match(bypassed.json.explain, { cache: { status: 'bypass' }, passages: [{ ranks: { fused: 1 } }] })
      for (const reply of [plain, again, bypassed]) t.same(withoutNotes(reply), withoutNotes(first))
      t.equal((await asked(t, app, { question })).json.cache.status, 'hit')
    })

    t.test('a new epoch: another key', async t => {
      const before = (await asked(t, app, { question: rent, ...explain })).json.explain
      const documents = [{ source: 'new.md', title: 'New', text: 'The canteen serves soup.' }]
      await app.send('PUT', '/documents', { documents }, { authorization: `Bearer ${adminKey}` })
      const after = (await asked(t, app, { question: rent, ...explain })).json.explain
      t.ok(after.collection.epoch > before.collection.epoch)
      t.not(after.cache.key, before.cache.key)
      t.equal(after.cache.status, 'miss')
    })

    t.test('an abstention: why, and what was nearest', async t => {
      const off = await asked(t, app, { question: 'What is the weather in Paris today?', ...explain })
      t.match(off.json, { abstained: true, explain: { abstained_because: 'not_relevant' } })
      t.ok(off.json.confidence < off.json.explain.confidence_threshold)
      const empty = await asked(t, app, { question: '?!', ...explain })
      t.match(empty.json.explain, { abstained_because: 'no_words', candidates: 0, passages: [] })
    })

    t.test('a stream: in done, computed or cached, and in no other event', async t => {
      const question = 'What does a lost book cost?'
      for (const passages of [[{ ranks: { fused: 1 } }], null]) {
        const reply = await app.ask({ question, stream: true, ...explain })
        t.same(eventFaults(reply.text), [])
        const events = sseEvents(reply.text)
        t.match(events.at(-1), { event: 'done', data: { explain: { passages } } })
        for (const { data } of events.slice(0, -1)) t.notOk('explain' in data)
      }
    })

    t.test('a search: the same, without a cache', async t => {
      const { json } = await asked(t, app, { question: rent, top_k: 10, ...explain })
      t.match(json.explain, { cache: null, abstained_because: null, collection: { name: 'default' } })
      t.match(json.explain.passages[0], { ranks: { fused: 1, selected: 1, packed: null } })
      t.same((json.explain.passages as Candidate[])[0]?.scores, json.passages[0].scores)
      t.notOk('explain' in (await asked(t, app, { question: rent, top_k: 10 })).json)
    })
  })

t.test('a language model', { skip: skipReason(anyWorld) }, async t => {
  const { app, model } = await withModel(t)
  t.beforeEach(() => model.chat.behave({}))

  t.test('no prompt, no text of a passage and no secret is in it', async t => {
    const { json } = await asked(t, app, { question: rent, ...explain })
    t.equal(json.generator, 'llm')
    const text = JSON.stringify(json.explain)
    const prompts = model.chat.requests.at(-1)!.body.messages.map(({ content }) => JSON.stringify(content))
    t.ok(prompts.length > 1)
    for (const prompt of prompts) t.notOk(text.includes(prompt.slice(1, 40)))
    t.notMatch(text, /12,000 tenge|warden/)
    for (const secret of [modelKey, adminKey, model.url]) t.notOk(text.includes(secret))
  })

  t.test('the model finds no answer: that is why', async t => {
    model.chat.behave({ answer: 'NO_ANSWER' })
    const { json } = await asked(t, app, { question: 'Who keeps the list of free rooms?', ...explain })
    t.match(json, { abstained: true, explain: { abstained_because: 'model', passages: [{ ranks: { packed: 1 } }] } })
  })

  t.test('a follow-up: the rewritten question', async t => {
    const history = [{ role: 'user', content: rent }]
    model.chat.behave({ answer: 'How much does the dormitory cost for foreign students?', times: 1 })
    const { json } = await asked(t, app, { question: 'And for foreign students?', history, ...explain })
    t.match(json.explain.question, { text: 'How much does the dormitory cost for foreign students?', rewritten: true })
  })

  t.test('nothing relevant: the other wordings, and which was used', async t => {
    const wording = 'How long may I keep a book of the library?'
    model.chat.behave({ answer: wording, times: 1 })
    const { json } = await asked(t, app, { question: 'Retention of borrowed tomes?', ...explain })
    t.match(json.explain.question, { rewritten: false, other_wordings: [wording], used_wording: wording })
    t.match(json.explain.passages[0].title, /^Library/)
  })

  for (const [who, question, first, second] of [
    ['the one that started it', 'How much does a place in the dormitory cost a month?', explain, {}],
    ['the one that joined it', 'What does a place in the dormitory cost a month?', {}, explain],
  ] as const)
    t.test(`one run for two callers: an explanation for ${who} only`, async t => {
      let release = () => {}
      model.chat.behave({ held: new Promise<void>(resolve => (release = resolve)) })
      const calls = model.chat.requests.length
      const starting = app.ask({ question, ...first })
      await until('the model is asked', () => model.chat.requests.length > calls)
      // Its first event comes from the run that it has joined.
      const joining = await fetch(`${app.url}/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ question, stream: true, ...second }),
      })
      release()
      const own = await starting
      const joined = { json: sseEvents(await joining.text()).at(-1)!.data }
      t.equal(own.json.cache.status, 'miss')
      t.equal(joined.json.cache.status, 'coalesced')
      t.same(withoutNotes(joined), withoutNotes(own))
      t.same(['explain' in own.json, 'explain' in joined.json], [first === explain, second === explain])
      if (first === explain) t.match(own.json.explain, { passages: [{ ranks: { packed: 1 } }] })
      else t.match(joined.json.explain, { cache: { status: 'coalesced' }, question: null, passages: null })
    })
})

t.test('a reranker: the ranks before and after it', { skip: skipReason(anyWorld) }, async t => {
  const server = await startReranker(t)
  server.behave({ likes: 'warden' })
  const app = await startApp(t, anyWorld, { CHAT_MODEL: 'none', RERANK_URL: server.url, RERANK_MODEL: 'test-rerank' })
  await loadHandbook(app)
  const { json } = await asked(t, app, { question: 'students dormitory grant library book', ...explain })
  const candidates = json.explain.passages as (Candidate & { title: string })[]
  const preferred = candidates.find(({ title }) => title.startsWith('Dormitory'))
  t.ok(preferred!.ranks['fused']! > 1)
  t.match(preferred, { scores: { rerank: 0.9 }, ranks: { reranked: 1, selected: 1, packed: 1 } })
})

t.test(
  'what is cached is the same, asked for an explanation or not',
  { skip: skipReason(anyWorld) || redisSkipReason() },
  async t => {
    const redis = await startRedis(t)
    const { app } = await withModel(t, { REDIS_URL: redis.url, SEMANTIC_CACHE: 'learn' })
    const stored = async (kind: string) =>
      await told(redis, async client => {
        const keys = await client.keys(keysLike(`${kind}:*`))
        return await Promise.all(keys.sort().map(async key => (await client.getBuffer(key))!))
      })
    const cachedBy = async (body: object) => {
      await told(redis, client => client.flushall())
      t.equal((await asked(t, app, { question: rent, ...body }, fresh)).status, 200)
      return await until('it is stored', async () => {
        const [answer, completion] = [(await stored('answer'))[0], (await stored('draft'))[0]]
        if (!answer || !completion) return undefined
        return {
          answer: decodeAnswer(answer)!.answer,
          text: decodeCompletion(completion)!.text,
          names: [decodeAnswer(answer)!, decodeCompletion(completion)!].map(each => Object.keys(each)),
        }
      })
    }
    // The first question also caches its vector, in lower precision.
    await cachedBy({})
    t.same(await cachedBy(explain), await cachedBy({}))
    await cachedBy(explain)
    const again = await asked(t, app, { question: rent })
    t.equal(again.json.cache.status, 'hit')
    t.notOk('explain' in again.json)
  },
)

t.test('a key for some collections, with the scope: nothing of others', { skip: skipReason(anyWorld) }, async t => {
  const secret = 'askwell_why_of_many_random_letters'
  const key = { name: 'why', scopes: ['ask', 'explain'], collections: ['law'], sha256: hash('sha256', secret, 'hex') }
  const app = await startApp(t, anyWorld, { CHAT_MODEL: 'none', API_KEYS: JSON.stringify([key]) })
  await loadHandbook(app)
  const documents = [{ source: 'law.md', title: 'Law', text: 'The law library lends books for a place of honour.' }]
  const admin = { authorization: `Bearer ${adminKey}` }
  await app.send('PUT', '/documents', { collection: 'law', documents }, admin)
  const headers = { authorization: `Bearer ${secret}` }
  const { json } = await asked(t, app, { question: rent, collection: 'law', ...explain }, headers)
  t.same(
    (json.explain.passages as { title: string }[]).map(({ title }) => title),
    ['Law'],
  )
  t.match((await asked(t, app, { question: rent, ...explain }, headers)).json, { code: 'unknown_collection' })
})
