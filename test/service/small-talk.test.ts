import t from 'tap'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'

/** Greetings, thanks and goodbyes: a polite line, without a search, and no answer in any figure. */

t.setTimeout(1_800_000)

const admin = { authorization: `Bearer ${adminKey}` }

async function counters(app: App): Promise<ReadonlyMap<string, number>> {
  const { text } = await app.send('GET', '/metrics', undefined, admin)
  const lines = text
    .split('\n')
    .filter(line => /^askwell_(answers_total|smalltalk_total|stage_seconds_count)/.test(line))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

function sumOf(counts: ReadonlyMap<string, number>, name: string): number {
  return [...counts].filter(([key]) => key.startsWith(name)).reduce((sum, [, value]) => sum + value, 0)
}

for (const world of worlds) {
  t.test(`small talk, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world, { SEMANTIC_CACHE: '0.5' })
    await loadHandbook(app)

    await t.test('a polite line in the language of the asker', async t => {
      const cases = [
        ['hello', 'en', /^Hello!/],
        ['спасибо', 'ru', /^Пожалуйста!/],
        ['xin chào', 'vi', /^Xin chào!/],
        ['рахмет', 'kk', /^Оқасы жоқ!/],
        ['grazie', 'it', /^Prego!/],
      ] as const
      for (const [question, language, line] of cases) {
        const { status, json } = await app.ask({ question, include: ['passages'] })
        t.equal(status, 200)
        t.match(json, { answer: line, smalltalk: true, abstained: false, generator: 'none', model: null, language })
        t.same([json.citations, json.passages, json.degraded], [[], [], []], question)
      }
    })

    await t.test('cached, it is the same', async t => {
      const { json } = await app.ask({ question: 'hello' })
      t.match(json, { smalltalk: true, cache: { status: 'hit' }, citations: [] })
    })

    await t.test('in a stream', async t => {
      const { text } = await app.ask({ question: 'cảm ơn', stream: true })
      t.same(
        [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name),
        ['delta', 'citations', 'done'],
      )
      t.match(text, /"smalltalk":true/)
    })

    await t.test('a search finds nothing, and says why', async t => {
      const { status, json } = await app.send('POST', '/search', { question: 'hello' })
      t.equal(status, 200)
      t.match(json, { smalltalk: true, near: false, passages: [] })
    })

    await t.test('nothing is searched, counted as answered, or kept for similar questions', async t => {
      const before = await counters(app)
      await app.ask({ question: 'Thank you very much!' }, { 'cache-control': 'no-cache' })
      await app.ask({ question: 'thanks a lot' })
      const after = await counters(app)
      for (const name of [
        'askwell_answers_total',
        'askwell_stage_seconds_count{stage="retrieve"',
        'askwell_stage_seconds_count{stage="embed"',
      ])
        t.equal(sumOf(after, name), sumOf(before, name), name)
      t.equal(sumOf(after, 'askwell_smalltalk_total') - sumOf(before, 'askwell_smalltalk_total'), 2)
      const { json } = await app.send('GET', '/monitoring/performance-metrics', undefined, admin)
      t.ok(json.windows['1m'].small_talk >= 2)
      t.equal(json.windows['1m'].abstained, 0)
    })

    await t.test('a greeting before a question is no part of it', async t => {
      const cases = [
        ['Hello, when are the quiet hours?', /23:00/],
        ['Hi there! Thanks for the help. How many days does the library lend books?', /thirty days/],
        ['Спасибо! А до какого числа подать на стипендию?', /15 сентября/],
      ] as const
      for (const [question, quote] of cases) {
        const { json } = await app.ask({ question, include: ['explain'] }, { ...admin, 'cache-control': 'no-cache' })
        t.match(json.answer, quote, question)
        t.notOk('smalltalk' in json)
        t.equal(json.explain.question.rewritten, false)
        const terms = json.explain.question.terms.map((each: { term: string }) => each.term)
        for (const word of ['hello', 'hi', 'thank', 'спасиб']) t.notOk(terms.includes(word), `${question}: ${word}`)
      }
    })

    await t.test('a collection that does not exist is still told', async t => {
      t.equal((await app.ask({ question: 'hello', collection: 'nowhere' })).status, 404)
    })
  })
}
