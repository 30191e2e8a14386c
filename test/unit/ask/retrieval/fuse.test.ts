import fc from 'fast-check'
import t from 'tap'
import { fuse, vectorShare, type Fusion } from '../../../../src/ask/retrieval/fuse.ts'
import type { Candidate } from '../../../../src/ask/retrieval/passage-search.ts'

const found = (chunkId: number, lexical: number | null, vector: number | null): Candidate => ({
  chunkId,
  lexical,
  vector,
  coverage: 0,
})
const rrf: Fusion = { fusion: 'rrf', rrfK: 60 }
const order = (candidates: Candidate[], weight: number) => fuse(candidates, weight).map(each => each.chunkId)

t.test('weight 0: the lexical order; weight 1: the vector order', async t => {
  const evidence = [found(1, 9, 0.1), found(2, 5, 0.9), found(3, 1, 0.5)]
  t.same(order(evidence, 0), [1, 2, 3])
  t.same(order(evidence, 1), [2, 3, 1])
})

t.test('a chunk that one arm did not find can still win by the other', async t => {
  t.same(order([found(1, 3, 0.2), found(2, null, 0.9), found(3, 1, 0.1)], 0.8), [2, 1, 3])
})

t.test('a chunk whose vectors are still to come is ranked by its words', async t => {
  const others = [found(2, 3, 0.9), found(3, 1, 0.1)]
  t.same(order([found(1, 9, null), ...others], 0.6), [2, 1, 3])
  t.same(order([{ ...found(1, 9, null), isBare: true }, ...others], 0.6), [1, 2, 3])
})

t.test('scores and ranks of both arms are told', async t => {
  const [first] = fuse([found(1, 9, 0.1), found(2, null, 0.9)], 0)
  t.match(first, { chunkId: 1, scores: { lexical: 9, lexicalRank: 1, vector: 0.1, vectorRank: 2, fused: 1 } })
})

t.test('nothing found: nothing ranked', async t => t.same(fuse([], 0.5), []))

t.test('fused scores are within 0…1 and in order, whatever the arms say', async t => {
  const score = fc.option(fc.double({ min: -1000, max: 1000, noNaN: true }))
  const property = fc.property(
    fc.array(fc.tuple(score, score)),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (rows, weight) => {
      const evidence = rows.map(([lexical, vector], i) => found(i, lexical, vector))
      const isFit = (scores: number[]) =>
        scores.every((value, i) => value >= -1e-9 && value <= 1 + 1e-9 && value <= (scores[i - 1] ?? 1) + 1e-9)
      return [undefined, rrf].every(fusion => isFit(fuse(evidence, weight, fusion).map(each => each.scores.fused)))
    },
  )
  t.doesNotThrow(() => fc.assert(property))
})

t.test('rrf: one over k and the rank, of both arms; first by both is 1', async t => {
  const ranked = fuse([found(1, 9, 0.9), found(2, 5, null), found(3, 4, 0.1)], 0.3, rrf)
  t.same(
    ranked.map(each => each.chunkId),
    [1, 3, 2],
    'found by both goes before found by one',
  )
  const expected = [1, (61 / 63 + 61 / 62) / 2, 61 / 62 / 2]
  t.same(
    ranked.map(each => each.scores.fused.toFixed(12)),
    expected.map(each => each.toFixed(12)),
  )
})

t.test('rrf: the larger k, the less the first ranks stand out', async t => {
  const lead = (rrfK: number) => {
    const [first, second] = fuse([found(1, 9, null), found(2, 8, null)], 0, { ...rrf, rrfK })
    return (first?.scores.fused ?? 0) - (second?.scores.fused ?? 0)
  }
  t.ok(lead(1) > lead(60))
})

t.test('the vectors have the share that their spread earns them', async t => {
  const spread = (span: number) => [found(1, 9, 0.3 + span), found(2, 5, 0.3), found(3, 1, null)]
  t.equal(vectorShare(spread(0.4), 0.5, 0.4).toFixed(9), '0.500000000', 'all of it where they tell passages apart')
  t.equal(
    vectorShare(spread(0.1), 0.5, 0.4).toFixed(9),
    '0.125000000',
    'a quarter of the spread, a quarter of the share',
  )
  t.equal(vectorShare(spread(0), 0.5, 0.4), 0, 'all the same: nothing')
  t.equal(vectorShare(spread(0.9), 1, 0.4), 0.6, 'words keep some say')
  t.equal(vectorShare([found(1, 9, null), found(2, 5, null)], 0.5, 0.4), 0, 'vectors found nothing')
  t.equal(vectorShare([found(1, null, 0.5), found(2, null, 0.49)], 0.5, 0.4), 1, 'words found nothing')
})
