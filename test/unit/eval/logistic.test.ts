import t from 'tap'
import { fitLogistic, probabilityOf, type Observation } from '../../../src/eval/logistic.ts'
import { randomFrom } from '../../../src/eval/random.ts'

/** Observations drawn from a model with known weights; the same ones every time. */
function drawn(count: number, bias: number, weights: readonly number[]): Observation[] {
  const next = randomFrom(7)
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  return Array.from({ length: count }, () => {
    const values = weights.map(normal)
    return { values, isPositive: next() < probabilityOf({ bias, weights }, values), weight: 1 }
  })
}

t.test('recovers the weights that the observations were drawn with', async t => {
  const weights = [1.5, -0.8, 0]
  const fitted = fitLogistic(drawn(8000, 0.4, weights), { penalty: 1e-6 })
  t.ok(Math.abs(fitted.bias - 0.4) < 0.12, `${fitted.bias}`)
  for (const [i, weight] of weights.entries())
    t.ok(Math.abs(fitted.weights[i]! - weight) < 0.12, `${fitted.weights[i]} for ${weight}`)
})

t.test('a penalty shrinks the weights, not the bias', async t => {
  const rows = drawn(2000, 1, [1.5])
  const [free, held] = [1e-6, 1].map(penalty => fitLogistic(rows, { penalty }))
  t.ok(held!.weights[0]! < free!.weights[0]! / 2)
  t.ok(held!.bias > 0.5)
})

t.test('observations that separate completely have finite weights', async t => {
  const rows = [-2, -1, 1, 2].map(value => ({ values: [value], isPositive: value > 0, weight: 1 }))
  const { weights } = fitLogistic(rows, { penalty: 0.01 })
  t.ok(Number.isFinite(weights[0]) && weights[0]! > 1)
})

t.test('the weight of an observation counts as that many observations', async t => {
  const rows = drawn(200, 0, [1])
  const twice = fitLogistic([...rows, ...rows.slice(0, 50)], { penalty: 0.01 })
  const weighted = fitLogistic(
    rows.map((row, i) => (i < 50 ? { ...row, weight: 2 } : row)),
    { penalty: 0.01 },
  )
  t.ok(Math.abs(twice.weights[0]! - weighted.weights[0]!) < 1e-6)
})

t.test('a weight with a sign that makes no sense is left out, and the others are fitted without it', async t => {
  const rows = drawn(2000, 0, [1, -1])
  const fitted = fitLogistic(rows, { penalty: 0.001, signs: [1, 1] })
  t.equal(fitted.weights[1], 0)
  const alone = fitLogistic(
    rows.map(({ values, ...rest }) => ({ ...rest, values: values.slice(0, 1) })),
    { penalty: 0.001 },
  )
  t.ok(Math.abs(fitted.weights[0]! - alone.weights[0]!) < 1e-6)
})
