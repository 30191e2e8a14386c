import fc from 'fast-check'
import t from 'tap'
import { rangeOf, separationIn, separationOf, unrelatedTexts } from '../../../../src/ask/calibration/range.ts'

const value = fc.double({ min: -0.2, max: 0.95, noNaN: true })
const values = fc.array(value, { maxLength: 40 })
const some = fc.array(value, { minLength: 2, maxLength: 40 })
const measured = fc.record({ far: some, questions: values, statements: values })
const scale = fc.record({ mean: value, deviation: fc.double({ min: 0.001, max: 0.2, noNaN: true }) })
const nobody = { model: null, chunkCount: 100 }

const around = (mean: number, by: number, count = 30) =>
  Array.from({ length: count }, (_, i) => mean + by * (((i * 7) % count) / (count - 1) - 0.5) * 2)

t.test('unrelated lies above the usual far question and below related, whatever was measured', async () => {
  fc.assert(
    fc.property(measured, fc.option(scale), fc.integer({ min: 1, max: 10_000 }), (similarities, model, chunkCount) => {
      const separation = separationOf(similarities, { model, chunkCount })!
      const { unrelated, related, span } = rangeOf(separation)
      return unrelated > separation.far.mean && related > unrelated && span > 0
    }),
  )
})

t.test('the scale of the model is found wherever it lies', async () => {
  const shift = fc.double({ min: -0.3, max: 0.3, noNaN: true })
  fc.assert(
    fc.property(shift, by => {
      const at = (offset: number) =>
        rangeOf(
          separationOf(
            { far: around(0.3 + offset, 0.05), questions: around(0.5 + offset, 0.05), statements: [] },
            nobody,
          )!,
        )
      const [here, there] = [at(0), at(by)]
      return (
        Math.abs(there.unrelated - here.unrelated - by) < 2e-4 &&
        Math.abs(there.related - here.related - by) < 2e-4 &&
        Math.abs(there.span - here.span) < 2e-4
      )
    }),
  )
})

t.test('a model that does not tell far from related: nothing is as similar as related', async t => {
  const same = around(0.96, 0.01)
  const { unrelated, related } = rangeOf(separationOf({ far: same, questions: same, statements: same }, nobody)!)
  t.ok(unrelated > Math.max(...same))
  t.ok(related > unrelated)
})

t.test('a small collection has the scale of its model, a large one its own', async t => {
  const similarities = { far: around(0.2, 0.05), questions: [], statements: [] }
  const model = { mean: 0.4, deviation: 0.05 }
  const unrelatedOf = (chunkCount: number) => rangeOf(separationOf(similarities, { model, chunkCount })!).unrelated
  t.ok(unrelatedOf(5) > 0.46)
  t.ok(unrelatedOf(50_000) < 0.27)
  t.ok(unrelatedOf(5) > unrelatedOf(50) && unrelatedOf(50) > unrelatedOf(500))
})

t.test('statements never count for more than half; questions do', async t => {
  const far = around(0.3, 0.05)
  const relatedOf = (questions: number[], statements: number[]) =>
    separationOf({ far, questions, statements }, nobody)!.related.mean
  const usual = relatedOf([], [])
  t.ok(Math.abs(relatedOf([], around(0.9, 0.01, 1000)) - (usual + 0.9) / 2) < 0.01)
  t.ok(relatedOf(around(0.9, 0.01, 1000), []) > 0.89)
})

t.test('a language with few questions has the range of all', async t => {
  const all = separationOf({ far: around(0.3, 0.05), questions: around(0.6, 0.1), statements: [] }, nobody)!
  t.same(separationIn({ far: [], questions: [], statements: [] }, all, nobody), all)
  const own = separationIn({ far: around(0.8, 0.02), questions: [], statements: [] }, all, nobody)
  t.ok(own.far.mean > 0.6 && own.far.mean < 0.8)
})

t.test('no far questions: no separation', async t => {
  t.equal(separationOf({ far: [], questions: [0.5], statements: [] }, nobody), null)
})

t.test('unrelated texts: every question with the others, not with itself', async t => {
  const vectors = [Float32Array.of(1, 0), Float32Array.of(0, 1)]
  t.same(unrelatedTexts(vectors, vectors), { mean: 0, deviation: 0 })
  t.equal(unrelatedTexts([], []), null)
})
