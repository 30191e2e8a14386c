import fc from 'fast-check'
import tap from 'tap'
import {
  bestSimilarity,
  packAsWindow,
  packUnits,
  unitQuery,
  unpackUnits,
  type UnitVector,
} from '../../../src/vectors/packed-units.ts'
import { randomFrom } from '../../../src/eval/random.ts'

function normalized(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values)
  return Float32Array.from(values, value => value / length)
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b)
}

const direction = (dimensions: number) =>
  fc
    .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: dimensions, maxLength: dimensions })
    .filter(values => Math.hypot(...values) > 0.01)
    .map(normalized)

const chunks = fc.integer({ min: 1, max: 33 }).chain(dimensions =>
  fc.record({
    from: fc.nat({ max: 10_000_000 }),
    question: direction(dimensions),
    units: fc.array(
      fc.record({
        gap: fc.nat({ max: 300 }),
        length: fc.integer({ min: 1, max: 40_000 }),
        embedding: direction(dimensions),
      }),
      { minLength: 1, maxLength: 40 },
    ),
  }),
)

function placed(from: number, units: readonly { gap: number; length: number; embedding: Float32Array }[]) {
  let at = from
  return units.map(({ gap, length, embedding }): UnitVector => {
    const start = at + gap
    at = start + length
    return { start, end: at, embedding }
  })
}

/** How far the vector that is read may be from the one that was packed: half a step in each of its numbers. */
function toleranceOf(units: readonly UnitVector[]): (unit: UnitVector) => number {
  const dimensions = units[0]!.embedding.length
  const root = Math.sqrt(dimensions)
  if (units.length <= 2) return ({ embedding }) => (root * Math.max(...embedding.map(Math.abs))) / 127 / 2
  const mean = Array.from({ length: dimensions }, (_, i) =>
    units.reduce((sum, { embedding }) => sum + embedding[i]! / units.length, 0),
  )
  const ofMean = Math.max(...mean.map(Math.abs)) / 127 / 2
  return ({ embedding }) => {
    const largest = Math.max(...embedding.map((value, i) => Math.abs(value - mean[i]!))) + ofMean
    return (root * largest) / 7.5 / 2
  }
}

tap.test('units come back with their places, and a similarity within the tolerance of their bits', async () => {
  fc.assert(
    fc.property(chunks, ({ from, question, units: given }) => {
      const units = placed(from, given)
      const bytes = packUnits(units, from)
      const query = unitQuery(question)
      const read = unpackUnits(bytes, query, { start: from, end: units.at(-1)!.end, window: 0 })
      if (read.length !== units.length) return false
      const tolerance = toleranceOf(units)
      const best = Math.max(...read.map(({ similarity }) => similarity))
      return (
        best === bestSimilarity(bytes, query, 0) &&
        units.every((unit, i) => {
          const { start, end, similarity } = read[i]!
          const isNear = Math.abs(similarity - cosine(unit.embedding, question)) <= tolerance(unit) + 1e-5
          return start === unit.start && end === unit.end && isNear
        })
      )
    }),
  )
})

tap.test('a question need not be of unit length', async t => {
  const [a, b] = [normalized([1, 2, 3, 4]), normalized([4, 3, 2, -1])]
  const bytes = packUnits([{ start: 0, end: 1, embedding: a }], 0)
  t.equal(
    bestSimilarity(bytes, unitQuery(b), 0)?.toFixed(4),
    bestSimilarity(bytes, unitQuery(b.map(x => 7 * x)), 0)?.toFixed(4),
  )
})

tap.test('a unit that is the only window has its similarity, and no vector', async t => {
  const bytes = packAsWindow({ start: 12, end: 40 }, 10)
  const query = unitQuery(normalized([1, 2]))
  t.ok(bytes.length < 10)
  t.same(unpackUnits(bytes, query, { start: 10, end: 40, window: 0.7 }), [{ start: 12, end: 40, similarity: 0.7 }])
  t.equal(bestSimilarity(bytes, query, 0.7), 0.7)
  t.equal(bestSimilarity(bytes, query, null), null)
  t.same(unpackUnits(bytes, query, { start: 10, end: 40, window: null }), [])
})

tap.test('vectors of a common subject: similarities are right within 0.01', async t => {
  const random = randomFrom(1)
  const around = (center: Float32Array, spread: number) =>
    normalized(Array.from(center, x => x + spread * (random() - 0.5)))
  const subject = normalized(Array.from({ length: 384 }, () => random() - 0.5))
  const units = Array.from({ length: 12 }, (_, i) => ({ start: i, end: i + 1, embedding: around(subject, 0.1) }))
  const bytes = packUnits(units, 0)
  for (let i = 0; i < 20; i++) {
    const question = around(subject, 0.15)
    const read = unpackUnits(bytes, unitQuery(question), { start: 0, end: 12, window: 0 })
    for (const [at, { embedding }] of units.entries())
      t.ok(Math.abs(read[at]!.similarity - cosine(embedding, question)) < 0.01)
  }
  t.ok(bytes.length < 12 * 192 + 384 + 100, 'in half a byte per number')
})

tap.test('bytes that are not units, or of another model, are none', async t => {
  const units = placed(
    5,
    [1, 2, 3].map(gap => ({ gap, length: 9, embedding: normalized([gap, 1, -2, 0.5]) })),
  )
  const bytes = packUnits(units, 5)
  const query = unitQuery(normalized([1, 1, 1, 1]))
  const span = { start: 5, end: units.at(-1)!.end, window: 0.5 }
  t.equal(unpackUnits(bytes, query, span).length, 3)
  t.same(unpackUnits(bytes, unitQuery(new Float32Array(5).fill(1)), span), [], 'of another length')
  t.same(unpackUnits(bytes, query, { ...span, end: span.end - 1 }), [], 'beyond the end of the chunk')
  t.same(unpackUnits(packUnits([], 0), query, span), [], 'of a chunk without units')
  const cut = Array.from(bytes, (_, length) => unpackUnits(bytes.subarray(0, length), query, span))
  t.same(cut.flat(), [], 'cut')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (noise, isHeaded) => {
      const given = isHeaded ? Uint8Array.from([...bytes.subarray(0, 6), ...noise]) : noise
      const best = bestSimilarity(given, query, 0.5)
      return (
        (best === null || (best >= -1 && best <= 1)) &&
        unpackUnits(given, query, span).every(
          ({ start, end, similarity }) => start >= 5 && end <= span.end && similarity >= -1 && similarity <= 1,
        )
      )
    }),
  )
})
