import { readFileSync } from 'node:fs'
import t from 'tap'
import { canonicalQuestion } from '../../src/text/canonical/canonical.ts'
import { adminKey, anyWorld, skipReason, eitherWorld, type App } from '../support/app.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { until } from '../support/until.ts'

/** Answers of questions that say the same in other words, through the whole service. */

t.setTimeout(1_800_000)

interface Pair {
  readonly language: string
  readonly a: string
  readonly b: string
  readonly same: boolean
  readonly kind: string
}

/** The first three pairs of each kind in each language. Canonical questions have a unit test with all pairs. */
const pairs = Map.groupBy(
  readFileSync(new URL('../../eval/near/pairs.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Pair),
  ({ language, kind }) => `${language} ${kind}`,
)
  .values()
  .flatMap(alike => alike.slice(0, 3))
  .toArray()

const rent = 'How much does a place in the dormitory cost?'
const rentToo = 'Please tell me how much a place in the dormitory costs'

const terms = { signal: new AbortController().signal, label: 'test' }

const kept = async (app: App, questions: number) =>
  await until(
    'the question is kept',
    async () => (await app.deps.database.lease(terms, sql => sql`select from cached_questions`)).length >= questions,
  )

for (const world of eitherWorld) {
  t.test(`near answers, ${world}`, { skip: skipReason(world) }, async t => {
    const model = await startModel(t)
    const app = await startHandbookApp(t, world, { ...settingsFor(model, 'test-embedding'), SEMANTIC_CACHE: '0.5' })
    const first = (await app.ask({ question: rent })).json
    await kept(app, 1)

    t.test('the same in other words: the same answer, without a model, and the reply says whose it is', async t => {
      const calls = model.chat.requests.length
      const { json, headers } = await app.ask({ question: rentToo })
      t.match(json, {
        answer: first.answer,
        citations: first.citations,
        cache: { status: 'near', tier: 'memory', question: rent },
        usage: { llm_calls: 0 },
      })
      t.ok(json.cache.similarity >= 0.5 && json.cache.similarity < 1, String(json.cache.similarity))
      t.ok(headers.has('age'))
      t.equal(model.chat.requests.length, calls)
      t.match(
        (await app.send('GET', '/metrics')).text,
        /askwell_semantic_cache_total\{cache_type="answer",tier="memory"\} 1/,
      )
    })

    const others: Readonly<Record<string, object>> = {
      'another mode': { mode: 'fast' },
      'another top_k': { top_k: 3 },
      filters: { filters: { faculty: 'law' } },
      'a language said': { language: 'ru' },
      'a conversation': {
        history: [
          { role: 'user', content: 'I want to move.' },
          { role: 'assistant', content: 'Where to?' },
        ],
      },
    }
    for (const [what, other] of Object.entries(others)) {
      t.test(`${what}: another answer`, async t => {
        t.not((await app.ask({ question: rentToo, ...other })).json.cache.status, 'near')
      })
    }

    t.test('no-cache: made anew', async t => {
      t.equal((await app.ask({ question: rentToo }, { 'cache-control': 'no-cache' })).json.cache.status, 'bypass')
    })

    t.test('after an edit: not near any more', async t => {
      const documents = [{ source: 'handbook/parking.md', text: 'A place in the car park costs 3,000 tenge a month.' }]
      await app.send('PUT', '/documents', { documents }, { authorization: `Bearer ${adminKey}` })
      t.not(
        (await app.ask({ question: 'Could you tell me how much a place in the dormitory costs?' })).json.cache.status,
        'near',
      )
    })
  })
}

t.test('switched off: never near', async t => {
  const app = await startHandbookApp(t, anyWorld, { SEMANTIC_CACHE: 'off' })
  await app.ask({ question: rent })
  t.equal((await app.ask({ question: rentToo })).json.cache.status, 'miss')
})

t.test('learn, without evidence: never near, but seen', async t => {
  const app = await startHandbookApp(t, anyWorld)
  await app.ask({ question: rent })
  await kept(app, 1)
  t.equal((await app.ask({ question: rentToo })).json.cache.status, 'miss')
  await until(
    'it was compared',
    async () =>
      (await app.deps.database.lease(terms, sql => sql`select from near_observations where is_right`)).length === 1,
  )
  t.equal(app.deps.semanticCache?.threshold(), null)
})

/** Whatever is asked is answered, so that each pair comes to the cache: what is measured is which answers are shared. */
t.test(
  'pairs of eval/near of every kind through the service: no answer of another question',
  { skip: skipReason('postgres') },
  async t => {
    const model = await startModel(t)
    const app = await startHandbookApp(t, 'postgres', {
      ...settingsFor(model, 'test-embedding'),
      SEMANTIC_CACHE: '0.5',
      ABSTAIN_BELOW: '0',
      GROUNDING: 'off',
    })
    model.chat.behave({ answer: 'So it is. [1]' })

    /** Whose answer a question gets: its own, or that of the one it is near to. */
    const owners = new Map<string, string>()
    for (const { language, a } of pairs) {
      const { cache } = (await app.ask({ question: a, language })).json
      owners.set(a, cache.question ?? a)
    }
    // One is written after the other: the last one there, all are.
    const { a: last } = pairs.findLast(
      ({ a, language }) => owners.get(a) === a && canonicalQuestion(a, language) !== null,
    ) as Pair
    await until(
      'the last is kept',
      async () =>
        await app.deps.database.lease(
          terms,
          async sql => (await sql`select from cached_questions where question = ${last}`).length === 1,
        ),
    )

    const hits = new Map<string, { same: number; hit: number }>()
    for (const { language, a, b, same, kind } of pairs) {
      const { cache } = (await app.ask({ question: b, language })).json
      const isHit = cache.status === 'hit' || (cache.status === 'near' && cache.question === owners.get(a))
      const count = hits.get(language) ?? { same: 0, hit: 0 }
      if (same) hits.set(language, { same: count.same + 1, hit: count.hit + Number(isHit) })
      else if (isHit && cache.status === 'near') t.fail(`${language} ${kind}: "${b}" got the answer of "${a}"`)
    }
    for (const [language, { same, hit }] of hits) {
      t.comment(`${language}: ${hit} of ${same} paraphrases of all kinds answered from the cache`)
      t.ok(hit >= 0.4 * same, `${language}: ${hit} of ${same}`)
    }
    t.equal(hits.size, 5)
    t.equal(pairs.length, 235)
  },
)
