import tap from 'tap'
import {
  auc,
  curveOf,
  refusedAtLoss,
  rightAt,
  rightFalseArea,
  riskCoverageArea,
  type Scored,
} from '../../../../src/eval/answers/curves.ts'

/** `R` is answered rightly, `w` wrongly, `u` is unanswerable; best score first. */
const ranked = (letters: string): Scored[] =>
  [...letters].map((letter, i) => ({ score: -i, isAnswerable: letter !== 'u', isRight: letter === 'R' }))

tap.test('the curve: right, false, coverage and risk as the threshold falls', async t => {
  t.same(
    curveOf(ranked('RuRw')).map(point => [point.right, point.false, point.coverage, point.risk]),
    [
      [0, 0, 0, 0],
      [1, 0, 0.25, 0],
      [1, 1, 0.5, 0.5],
      [2, 1, 0.75, 1 - 2 / 3],
      [2, 1, 1, 0.5],
    ],
  )
  const tied = ranked('Ru').map(each => ({ ...each, score: 1 }))
  t.equal(curveOf(tied).length, 2, 'equal scores are answered together')
  t.equal(rightAt(curveOf(ranked('RuRw')), 0), 1)
  t.equal(rightAt(curveOf(ranked('RuRw')), 1), 2)
})

tap.test('area under risk over coverage', async t => {
  t.equal(riskCoverageArea(ranked('RRR')), 0)
  t.equal(riskCoverageArea(ranked('uuu')), 1)
  t.equal(riskCoverageArea(ranked('RuRw')), (0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
  const tied = ranked('Ru').map(each => ({ ...each, score: 1 }))
  t.equal(riskCoverageArea(tied), 0.5, 'among equal scores the order is an average one')
  t.equal(riskCoverageArea([]), null)
})

tap.test('area under right over false', async t => {
  t.equal(rightFalseArea(ranked('RRuu')), 1)
  t.equal(rightFalseArea(ranked('uuRR')), 0)
  t.equal(rightFalseArea(ranked('RuRu')), 0.75)
  t.equal(rightFalseArea(ranked('Rwuu')), 0.5, 'a wrong answer is never a right one')
  t.equal(rightFalseArea(ranked('RR')), null)
})

tap.test('separation of answerable and unanswerable questions', async t => {
  t.equal(auc([3, 2], [1, 0]), 1)
  t.equal(auc([0, 1], [2, 3]), 0)
  t.equal(auc([1], [1]), 0.5, 'a tie is half')
  t.equal(auc([3, 1], [2, 0]), 0.75)
  t.equal(auc([-Infinity, 1], [-Infinity]), 0.75, 'an unknown score is the lowest')
  t.equal(auc([], [1]), null)
  const answerable = Array.from({ length: 100 }, (_, i) => i)
  t.equal(refusedAtLoss(answerable, [0, 4, 5, 60], 0.05), 0.5, 'five of a hundred are lost below 5')
  t.equal(refusedAtLoss([1, 2, 3], [0, 0.5, 1], 0.05), 2 / 3, 'none may be lost of three')
  t.equal(refusedAtLoss([], [1], 0.05), null)
})
