import t from 'tap'
import { openGrounding, type Grounding, type ToGround } from '../../../../src/ask/grounding/session.ts'
import { analyzeText } from '../../../../src/ask/retrieval/analyze-question.ts'
import type { Run } from '../../../../src/ask/terms/run.ts'
import { passage } from '../../../support/passages.ts'

const leave = passage(
  'Employees have 25 days of leave. Leave of more than ten days must be requested four weeks in advance.',
  {
    title: 'Leave',
  },
)
const draft =
  'Employees have 25 days of leave. Leave of more than ten days must be requested four weeks in advance. Employees have leave.'

const grounding: Grounding = {
  strictness: 'standard',
  checksStreams: true,
  checkerFor: () => undefined,
  events: { draftGrounded: () => {}, sentenceReady: () => {} },
  record: () => {},
}

t.test('what is not trusted is judged once a sentence, not once a token', async t => {
  let [judged, extracted] = [0, 0]
  const request: ToGround = {
    asked: analyzeText('How much leave do employees have?', 'en'),
    passages: [leave],
    judge: () => {
      judged += 1
      return { confidence: 0.1, thresholds: { hopeless: 0.1, doubtful: 0.5 }, signals: {}, notes: () => [] }
    },
    extract: async () => {
      extracted += 1
      return { text: '', citations: [] }
    },
  }
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const run = { isStreamed: true, signal: new AbortController().signal, log } as unknown as Run
  const session = openGrounding(grounding, request, run)
  let shown = ''
  for (const letter of draft) shown += await session.push(letter)
  const { outcome } = await session.end({ text: draft })
  t.equal(shown, '')
  t.equal(outcome, 'replaced')
  t.ok(judged >= 1 && judged <= 4, `${judged} judgements of three sentences`)
  t.equal(extracted, 0)
})
