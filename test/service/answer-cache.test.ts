import t, { type Test } from 'tap'
import { adminKey, anyWorld, type App, type Reply, skipReason, type World, eitherWorld } from '../support/app.ts'
import { atLeast } from '../support/at-least.ts'
import { leased } from '../support/contents.ts'
import { handbook, loadHandbook } from '../support/corpus.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel, type Model } from '../support/model.ts'
import { startPostgres } from '../support/postgres.ts'
import { sseEvents } from '../support/sse.ts'
import { until } from '../support/until.ts'

/** An answer that was given once, and what may be given instead of making it again. */

const rent = 'How much does a place in the dormitory cost?'
/** Only answers of equal questions. */
const plain = { SEMANTIC_CACHE: 'off' }
const quoting = { ...plain, CHAT_MODEL: 'none' }

async function withModel(
  t: Test,
  world: World,
  settings: Record<string, string> = {},
): Promise<{ app: App; model: Model }> {
  const model = await startModel(t)
  const app = await startHandbookApp(t, world, { ...plain, ...settingsFor(model, 'test-embedding'), ...settings })
  t.afterEach(() => model.chat.behave({}))
  return { app, model }
}

async function quotingApp(t: Test, world: World, settings: Record<string, string> = {}): Promise<App> {
  const { app } = await withModel(t, world, { ...quoting, ...settings })
  return app
}

/** Undefined when there is no answer. */
const statusOf = ({ json }: Reply) => json.cache?.status as string

async function put(app: App, source: string, text: string): Promise<void> {
  const reply = await app.send(
    'PUT',
    '/documents',
    { documents: [{ source, title: source, text }] },
    { authorization: `Bearer ${adminKey}` },
  )
  if (reply.status !== 200) throw new Error(reply.text)
}

/** Time passes without a question: one near the end would have the answer made anew. */
async function pass(seconds: number): Promise<void> {
  await atLeast(seconds * 1000)
}

/** All that a caller reads but for what tells one reply from another. */
function withoutNotes({ json }: Reply): object {
  const { id: _, cache: __, usage: ___, timings_ms: ____, ...rest } = json
  return rest
}

// They mostly wait.
t.jobs = 3

