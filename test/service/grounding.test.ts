import t from 'tap'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { sseEvents } from '../support/sse.ts'

/** What a language model writes is checked against the passages before it is shown. */

const rent = 'How much does the dormitory cost?'
const settings = { ANSWER_CACHE_SECONDS: '0' }

t.test('sentences are checked', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, 'embedded', { ...settingsFor(model), ...settings, STREAM_CHECK: 'on' })
  const ask = async (answer: string, question = rent) => {
    model.chat.behave({ answer })
    return (await app.ask({ question, include: ['explain'] })).json
  }
  const reasonsIn = ({ explain }: Record<'explain', { grounding: { dropped: { reason: string }[] } }>) =>
    explain.grounding.dropped.map(({ reason }) => reason)

  t.test('an invented amount is taken away; quotations take over', async t => {
    const reply = await ask('The daily meal allowance is 3.50 euros.')
    t.match(reply, { generator: 'extractive', degraded: ['grounding'], abstained: false, usage: { llm_calls: 1 } })
    t.match(reply.answer, /12,000 tenge/)
    t.match(reply.explain.grounding, { outcome: 'replaced', kept: 0, dropped: [{ reason: 'number', detail: '3.50' }] })
  })

  t.test('a sentence of several is taken away, and the rest stays with its markers', async t => {
    const reply = await ask(
      'A place in the dormitory costs 12,000 tenge a month [1]. The deposit is 50,000 tenge [1]. Foreign students are settled first [1].',
    )
    t.equal(
      reply.answer,
      'A place in the dormitory costs 12,000 tenge a month [1]. Foreign students are settled first [1].',
    )
    t.match(reply, { generator: 'llm', degraded: [], explain: { grounding: { outcome: 'trimmed', kept: 2 } } })
    t.same(reasonsIn(reply), ['number'])
  })

  t.test('a model that ignores markers gets them; a marker of another passage goes', async t => {
    const unmarked = await ask('A place in the dormitory costs twelve thousand tenge a month.')
    t.match(unmarked, { generator: 'llm', explain: { grounding: { markers_added: 1 } } })
    t.match(unmarked.answer, /^A place in the dormitory costs twelve thousand tenge a month \[\d\]\.$/)
    t.match(unmarked.citations, [{ quote: /12,000 tenge/ }])
    const nine = await ask('A place in the dormitory costs 12,000 tenge a month [9].')
    t.match(nine.answer, /month \[\d\]\.$/)
    t.notMatch(nine.answer, /\[9\]/)
  })

  t.test('lies of each kind', async t => {
    const lies: Readonly<Record<string, string>> = {
      'A place in the dormitory costs 36,660 tenge a month [1].': 'elsewhere',
      'Guests need not leave by 22:00, foreign students are not settled first [1].': 'negation',
      'A place in the dormitory costs 12,000 tenge a month, and Dean Robertson collects it by lorry [1].': 'name',
      'Quiet hours last from 21:00 to 07:00 [1].': 'date',
      'A month costs 12,000 + 3,000 = 16,000 tenge [1].': 'arithmetic',
    }
    for (const [lie, reason] of Object.entries(lies)) {
      const reply = await ask(lie)
      t.same(reasonsIn(reply), [reason], lie)
      t.same(reply.degraded, ['grounding'], lie)
    }
  })

  t.test('a number that is worked out before the reader stays', async t => {
    const sum = 'Two months cost 12,000 + 12,000 = 24,000 tenge [1].'
    const reply = await ask(sum, 'How much does the dormitory cost for two months?')
    t.match(reply, { generator: 'llm', degraded: [], answer: sum })
  })

  t.test('refusals in prose abstain, in five languages', async t => {
    const refusals: Readonly<Record<string, string>> = {
      'How much does the dormitory cost in summer?': 'The passages do not mention what the dormitory costs in summer.',
      'Сколько стоит общежитие для студентов, подавших на стипендию?':
        'В приведённых отрывках нет информации о стоимости общежития.',
      'Стипендия студенттерге қанша?': 'Берілген үзінділерде бұл туралы айтылмаған.',
      'Students: học bổng bao nhiêu, grant?': 'Các đoạn văn được cung cấp không đề cập đến điều này.',
      'Quanto costa il dormitory per students?': 'I passaggi non menzionano il costo.',
    }
    for (const [question, refusal] of Object.entries(refusals)) {
      const reply = await ask(refusal, question)
      // Where nothing relevant was found, the model was not asked.
      const isAsked = reply.usage.llm_calls > 0
      t.match(reply, { abstained: true, degraded: [], generator: isAsked ? 'llm' : 'none' }, refusal)
    }
    t.match(await ask('The passages do not mention the price.'), { abstained: true, generator: 'llm' })
  })

  t.test('another language than that of passages and question, repetition, and the question itself', async t => {
    t.match(await ask('Le soleil brille sur la ville et les oiseaux chantent.'), { degraded: ['grounding'] })
    const place = 'A place in the dormitory costs 12,000 tenge a month [1].'
    const repeated = await ask(`${place} ${place} ${place}`)
    t.equal(repeated.answer, place)
    t.same(reasonsIn(repeated), ['repetition', 'repetition'])
    const echo = await ask('What is the answer to this question: How much does the dormitory cost?')
    t.match(echo, { degraded: ['grounding'], generator: 'extractive' })
  })

  t.test('a think block that is never closed', async t => {
    t.match(await ask('<think>The user asks for a price.'), { generator: 'extractive' })
  })

  t.test('a stream shows a sentence when it is checked, and never a lie', async t => {
    model.chat.behave({
      answer:
        'A place in the dormitory costs 12,000 tenge a month [1]. The deposit is 50,000 tenge [1]. Foreign students are settled first [1].',
    })
    const events = sseEvents((await app.ask({ question: rent, stream: true })).text)
    const deltas = events.filter(({ event }) => event === 'delta').map(({ data }) => data.text)
    t.same(deltas, [
      'A place in the dormitory costs 12,000 tenge a month [1].',
      ' Foreign students are settled first [1].',
    ])
    t.match(events.at(-1)?.data, { answer: deltas.join(''), generator: 'llm', degraded: [] })
    model.chat.behave({ answer: 'The deposit is 50,000 tenge.' })
    const replaced = sseEvents((await app.ask({ question: rent, stream: true })).text)
    t.match(replaced.at(-1)?.data, { generator: 'extractive', degraded: ['grounding'], answer: /12,000 tenge/ })
    t.notMatch(replaced.map(({ data }) => data.text ?? '').join(''), /50,000/)
  })

  t.test('metrics count drafts and sentences', async t => {
    const { text } = await app.send('GET', '/metrics')
    t.match(text, /askwell_grounding_drafts_total\{outcome="trimmed"\} [1-9]/)
    t.match(text, /askwell_grounding_drafts_total\{outcome="refused"\} [1-9]/)
    t.match(text, /askwell_grounding_dropped_total\{reason="number"\} [1-9]/)
    t.match(text, /askwell_degraded_total\{reason="grounding"\} [1-9]/)
    t.match(text, /askwell_first_sentence_seconds_count [1-9]/)
  })
})

