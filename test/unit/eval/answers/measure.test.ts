import tap from 'tap'
import { measured } from '../../../../src/eval/answers/measure.ts'
import type { Asked, Reply } from '../../../../src/eval/answers/terms.ts'
import { asked, question, refusal, reply } from '../../../support/asked.ts'

const answerable = (given: Reply, open: Reply | null = given): Asked => asked({ reply: given, open })
const unanswerable = (kind: string, given: Reply, open: Reply | null = given): Asked =>
  asked({ question: question({ kind, isAnswerable: false }), reply: given, open })
const sure = (confidence: number, coverage: number) => ({
  confidence,
  signals: { coverage, cosine: null, unit: null, rerank: null },
})
const elsewhere = [{ index: 1, source: 'b', title: '', quote: '', text: '' }]

const all = [
  answerable(reply(sure(0.9, 0.4))),
  answerable(reply({ ...sure(0.8, 0.9), text: 'No idea. [1]', citations: elsewhere })),
  answerable(refusal(sure(0.3, 0.2)), reply()),
  unanswerable('far', refusal(sure(0.1, 0.1)), reply()),
  unanswerable('near', reply(sure(0.5, 0.8))),
  asked({ question: question({ kind: 'chat', isAnswerable: null }), reply: refusal(sure(0, 0)) }),
  unanswerable('smalltalk', refusal({ isSmalltalk: true })),
]

tap.test('figures of a set', async t => {
  const { all: figures, kinds, languages, selection } = measured({ name: 'x', form: 'judged' }, all)
  await t.test('answerable, unanswerable and other questions are counted apart', async t => {
    t.match(figures.answerable, {
      questions: 3,
      right: { count: 1, of: 3 },
      wrong: { count: 1 },
      refused: { count: 1 },
      citedFirst: { count: 1 },
      amongFive: { count: 2 },
      foundFirst: { count: 3 },
      contained: { count: 1, of: 3 },
    })
    t.match(figures.unanswerable, { questions: 3, refused: { count: 2 }, false: { count: 1 } })
    t.same(figures.other, { questions: 1, answered: 0 })
    t.match(kinds['near']?.unanswerable.false, { count: 1, of: 1 })
    t.same(languages, {}, 'one language needs no table')
  })
  await t.test('the curve is over what would have been answered, without small talk', async t => {
    t.match(selection, { by: 'confidence', answerable: 3, unanswerable: 2, chosen: { right: 1, false: 1 } })
    const product = selection?.signals.find(({ signal }) => signal === 'product')
    // By confidence: right, wrong, unanswerable, right, unanswerable.
    t.equal(product?.rightFalse.value, 0.5)
    t.equal(product?.kinds['far']?.auc.value, 1)
    t.same(
      product?.curve.map(point => [point.right, point.false]),
      [
        [0, 0],
        [1, 0],
        [1, 0],
        [1, 1],
        [2, 1],
        [2, 2],
      ],
    )
  })
  await t.test('the best single signal, cut in hindsight, is compared', async t => {
    const coverage = selection?.signals.find(({ signal }) => signal === 'coverage')
    // By coverage: wrong, unanswerable, right, right, unanswerable.
    t.equal(coverage?.rightFalse.value, 1 / 3)
    t.equal(selection?.worst, null, 'the product is never behind')
    t.equal(selection?.aheadAtChosen, -1, 'coverage has two right ones at one false one')
  })
  await t.test('calibration is of what can be answered, and of what is right', async t => {
    t.match(selection?.calibration, { answerable: { ece: { of: 5 } }, right: { ece: { of: 5 } } })
  })
})

tap.test('without a confidence in every reply, the curve is over the relevance', async t => {
  const [first, ...others] = all
  const { selection } = measured({ name: 'x', form: 'judged' }, [
    { ...first!, reply: { ...first!.reply, confidence: null } },
    ...others,
  ])
  t.match(selection, { by: 'relevance', calibration: null })
})

tap.test('a product behind a single signal is found out', async t => {
  const { selection } = measured({ name: 'x', form: 'judged' }, [
    answerable(reply(sure(0.1, 0.9))),
    unanswerable('far', reply(sure(0.9, 0.1))),
  ])
  t.match(selection?.worst, { signal: 'coverage', false: 0, right: 1, product: 0 })
})

tap.test('questions with earlier turns are a row of their own', async t => {
  const history = [{ role: 'user', content: 'Hello' }] as const
  const { followUps } = measured({ name: 'x', form: 'judged' }, [...all, asked({ question: question({ history }) })])
  t.equal(followUps?.answerable.questions, 1)
})
