import t from 'tap'
import { chooseWeight, grid } from '../../../src/eval/choose-weight.ts'

const questions = Array.from({ length: 100 }, (_, i) => i)
/** The same chance every time: 0…1 by question and weight. */
const noise = (question: number, weight: number) =>
  Math.abs(Math.sin(question * 12.9898 + weight * 78.233) * 43_758.5453) % 1

t.test('a clear best: that one, and questions that had no part in choosing say so too', async t => {
  const choice = chooseWeight(
    weight => questions.map(question => 1 - Math.abs(weight - 0.6) - noise(question, 0) * 0.1),
    0.3,
  )
  t.equal(choice.weight, 0.6)
  t.equal(choice.curve.length, 21)
  t.ok(choice.heldOut.chosen > choice.heldOut.inUse + 0.2)
})

t.test('as good within one standard error: the smaller weight', async t => {
  t.equal(chooseWeight(() => questions.map(() => 0.5), 0.3).weight, 0, 'all the same')
  const barely = chooseWeight(weight => questions.map(question => (weight === 0.8 && question === 7 ? 1 : 0.5)), 0.3)
  t.equal(barely.weight, 0, 'one question is no reason')
})

t.test('noise: what looks best is not better on held-out questions', async t => {
  const choice = chooseWeight(weight => questions.map(question => noise(question, weight)), 0.33)
  const best = Math.max(...choice.curve.map(point => point.ndcg10))
  t.ok(choice.heldOut.chosen < best)
})

t.test('no questions: the first of the grid, and no figure that is not one', async t => {
  const choice = chooseWeight(() => [], 0.3)
  t.equal(choice.weight, grid[0])
  t.equal(choice.heldOut.chosen, 0)
})
