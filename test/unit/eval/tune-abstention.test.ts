import t from 'tap'
import { syntheticQuestions, tuneThresholds, type TuningAnswer } from '../../../src/eval/tune-abstention.ts'

function answers(isAnswerable: boolean, confidences: readonly number[]): TuningAnswer[] {
  return confidences.map(ofAnswer => ({ text: 'x', isAnswerable, ofPassages: ofAnswer, ofAnswer }))
}

const hundred = Array.from({ length: 100 }, (_, i) => (i + 0.5) / 100)

t.test('judged questions: the threshold loses what it may, and no more', async t => {
  const all = [...answers(true, hundred), ...answers(false, [0.01, 0.03, 0.5])]
  const tuned = tuneThresholds(all, 0.05, true)
  t.match(tuned, { answerable: 100, unanswerable: 3, lost: 0.05, refused: 2 / 3 })
  t.ok(tuned.thresholds.hopeless < tuned.thresholds.doubtful)
  t.equal(tuneThresholds(all, 0, true).lost, 0)
  t.ok(tuneThresholds(all, 0.2, true).thresholds.doubtful > tuned.thresholds.doubtful)
})

t.test('judged questions that are easy: the threshold is no higher than what refuses the others needs', async t => {
  const easy = answers(
    true,
    hundred.map(confidence => 0.9 + confidence / 10),
  )
  const { thresholds, lost, refused } = tuneThresholds([...easy, ...answers(false, [0.01, 0.1, 0.3])], 0.05, true)
  t.equal(refused, 1)
  t.equal(lost, 0)
  t.ok(thresholds.doubtful > 0.3 && thresholds.doubtful < 0.7, `${thresholds.doubtful}`)
  t.ok(thresholds.hopeless > 0.3 && thresholds.hopeless <= thresholds.doubtful)
})

t.test('headings: the threshold is no higher than what refuses the questions of other fields', async t => {
  const all = [
    ...answers(
      true,
      hundred.map(confidence => 0.9 + confidence / 10),
    ),
    ...answers(
      false,
      hundred.map(confidence => confidence / 4),
    ),
  ]
  const tuned = tuneThresholds(all, 0.05, false)
  t.ok(tuned.thresholds.doubtful <= 0.25)
  t.ok(tuned.refused >= 0.98)
  t.equal(tuned.lost, 0)
})

t.test('a question that the first gate refuses is lost, however sure its quotations would be', async t => {
  const refused = [{ text: 'x', isAnswerable: true, ofPassages: 0, ofAnswer: 0.99 }]
  const tuned = tuneThresholds([...answers(true, hundred), ...refused], 0.05, true)
  t.ok(tuned.lost > 0.05 || tuned.thresholds.hopeless === 0)
})

t.test('questions from the documents: their headings and questions, and questions of other fields', async t => {
  const titles = ['Dormitory › Quiet hours', 'FAQ › When does it close?', 'Library', 'Opening hours'].map(title => ({
    title,
    language: 'en',
  }))
  const all = syntheticQuestions(titles, ['en', 'ru'])
  t.same(
    all.filter(each => each.isAnswerable).map(({ text }) => text),
    ['Dormitory Quiet hours', 'When does it close?', 'Opening hours'],
  )
  const far = all.filter(each => !each.isAnswerable).map(({ text }) => text)
  t.ok(far.some(text => /[a-z]/.test(text)) && far.some(text => /[а-я]/.test(text)))
})