t.test('STREAM_CHECK=off shows tokens at once, and says what was wrong with them', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, 'embedded', { ...settingsFor(model), ...settings, STREAM_CHECK: 'off' })
  model.chat.behave({ answer: 'The deposit is 50,000 tenge.' })
  const events = sseEvents((await app.ask({ question: rent, stream: true, include: ['explain'] })).text)
  t.ok(events.filter(({ event }) => event === 'delta').length > 3)
  t.match(events.at(-1)?.data, {
    answer: 'The deposit is 50,000 tenge.',
    degraded: ['grounding'],
    explain: { grounding: { outcome: 'shown', dropped: [{ reason: 'number' }] } },
  })
})

t.test('a reply that stops in the middle loses its last sentence', async t => {
  const model = await startModel(t)
  const limits = { MAX_ANSWER_TOKENS: '16', STREAM_CHECK: 'on' }
  const app = await startHandbookApp(t, 'embedded', { ...settingsFor(model), ...settings, ...limits })
  const first = 'A place in the dormitory costs 12,000 tenge a month [1].'
  model.chat.behave({ answer: `${first} Foreign students are settled first, and the warden keeps the list [1].` })
  const { json } = await app.ask({ question: rent, include: ['explain'] })
  t.equal(json.answer, first)
  t.match(json.explain.grounding, { outcome: 'trimmed', dropped: [{ reason: 'unfinished' }] })
})

t.test('GROUNDING=off shows what the model writes', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, 'embedded', { ...settingsFor(model), ...settings, GROUNDING: 'off' })
  model.chat.behave({ answer: 'The deposit is 50,000 tenge.' })
  const { json } = await app.ask({ question: rent, include: ['explain'] })
  t.match(json, {
    answer: 'The deposit is 50,000 tenge.',
    generator: 'llm',
    degraded: [],
    explain: { grounding: null },
  })
})

t.test('GROUNDING_URL: a model made for it reads every sentence', async t => {
  const [model, checker] = [await startModel(t), await startModel(t)]
  const app = await startHandbookApp(t, 'embedded', {
    ...settingsFor(model),
    ...settings,
    GROUNDING_URL: checker.url,
    GROUNDING_API_KEY: 'key-of-the-checker',
  })
  const answer = 'A place in the dormitory costs 12,000 tenge a month [1].'
  model.chat.behave({ answer })
  checker.chat.behave({ answer: 'Yes' })
  t.match((await app.ask({ question: rent })).json, { answer, generator: 'llm' })
  const { body } = checker.chat.requests.at(-1)!
  t.match(
    JSON.stringify(body),
    /Document: [\s\S]*12,000 tenge[\s\S]*Claim: A place in the dormitory costs 12,000 tenge a month\./,
  )
  checker.chat.behave({ answer: 'No' })
  const refused = (await app.ask({ question: rent, include: ['explain'] })).json
  t.match(refused, {
    generator: 'extractive',
    degraded: ['grounding'],
    explain: { grounding: { dropped: [{ reason: 'checker' }] } },
  })
  checker.chat.behave({ status: 500 })
  t.match((await app.ask({ question: rent })).json, { answer, generator: 'llm' }, 'without it, words decide')
})
