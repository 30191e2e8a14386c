import fc from 'fast-check'
import t, { type Test } from 'tap'
import { anyWorld, skipReason, eitherWorld, type App } from '../support/app.ts'
import { assertContract } from '../support/contract.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { promptOf } from '../support/model/chat.ts'

/** Questions that no one would call questions: a sensible result through both doors, or a clear refusal. */

t.setTimeout(1_800_000)

/** The same question to both; every reply as openapi.yaml has it. */
async function both(t: Test, app: App, body: object) {
  const [found, answered] = await Promise.all(
    ['/search', '/ask'].map(async path => {
      const reply = await app.send('POST', path, body)
      assertContract(t, { method: 'POST', path, status: reply.status, headers: reply.headers, body: reply.text })
      return reply
    }),
  )
  return { found: found!, answered: answered! }
}

for (const world of eitherWorld) {
  t.test(`odd questions, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startHandbookApp(t, world)

    t.test('without a letter or a digit: nothing is found, and an answer says so', async t => {
      for (const question of ['???', '…', '- * -', '\\ \' " %_$;', '🍕🍕', '¿¡', '👩‍👩‍👧‍👦'.repeat(300), '?'.repeat(4000)]) {
        const { found, answered } = await both(t, app, { question })
        t.match(found, { status: 200, json: { near: false, usage: { llm_calls: 0 } } }, question.slice(0, 20))
        t.same(found.json.passages, [], question.slice(0, 20))
        t.match(answered, { status: 200, json: { abstained: true, generator: 'none' } }, question.slice(0, 20))
        t.same(answered.json.citations, [], question.slice(0, 20))
      }
    })

    t.test('nothing but function words: no passage answers them', async t => {
      for (const question of ['the', 'is it?', 'what is the', 'how do I', 'и в на', 'что это такое']) {
        const { found, answered } = await both(t, app, { question })
        t.match([found.status, found.json.near, answered.json.abstained], [200, false, true], question)
      }
    })

    t.test('signs that mean something to SQL, tsquery, jsonpath or a template are only signs', async t => {
      for (const question of [
        "What does the dormitory cost?'; drop table chunks; --",
        'dormitory:* & !cost <-> (place | ',
        "\\dormitory\\ 'cost' \"place",
        'dormitory cost ${1} $1 %s {{place}} `id`',
        'dormitory cost place or 1=1) union select',
        '<b>dormitory</b> &amp; cost of a place',
        '\u202edormitory\u202c cost of a place',
      ]) {
        const { found, answered } = await both(t, app, { question })
        t.match(found, { status: 200, json: { passages: [{ source: 'handbook/dormitory.md' }] } }, question)
        t.equal(answered.status, 200, question)
      }
    })

    t.test('two scripts in one question: what either finds', async t => {
      for (const [question, source] of [
        ['Сколько стоит dormitory place?', 'handbook/dormitory.md'],
        ['قواعد dormitory', 'handbook/dormitory.md'],
        ['图书馆 library books', 'handbook/library.md'],
        ['grant: заявление в деканат', 'handbook/stipendiya.md'],
      ] as const) {
        const { found } = await both(t, app, { question })
        t.equal(found.json.passages[0]?.source, source, question)
      }
    })

    t.test('4,000 characters: answered in time; one more: refused with a pointer', async t => {
      const long =
        'Please tell me, as I am new here and nobody could tell me so far, how much a place in the dormitory costs for a student. '
      for (const question of [
        long.repeat(40).slice(0, 4000),
        'x'.repeat(4000),
        '日本'.repeat(2000),
        Array.from({ length: 700 }, (_, i) => `w${i}`)
          .join(' ')
          .slice(0, 4000),
      ]) {
        const { found, answered } = await both(t, app, { question, timeout_ms: 20_000 })
        t.same([found.status, answered.status], [200, 200], question.slice(0, 20))
      }
      const { found } = await both(t, app, { question: long.repeat(33) })
      t.match(found.json, { near: true, passages: [{ source: 'handbook/dormitory.md' }] })
      const refused = await both(t, app, { question: 'x'.repeat(4001) })
      for (const { status, json } of [refused.found, refused.answered])
        t.match({ status, json }, { status: 400, json: { errors: [{ pointer: '/question', detail: /at most 4000/ }] } })
    })

    t.test('filters on fields that no document has let nothing through', async t => {
      for (const filters of [
        { facultty: 'law' },
        { 'a.b': { gt: 1 } },
        { "'; --": { in: ['x', 1] } },
        { year: 2023, nonsense: true },
        { $: '$' },
        { 'year"': 2023 },
      ]) {
        const { found, answered } = await both(t, app, { question: 'When is the library open?', filters })
        t.match(found, { status: 200, json: { near: false } }, JSON.stringify(filters))
        t.same(found.json.passages, [], JSON.stringify(filters))
        t.match(answered, { status: 200, json: { abstained: true } }, JSON.stringify(filters))
        t.same(answered.json.citations, [], JSON.stringify(filters))
      }
      t.match((await both(t, app, { question: 'When is the library open?', filters: { year: 2023 } })).found.json, {
        near: true,
      })
    })

    t.test('any text and any filters: an answer or a refusal', async t => {
      const question = fc.oneof(
        fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }),
        fc
          .array(
            fc.constantFrom(...'dormitory grant \' " \\ ( ) & | ! <-> :* $1 % _ -- /* */ ; \u0301 \u200d é'.split(' ')),
            { minLength: 1 },
          )
          .map(parts => parts.join(' ')),
      )
      const filters = fc.dictionary(
        fc.string({ minLength: 1, maxLength: 20 }),
        fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.record({ gte: fc.string() })),
        { maxKeys: 3 },
      )
      await fc.assert(
        fc.asyncProperty(question, filters, async (question, filters) => {
          const { found, answered } = await both(t, app, { question, filters })
          t.ok([200, 400].includes(found.status), found.text)
          t.equal(answered.status, found.status)
        }),
        { numRuns: 60 },
      )
    })
  })
}

t.test('a question without a letter or a digit asks no model', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, anyWorld, settingsFor(model, 'test-embedding'))
  const calls = () => [model.chat.requests.length, model.embeddings.requests.length]
  const before = calls()
  t.match((await app.ask({ question: '?!' })).json, { abstained: true, usage: { llm_calls: 0 } })
  t.same(calls(), before)

  const history = [
    { role: 'user', content: 'Do guests have to leave the dormitory?' },
    { role: 'assistant', content: 'Yes.' },
  ]
  await app.ask({ question: '???', history })
  t.match(
    promptOf(model.chat.requests[0]!.body),
    /Last question: \?\?\?/,
    'but after another question it may mean something',
  )
})
