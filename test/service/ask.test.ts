import t from 'tap'
import { skipReason, worlds } from '../support/app.ts'
import { handbook } from '../support/corpus.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { sseEvents } from '../support/sse.ts'

for (const world of worlds) {
  t.test(`asking, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startHandbookApp(t, world)

    t.test('an answer quotes and cites the passage that holds it', async t => {
      const { status, json } = await app.ask({ question: 'How much does a place in the dormitory cost?' })
      t.equal(status, 200)
      t.match(json.answer, /12,000 tenge a month\. .*\[1\]/s)
      t.match(json, {
        abstained: false,
        language: 'en',
        generator: 'extractive',
        model: null,
        cache: { status: 'miss' },
      })
      t.same(json.degraded, [])
      t.match(json.citations[0], { index: 1, title: /Dormitory/, url: 'https://example.edu/dormitory', version: 1 })
    })

    t.test('a quote is really there, letter for letter', async t => {
      const { json } = await app.ask({ question: 'What happens when a book is lost?' })
      for (const citation of json.citations) {
        const stored = await app.send('GET', `/documents/${citation.document_id}`, undefined, {
          authorization: 'Bearer a-key-for-tests-only',
        })
        t.equal(stored.json.text.slice(citation.start, citation.end), citation.quote)
      }
      t.ok(json.citations.length > 0)
    })

    t.test('a question in Russian is answered from the Russian document, in words of it', async t => {
      const { json } = await app.ask({ question: 'Как подать на стипендию?' })
      t.equal(json.language, 'ru')
      t.match(json.answer, /заявление в деканат/)
    })

    t.test('nothing near: abstains in the language of the question, asks no model, cites nothing', async t => {
      const english = await app.ask({ question: 'What is the weather in Paris today?' })
      t.match(english.json, { abstained: true, generator: 'none', usage: { llm_calls: 0 } })
      t.same(english.json.citations, [])
      const russian = await app.ask({ question: 'Как приготовить борщ со сметаной?' })
      t.equal(russian.json.abstained, true)
      t.match(russian.json.answer, /[а-я]/)
    })

    t.test('filters: equality, lists, membership and ranges', async t => {
      const found = async (filters: object) => {
        const { json } = await app.ask({
          question: 'students dormitory grant library book',
          filters,
          include: ['passages'],
        })
        return new Set((json.passages ?? []).map((passage: { source: string }) => passage.source))
      }
      t.same(await found({ year: 2023 }), new Set(['handbook/library.md']))
      t.same(await found({ tags: 'money' }), new Set(['handbook/grants.md']))
      t.same(await found({ year: { in: [2023, 2024] } }), new Set(['handbook/library.md', 'handbook/dormitory.md']))
      t.same(await found({ year: { gte: 2024, lt: 2025 } }), new Set(['handbook/dormitory.md']))
      t.same(await found({ faculty: 'law', year: { gt: 2030 } }), new Set())
      t.same(await found({ 'no "such" field': "'; drop table chunks; --" }), new Set())
    })

    t.test('top_k bounds the passages; include decides what is shown', async t => {
      const { json } = await app.ask({
        question: 'students grant dormitory',
        top_k: 1,
        include: ['passages', 'timings'],
      })
      t.equal(json.passages.length, 1)
      t.match(json.timings_ms, { retrieve: Number, total: Number })
      const bare = await app.ask({ question: 'students grant dormitory' })
      t.notOk('passages' in bare.json || 'timings_ms' in bare.json)
    })

    t.test('the same question again: from the cache, with its age; an edit makes it a miss', async t => {
      const question = 'How long does the library lend books?'
      await app.ask({ question })
      const again = await app.ask({ question: ' how long does the library  lend books ' })
      t.match(again.json, { cache: { status: 'hit', age: Number }, answer: /thirty days/ })
      const edited = handbook[2].text.replace('thirty', 'forty')
      await app.send(
        'PUT',
        '/documents',
        { documents: [{ ...handbook[2], text: edited }] },
        { authorization: 'Bearer a-key-for-tests-only' },
      )
      const after = await app.ask({ question })
      t.match(after.json, { cache: { status: 'miss' }, answer: /forty days/, citations: [{ version: 2 }] })
    })

    t.test('an unknown collection: 404 that says how to load one', async t => {
      const { status, json } = await app.ask({ question: 'What?', collection: 'nowhere' })
      t.equal(status, 404)
      t.match(json, { code: 'unknown_collection', detail: /askwell ingest/ })
    })

    t.test('several faults: all listed, each with its pointer', async t => {
      const { status, json } = await app.ask({
        question: ' ',
        top_k: 0,
        mode: 'slow',
        colour: 'red',
        filters: { a: { gtx: 1 } },
      })
      t.equal(status, 400)
      const pointers = json.errors.map((fault: { pointer: string }) => fault.pointer)
      for (const pointer of ['/question', '/top_k', '/mode', '/colour', '/filters/a'])
        t.ok(pointers.includes(pointer), pointer)
    })

    t.test('a follow-up leans on the question before it', async t => {
      const history = [
        { role: 'user', content: 'How much does the dormitory cost?' },
        { role: 'assistant', content: '12,000 tenge a month.' },
      ]
      const { json } = await app.ask({ question: 'And when are guests out?', history })
      t.match(json.answer, /22:00/)
    })

    t.test('a stream: passages, deltas, citations, done; the deltas are the answer', async t => {
      const { headers, text } = await app.ask({ question: 'When are quiet hours?', stream: true })
      t.match(headers.get('content-type'), /^text\/event-stream/)
      t.equal(headers.get('cache-control'), 'no-cache, no-transform')
      t.equal(headers.get('x-accel-buffering'), 'no')
      const events = sseEvents(text)
      t.match(events.map(event => event.event).join(' '), /^passages( delta)+ citations done$/)
      const words = events
        .filter(event => event.event === 'delta')
        .map(event => event.data.text)
        .join('')
      t.equal(words, events.at(-1)?.data.answer)
    })

    t.test('Accept: text/event-stream asks for a stream as well; an error before it has its status', async t => {
      const { status, headers } = await app.ask(
        { question: 'What?', collection: 'nowhere' },
        { accept: 'text/event-stream' },
      )
      t.equal(status, 404)
      t.match(headers.get('content-type'), /problem\+json/)
    })

    t.test('no time: 504', async t => {
      const { status, json } = await app.ask({ question: 'What of students and nobody else?', timeout_ms: 1 })
      t.equal(status, 504)
      t.equal(json.code, 'deadline_exceeded')
    })
  })
}
