import t from 'tap'
import { sentencesOf } from '../../../../src/ask/generation/passage-sentences.ts'
import { unitSignals } from '../../../../src/ask/generation/unit-signals.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import { passage, withUnits } from '../../../support/passages.ts'

const text = 'One fish swims. Two fish swim. Yes. No fish drown here. Four fish swim, and all of them are happy.'
const whole = passage(text, { before: 'x'.repeat(40) })
const signalsOf = (page: Passage) => unitSignals(sentencesOf(page, 0, false), [page])

t.test('a sentence is as near as the nearest unit that overlaps it, wherever its passage begins', async t => {
  const page = withUnits(whole, {
    'One fish swims.': 0.8,
    'Two fish swim.': 0.82,
    'Yes. No fish drown here.': 0.9,
    'Four fish swim,': 0.81,
    'and all of them are happy.': 0.86,
  })
  const signals = signalsOf(page)!.signals
  t.equal(signals.length, 5)
  t.same(
    signals.map((_, i) => i).sort((a, b) => signals[b]! - signals[a]!),
    [2, 3, 4, 1, 0],
  )
  t.equal(signals[2], signals[3], 'both are of one unit')
})

t.test('the scale of the model makes no difference', async t => {
  const scores = { 'One fish swims.': 0.1, 'Two fish swim.': 0.3, 'Four fish swim': 0.7 }
  const squeezed = Object.fromEntries(Object.entries(scores).map(([piece, score]) => [piece, 0.8 + score / 10]))
  const [wide, narrow] = [scores, squeezed].map(each => signalsOf(withUnits(whole, each))!.signals)
  wide!.forEach((signal, i) => t.ok(Math.abs(signal - narrow![i]!) < 1e-9))
})

t.test('what a reranker did not read is no better than the worst that it read', async t => {
  const { isReranked, signals } = signalsOf(
    withUnits(whole, {
      'One fish swims.': { similarity: 0.8, rerank: 0.6 },
      'Two fish swim.': { similarity: 0.7, rerank: 0.001 },
      'Yes. No fish drown here.': { similarity: 0.99 },
      'Four fish swim': { similarity: 0.6, rerank: 0 },
    }),
  )!
  t.ok(isReranked)
  t.ok(signals[0]! > signals[1]! && signals[1]! > signals[4]!)
  t.equal(signals[2], signals[4])
  t.ok(signals.every(Number.isFinite))
})

t.test('units that do not differ, or that are not there, say nothing', async t => {
  t.equal(signalsOf(whole), null)
  t.same(signalsOf(withUnits(whole, { 'One fish swims.': 0.8, 'Two fish swim.': 0.8 }))!.signals, [0, 0, 0, 0, 0])
})