for (const world of eitherWorld) {
  t.test(`a question asked again, ${world}`, { skip: skipReason(world) }, async t => {
    const { app, model } = await withModel(t, world)

    t.test('the same answer to the letter, its age, and no call of the model', async t => {
      const first = await app.ask({ question: rent })
      t.match(first.json, { cache: { status: 'miss' }, usage: { llm_calls: 1 } })
      t.equal(first.headers.get('age'), null)
      t.match(first.headers.get('server-timing'), /^cache;desc=miss, .*generate;dur=/)
      const calls = model.chat.requests.length
      const second = await app.ask({ question: rent })
      t.same(withoutNotes(second), withoutNotes(first))
      t.match(second.json, {
        cache: { status: 'hit', tier: 'memory' },
        usage: { llm_calls: 0, prompt_tokens: 0, completion_tokens: 0 },
      })
      t.equal(second.headers.get('age'), String(second.json.cache.age))
      t.match(second.headers.get('server-timing'), /^cache;desc=hit, .*total;dur=/)
      t.match(second.headers.get('content-type'), /^application\/json/)
      t.not(second.json.id, first.json.id)
      t.equal(second.json.id, second.headers.get('x-request-id'))
      t.equal(model.chat.requests.length, calls)
    })

    t.test('its age grows', async t => {
      const aged = await until('a second has passed', async () => {
        const reply = await app.ask({ question: rent })
        return reply.json.cache.age >= 1 ? reply : undefined
      })
      t.equal(aged.headers.get('age'), String(aged.json.cache.age))
    })

    t.test('spelled otherwise: the same answer', async t => {
      for (const question of [
        `  ${rent.toUpperCase()}`,
        rent.replaceAll(' ', '\n '),
        rent.replace('?', '??'),
        rent.replace('?', '！'),
      ]) {
        t.equal(statusOf(await app.ask({ question })), 'hit', question)
      }
    })

    t.test('with passages and timings when they are wanted', async t => {
      const include = ['passages', 'timings']
      const [first, second] = [
        await app.ask({ question: `${rent} (1)`, include }),
        await app.ask({ question: `${rent} (1)`, include }),
      ]
      t.equal(statusOf(second), 'hit')
      t.ok(second.json.passages.length > 0)
      t.same(second.json.passages, first.json.passages)
      t.ok(second.json.timings_ms.total >= 0)
      t.equal((await app.ask({ question: `${rent} (1)` })).json.passages, undefined)
    })

    t.test('as a stream: all of its events, then JSON gets what a stream has made', async t => {
      const fresh = await app.ask({ question: rent })
      const streamed = await app.ask({ question: rent, stream: true })
      const events = sseEvents(streamed.text)
      t.same(
        events.map(({ event }) => event),
        ['passages', 'delta', 'citations', 'done'],
      )
      t.match(events.at(-1)?.data, {
        answer: fresh.json.answer,
        citations: fresh.json.citations,
        cache: { status: 'hit' },
        usage: { llm_calls: 0 },
      })
      t.equal(streamed.headers.get('age'), String(events.at(-1)?.data.cache.age))
      t.match(streamed.headers.get('server-timing'), /^cache;desc=hit/)
      const first = sseEvents((await app.ask({ question: `${rent} (2)`, stream: true })).text).at(-1)?.data
      const { json } = await app.ask({ question: `${rent} (2)` })
      t.match(json, { answer: first.answer, cache: { status: 'hit' } })
    })

    t.test('a degraded answer is not kept', async t => {
      model.chat.behave({ status: 500 })
      t.match((await app.ask({ question: `${rent} (3)` })).json, {
        degraded: ['generation'],
        cache: { status: 'miss' },
      })
      model.chat.behave({})
      const { json } = await app.ask({ question: `${rent} (3)` })
      t.match(json, { generator: 'llm', cache: { status: 'miss' } })
      t.same(json.degraded, [])
    })

    t.test('hits, misses and what they spared are counted', async t => {
      const { text } = await app.send('GET', '/metrics')
      t.match(text, /^askwell_cache_hits_total\{cache_type="answer",tier="memory"\} [1-9]/m)
      t.match(text, /^askwell_cache_misses_total\{cache_type="answer"\} [1-9]/m)
      t.match(text, /^askwell_cache_saved_llm_calls_total [1-9]/m)
      t.match(text, /^askwell_cache_entries\{cache_type="answer"\} [1-9]/m)
    })
  })

  t.test(`a collection's own settings go before the service's, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await quotingApp(t, world)
    const set = (value: object) =>
      leased(app.deps.database, sql => sql`update collections set cache_settings = ${sql.json(value as never)}`)
    await set({ seconds: 0 })
    let nth = 0
    /** A new question each time, asked twice. */
    const isKept = async (mode: string) => {
      const body = { question: `${rent} (${++nth})`, mode }
      await app.ask(body)
      return statusOf(await app.ask(body)) === 'hit'
    }
    await until('nothing is kept', async () => !(await isKept('auto')))
    t.ok(await isKept('fast'))
    await set({ fast_seconds: 0 })
    await until('nothing is kept in fast mode', async () => !(await isKept('fast')))
    t.ok(await isKept('auto'))
    await set({ seconds: 1 })
    await until('a second is what it is kept for', async () => {
      const body = { question: `${rent} (${++nth})` }
      await app.ask(body)
      await pass(1.1)
      return statusOf(await app.ask(body)) === 'miss'
    })
    t.ok(await isKept('auto'))
  })

  t.test(`after an edit, ${world}`, { skip: skipReason(world) }, async t => {
    const { app, model } = await withModel(t, world)
    const ask = () => app.ask({ question: rent, top_k: 1 })
    const first = await ask()
    const calls = model.chat.requests.length

    await put(app, 'handbook/canteen.md', '# Canteen\n\nSoup is served from noon.')
    const revalidated = await ask()
    t.match(
      revalidated.json,
      { cache: { status: 'hit', tier: 'memory', revalidated: true }, usage: { llm_calls: 0 } },
      'of something else: searched again, its words found again',
    )
    t.same([revalidated.json.answer, revalidated.json.citations[0].version], [first.json.answer, 1])
    t.equal(model.chat.requests.length, calls)
    t.match((await ask()).json.cache, { status: 'hit', revalidated: undefined })

    await put(app, handbook[1].source, handbook[1].text.replace('12,000', '14,500'))
    const edited = await ask()
    t.match(
      edited.json,
      { answer: /14,500/, cache: { status: 'miss' }, citations: [{ version: 2 }] },
      'of what it cites: written anew',
    )
    t.equal(model.chat.requests.length, calls + 1)

    const {
      documents: [{ id }],
    } = (
      await app.send(
        'PUT',
        '/documents',
        { documents: [{ source: handbook[1].source, title: 'x', text: 'x' }] },
        { authorization: `Bearer ${adminKey}` },
      )
    ).json
    await app.send('DELETE', `/documents/${id}`, undefined, { authorization: `Bearer ${adminKey}` })
    t.notMatch(
      (await ask()).json.citations.map((each: { document_id: string }) => each.document_id),
      [id],
      'deleted: not cited',
    )
  })

  t.test(
    `an answer near its end, ${world}: made anew behind the questions, once, and nobody waits for it`,
    { skip: skipReason(world) },
    async t => {
      // It takes three seconds and is kept for twenty: with so many questions the renewal begins long before the end.
      const { app, model } = await withModel(t, world, { ANSWER_CACHE_SECONDS: '20' })
      model.chat.behave({ delayMs: 3000 })
      await app.ask({ question: rent })
      const { promise: held, resolve: renew } = Promise.withResolvers<void>()
      model.chat.behave({ held })
      const ages: number[] = []
      const given = new Set<string>()
      const note = async () => {
        const { json } = await app.ask({ question: rent })
        given.add(json.cache.status)
        ages.push(json.cache.age)
      }
      const refreshed = async () =>
        /^askwell_cache_refreshes_total\{outcome="ok"\} 1$/m.test((await app.send('GET', '/metrics')).text)
      await until('it is being made anew', async () => (await note(), model.chat.requests.length === 2))
      for (let i = 0; i < 20; i++) await note()
      t.equal(model.chat.requests.length, 2)
      renew()
      await until('it was made anew', async () => (await note(), await refreshed()))
      await note()
      t.same([...given], ['hit'])
      t.ok(ages.some((age, i) => age < (ages[i - 1] ?? 0)) || ages.at(-1) === 0, 'a younger one is given')
    },
  )

  t.test(`the model is down, ${world}`, { skip: skipReason(world) }, async t => {
    const { app, model } = await withModel(t, world, { ANSWER_CACHE_SECONDS: '1' })
    const { json: before } = await app.ask({ question: rent })
    await model.stop()
    const old = {
      answer: before.answer,
      citations: before.citations,
      generator: 'llm',
      degraded: ['generation'],
      cache: { status: 'stale', tier: 'memory' },
      usage: { llm_calls: 0 },
    }
    const stale = await until('its time is over', async () => {
      const reply = await app.ask({ question: rent })
      return statusOf(reply) === 'stale' ? reply : undefined
    })
    t.match(stale.json, old, 'the answer from before, though it is past its time')
    t.ok(Number(stale.headers.get('age')) >= 1)
    const events = sseEvents((await app.ask({ question: rent, stream: true })).text)
    t.same(
      events.map(({ event }) => event),
      ['passages', 'delta', 'citations', 'done'],
    )
    t.match(events.at(-1)?.data, old)
    t.match(
      (await app.ask({ question: 'When are quiet hours?' })).json,
      { generator: 'extractive', degraded: ['embeddings', 'generation'], cache: { status: 'miss' } },
      'what was never answered is quoted',
    )
    t.match(
      (await app.ask({ question: rent }, { 'cache-control': 'no-cache' })).json,
      { generator: 'extractive', cache: { status: 'bypass' } },
      'who wants none from before gets quotes',
    )
    await model.start()
    const anew = await until('well again: asked again', async () => {
      const reply = await app.ask({ question: rent })
      return statusOf(reply) === 'stale' ? undefined : reply
    })
    t.match(anew.json, { cache: { status: 'miss' } }, 'made anew')
    t.same(anew.json.degraded, [])
  })
}

t.test('what the caller wants of the cache', async t => {
  const app = await quotingApp(t, anyWorld, { ANSWER_CACHE_SECONDS: '1', STALE_IF_ERROR_SECONDS: '600' })
  const ask = (cacheControl: string, question = rent) =>
    app.ask({ question, mode: 'fast' }, { 'cache-control': cacheControl })
  const expiring = (cacheControl: string) => app.ask({ question: rent }, { 'cache-control': cacheControl })

  t.test('only-if-cached, and nothing is there: 504 not_cached', async t => {
    t.match(await ask('only-if-cached'), { status: 504, json: { code: 'not_cached' } })
    const streamed = await app.ask(
      { question: rent, mode: 'fast', stream: true },
      { 'cache-control': 'only-if-cached' },
    )
    t.match(streamed, { status: 504, json: { code: 'not_cached' } })
  })

  t.test('no-store: made, and not kept', async t => {
    t.equal(statusOf(await ask('no-store')), 'bypass')
    t.equal((await ask('only-if-cached')).status, 504)
  })

  t.test('no-cache: made anew, and kept', async t => {
    for (let i = 0; i < 2; i++) t.equal(statusOf(await ask('no-cache')), 'bypass')
    t.equal(statusOf(await ask('only-if-cached')), 'hit')
  })

  t.test('max-age: nothing older, and what is made is kept', async t => {
    await until('it is a second old', async () => (await ask('')).json.cache.age >= 1)
    t.equal(statusOf(await ask('max-age=0')), 'miss')
    t.equal(statusOf(await ask('max-age=600')), 'hit')
    t.equal(statusOf(await ask('only-if-cached, max-age=600')), 'hit')
  })

  t.test('max-stale: one past its time, which says so', async t => {
    await expiring('')
    await pass(1.1)
    const stale = await expiring('only-if-cached, max-stale')
    t.match(stale, { status: 200, json: { cache: { status: 'stale', tier: 'memory' } } })
    t.same(stale.json.degraded, [])
    t.equal(statusOf(await expiring('max-stale=600')), 'stale')
    t.equal((await expiring('only-if-cached, max-stale=0')).status, 504)
    t.equal(statusOf(await expiring('')), 'miss')
  })

  t.test('malformed or unknown: ignored', async t => {
    await ask('')
    for (const said of ['max-age=soon', 'max-age', 'no-transform', 'max-age=-1, ,', '='])
      t.equal(statusOf(await ask(said)), 'hit', said)
  })
})

t.test('walls between questions', async t => {
  const app = await quotingApp(t, anyWorld)
  await loadHandbook(app, 'other')
  const talk = [
    { role: 'user', content: 'How much is it?' },
    { role: 'assistant', content: '12,000 tenge a month.' },
  ]
  const questions: Record<string, object> = {
    'the question': { question: rent },
    'with filters': { question: rent, filters: { faculty: 'all' } },
    'with other filters': { question: rent, filters: { faculty: 'all', year: { gte: 2020 } } },
    'in another mode': { question: rent, mode: 'fast' },
    'with fewer passages': { question: rent, top_k: 2 },
    'in a language': { question: rent, language: 'en' },
    'with a history': { question: rent, history: talk },
    'of another collection': { question: rent, collection: 'other' },
  }
  for (const [what, body] of Object.entries(questions)) t.equal(statusOf(await app.ask(body)), 'miss', what)
  for (const [what, body] of Object.entries(questions)) t.equal(statusOf(await app.ask(body)), 'hit', what)
  const reordered = { question: rent, filters: { year: { gte: 2020 }, faculty: 'all' } }
  t.equal(statusOf(await app.ask(reordered)), 'hit', 'with the same filters in another order')
  const byList = (list: readonly string[]) => app.ask({ question: rent, filters: { faculty: { in: list } } })
  t.same([await byList(['law', 'all']), await byList(['all', 'law', 'all'])].map(statusOf), ['miss', 'hit'])
})

t.test('how long', async t => {
  const nowhere = { question: 'What is the weather in Paris today?' }

  t.test('"I cannot find that" is kept briefly', async t => {
    const app = await quotingApp(t, anyWorld, { ABSTENTION_CACHE_SECONDS: '1' })
    t.match((await app.ask(nowhere)).json, { abstained: true, cache: { status: 'miss' } })
    await until('it is kept', async () => statusOf(await app.ask(nowhere)) === 'hit')
    await app.ask({ question: rent })
    await pass(1.1)
    t.equal(statusOf(await app.ask(nowhere)), 'miss')
    t.equal(statusOf(await app.ask({ question: rent })), 'hit', 'an answer is kept for longer')
  })

  t.test('0: never', async t => {
    const app = await quotingApp(t, anyWorld, { ABSTENTION_CACHE_SECONDS: '0', FAST_ANSWER_CACHE_SECONDS: '0' })
    for (const body of [nowhere, { question: rent, mode: 'fast' }]) {
      for (let i = 0; i < 2; i++) t.equal(statusOf(await app.ask(body)), 'miss')
    }
    t.same([await app.ask({ question: rent }), await app.ask({ question: rent })].map(statusOf), ['miss', 'hit'])
  })
})

t.test('Postgres is away', { skip: skipReason('postgres') }, async t => {
  const faults = [
    { fault: 'frozen', breakIt: 'freeze', mendIt: 'thaw', unknown: 504 },
    { fault: 'killed', breakIt: 'kill', mendIt: 'start', unknown: 503 },
  ] as const
  for (const { fault, breakIt, mendIt, unknown } of faults) {
    t.test(
      `${fault}: what is known is given and says so, what is not fails in time, and it is used when it is back`,
      async t => {
        const postgres = await startPostgres(t)
        const app = await quotingApp(t, 'postgres', { DATABASE_URL: postgres.url })
        const { json: before } = await app.ask({ question: rent })
        await postgres[breakIt]()
        const stale = await until('it is noticed', async () => {
          const reply = await app.ask({ question: rent })
          return statusOf(reply) === 'stale' ? reply : undefined
        })
        t.match(stale, {
          status: 200,
          json: {
            answer: before.answer,
            citations: before.citations,
            degraded: ['database'],
            cache: { tier: 'memory' },
          },
        })
        const streamed = sseEvents((await app.ask({ question: rent, stream: true })).text)
        t.same(
          streamed.map(({ event }) => event),
          ['passages', 'delta', 'citations', 'done'],
        )
        t.match(streamed.at(-1)?.data, { degraded: ['database'], cache: { status: 'stale' } })
        t.equal((await app.ask({ question: 'Where do students apply for a grant?', timeout_ms: 800 })).status, unknown)
        t.equal((await app.ask({ question: rent, timeout_ms: 800 }, { 'cache-control': 'no-cache' })).status, unknown)
        await postgres[mendIt]()
        await until('it is a plain hit again', async () => {
          const { json } = await app.ask({ question: rent })
          return json.cache?.status === 'hit' && json.degraded.length === 0
        })
      },
    )
  }
})
