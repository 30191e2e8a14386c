import t from 'tap'
import { ndcg, percentile, recall, reciprocalRank, type Judged } from '../../../src/eval/metrics.ts'

const judged: Judged = new Map([
  ['a', 3],
  ['b', 1],
  ['c', 2],
  ['d', 0],
])

/** Discounts of places 1, 2, 3, 4: 1, .6309, .5, .4307. */
const discounts = [1, 1 / Math.log2(3), 0.5, 1 / Math.log2(5)] as const

t.test('nDCG: linear gain, log2(rank + 1), the ideal over all that is judged', async t => {
  const ideal = 3 + 2 * discounts[1] + discounts[2]
  t.equal(ndcg(['a', 'c', 'b'], judged, 10), 1)
  t.equal(ndcg(['x', 'a', 'd', 'b'], judged, 10).toFixed(12), ((3 * discounts[1] + discounts[3]) / ideal).toFixed(12))
  t.equal(ndcg(['a', 'c', 'b'], judged, 2), 1, 'the ideal is cut at the same depth')
  t.equal(ndcg(['x', 'y', 'a'], judged, 2), 0)
  t.equal(ndcg([], judged, 10), 0)
  t.equal(ndcg(['a'], new Map(), 10), 0, 'nothing judged')
})

t.test('recall: the share of relevant documents among the first; grade 0 is not relevant', async t => {
  t.equal(recall(['d', 'a', 'x', 'b'], judged, 10), 2 / 3)
  t.equal(recall(['d', 'a', 'x', 'b'], judged, 2), 1 / 3)
  t.equal(recall(['a'], new Map(), 5), 0)
})

t.test('reciprocal rank: of the first relevant document, within the depth', async t => {
  t.equal(reciprocalRank(['d', 'x', 'b', 'a'], judged, 10), 1 / 3)
  t.equal(reciprocalRank(['d', 'x', 'b', 'a'], judged, 2), 0)
})

t.test('percentile: nearest rank', async t => {
  const times = [5, 1, 4, 2, 3]
  t.same(
    [0.5, 0.95, 0.2, 0].map(share => percentile(times, share)),
    [3, 5, 1, 1],
  )
  t.equal(percentile([], 0.5), 0)
})
