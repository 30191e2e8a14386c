import t from 'tap'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { sseEvents } from '../support/sse.ts'

/** A reply is the same whole and as a stream, whatever the model does. */

const rent = 'How much does the dormitory cost?'
const place = 'A place in the dormitory costs 12,000 tenge a month'
const settings = { ANSWER_CACHE_SECONDS: '0', STREAM_CHECK: 'on' }

interface Row {
  readonly what: string
  readonly answer: string
  readonly question?: string
  readonly expected: object
  /** Never shown, not even for a moment. */
  readonly never?: RegExp
}

const refused = { abstained: true, generator: 'llm', degraded: [] }
const quoted = { abstained: false, generator: 'extractive', answer: /12,000 tenge/ }

const rows: readonly Row[] = [
  { what: 'refusal, en', answer: 'The passages do not mention the price of the dormitory.', expected: refused },
  {
    what: 'refusal, en, other words',
    answer: "I'm sorry, but the context does not provide this information.",
    expected: refused,
  },
  {
    what: 'refusal, ru',
    answer: 'В предоставленных документах не указано, сколько стоит общежитие.',
    expected: refused,
  },
  { what: 'refusal, kk', answer: 'Берілген құжаттарда бұл туралы ақпарат жоқ.', expected: refused },
  { what: 'refusal, vi', answer: 'Tài liệu được cung cấp không đề cập đến giá phòng.', expected: refused },
  { what: 'refusal, it', answer: 'I documenti forniti non specificano il costo del dormitorio.', expected: refused },
  {
    what: 'no markers',
    answer: `${place}.`,
    expected: {
      generator: 'llm',
      degraded: [],
      answer: /^A place .* a month \[\d\]\.$/,
      citations: [{ quote: /12,000/ }],
    },
  },
  {
    what: 'a marker of no passage',
    answer: `${place} [9].`,
    expected: { generator: 'llm', answer: /^A place .* a month \[[1-8]\]\.$/ },
    never: /\[9\]/,
  },
  {
    what: 'another language than passages and question, with an invented amount',
    answer: 'Une place coûte 55 500 tenge par mois [1].',
    expected: { ...quoted, degraded: ['grounding'] },
    never: /55 500/,
  },
  {
    what: 'one sentence again and again',
    answer: Array(5).fill(`${place} [1].`).join(' '),
    expected: { generator: 'llm', degraded: [], answer: `${place} [1].` },
  },
  {
    what: 'a think block that is never closed',
    answer: '<think>The price is 77,000 tenge, I guess.',
    expected: quoted,
    never: /77,000|guess/,
  },
  {
    what: 'a lie between true sentences',
    answer: `${place} [1]. The deposit is 50,000 tenge [1]. Foreign students are settled first [1].`,
    expected: { generator: 'llm', answer: `${place} [1]. Foreign students are settled first [1].` },
    never: /50,000/,
  },
  {
    what: 'a sentence without end',
    answer: `${place} and ${'the warden keeps the list, '.repeat(80)}`,
    expected: { abstained: false, answer: /12,000 tenge/ },
  },
]

t.test('whole and as a stream', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, 'embedded', { ...settingsFor(model), ...settings })
  for (const { what, answer, question = rent, expected, never } of rows) {
    model.chat.behave({ answer })
    const whole = (await app.ask({ question })).json
    t.match(whole, expected, what)
    const events = sseEvents((await app.ask({ question, stream: true })).text)
    const last = events.at(-1)!
    t.match(last.data, { ...expected, answer: whole.answer }, `${what}: stream`)
    const shown = events.map(({ data }) => data.text ?? '').join('')
    if (!whole.abstained) t.equal(shown, whole.answer, `${what}: what was shown is the answer`)
    if (never) t.notMatch(JSON.stringify([whole.answer, shown]), never, `${what}: never shown`)
  }
})

t.test('a reply that stops in the middle, whole and as a stream', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, 'embedded', { ...settingsFor(model), ...settings, MAX_ANSWER_TOKENS: '16' })
  model.chat.behave({ answer: `${place} [1]. Foreign students are settled first, and the warden keeps the list [1].` })
  const whole = (await app.ask({ question: rent })).json
  t.match(whole, { generator: 'llm', answer: `${place} [1].` })
  const events = sseEvents((await app.ask({ question: rent, stream: true })).text)
  t.equal(events.map(({ data }) => data.text ?? '').join(''), whole.answer)
  t.match(events.at(-1)?.data, { answer: whole.answer })
})
