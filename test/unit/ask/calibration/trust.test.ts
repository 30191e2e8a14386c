import fc from 'fast-check'
import t from 'tap'
import { crossWeight, trustFrom, weightFrom, type Trial } from '../../../../src/ask/calibration/trust.ts'

/** Fifty chunks; the right one has these ranks, from 0. Null: words do not find it. */
function trial(number: number, { words, vectors }: { words: number | null; vectors: number }): Trial {
  const found = Array.from({ length: 50 }, (_, id) => ({
    chunkId: id,
    lexical: null as number | null,
    coverage: 0,
    vector: 0,
  }))
  const right = number % 50
  const others = found.map((_, id) => id).filter(id => id !== right)
  const order = (rank: number) => others.toSpliced(rank, 0, right)
  order(vectors).forEach((id, rank) => (found[id]!.vector = 0.9 - rank / 100))
  const byWords = words === null ? others : order(words)
  byWords.slice(0, 20).forEach((id, rank) => (found[id]!.lexical = 20 - rank))
  return { chunkId: right, found }
}

const many = (count: number, ranks: (i: number) => { words: number | null; vectors: number }) =>
  Array.from({ length: count }, (_, i) => trial(i, ranks(i)))
const terms = { known: 0.35, span: 0.3, chunkCount: 50 }
/** Neither first nor last in any order. */
const anywhere = (i: number) => (i * 17 + 5) % 50

t.test('a model whose order is chance has no weight', async t => {
  t.equal(
    weightFrom(
      many(40, i => ({ words: i % 3, vectors: anywhere(i) })),
      terms,
    ),
    0,
  )
})

t.test('a model that ranks as well as words has the whole weight', async t => {
  t.ok(
    weightFrom(
      many(40, i => ({ words: i % 3, vectors: (i + 1) % 3 })),
      terms,
    ) >= 0.6,
  )
})

t.test('without trials the weight is what is known', async t => {
  t.equal(weightFrom([], { ...terms, known: 0 }), 0)
  t.equal(weightFrom([], terms), 0.3, 'as for a model that nothing is known of')
  t.equal(weightFrom([], { ...terms, known: 0.9 }), 0.7)
})

t.test('three bad trials take less than forty', async t => {
  const bad = (count: number) =>
    trustFrom(
      many(count, i => ({ words: 0, vectors: anywhere(i) })),
      0.9,
      50,
    )
  t.ok(bad(3) > bad(40))
  t.ok(bad(3) > 0.5)
  t.ok(bad(40) < 0.25)
})

t.test('a weight is a share, whatever was found', async () => {
  const rank = fc.nat(49)
  const ranks = fc.array(fc.record({ words: fc.option(rank), vectors: rank }), { maxLength: 12 })
  fc.assert(
    fc.property(ranks, fc.double({ min: 0, max: 1, noNaN: true }), (each, known) => {
      const weight = weightFrom(
        each.map((ranks, i) => trial(i, ranks)),
        { ...terms, known },
      )
      return weight >= 0 && weight <= 0.8
    }),
    { numRuns: 30 },
  )
})

t.test('across languages: as the two are connected, and no more than the language of the documents has', async t => {
  t.equal(crossWeight(0, 0.7), 0)
  t.equal(crossWeight(1, 0.7), 0.7)
  t.equal(crossWeight(1, 0.2), 0.2)
})
