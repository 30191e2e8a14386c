import t from 'tap'
import { nearestOf, withUnits } from '../../../../src/ask/retrieval/late-interaction.ts'
import { vectorShare } from '../../../../src/ask/retrieval/fuse.ts'
import type { Candidate } from '../../../../src/ask/retrieval/passage-search.ts'
import { packUnits, unitQuery } from '../../../../src/vectors/packed-units.ts'

const query = unitQuery(Float32Array.of(1, 0))

/** A candidate whose units have these similarities to the question; unknown if there are none. */
function candidate(chunkId: number, vector: number | null, units?: readonly number[]): Candidate {
  const vectors = units?.map((similarity, i) => {
    return { start: i, end: i + 1, embedding: Float32Array.of(similarity, Math.sqrt(1 - similarity ** 2)) }
  })
  return { chunkId, lexical: null, coverage: 0, vector, ...(vectors && { units: packUnits(vectors, 0) }) }
}

const rounded = (candidates: readonly Candidate[], windowsPerChunk = 0) =>
  withUnits(candidates, query, windowsPerChunk).map(({ vector }) =>
    vector === null ? null : Number(vector.toFixed(2)),
  )

t.test('a passage is as near as its best window and its best unit together', async t => {
  t.same(rounded([candidate(1, 0.5, [0.1, 0.8]), candidate(2, 0.6, [0.6])]), [0.65, 0.6])
})

t.test('the more windows a chunk has, the less its units add', async t => {
  const candidates = [candidate(1, 0.5, [0.1, 0.9, 0, 0]), candidate(2, 0.6, [0.6, 0, 0, 0])]
  t.same(
    [0, 1, 2, 4, 8].map(windows => rounded(candidates, windows)[0]),
    [0.7, 0.65, 0.6, 0.5, 0.5],
  )
  const shares = [vectorShare(candidates, 0.5, 1), vectorShare(withUnits(candidates, query, 1), 0.5, 1)]
  t.equal(shares[0], shares[1], 'how far vectors are trusted is told by the windows')
})

t.test('where no units are known, the windows decide alone', async t => {
  const candidates = [candidate(1, 0.5), candidate(2, 0.6)]
  t.equal(withUnits(candidates, query, 1), candidates)
})

t.test('a passage without units has neither an advantage nor a disadvantage', async t => {
  const gains = [candidate(1, 0.5, [0.7]), candidate(2, 0.4, [0.6]), candidate(3, 0.45)]
  t.same(rounded(gains), [0.6, 0.5, 0.55], 'as many are nearer to the question as by their windows')
  const losses = [candidate(1, 0.5, [0.3]), candidate(2, 0.4, [0.2]), candidate(3, 0.45)]
  t.same(rounded(losses), [0.4, 0.3, 0.35])
})

t.test('what the vectors did not find stays so, and broken units are unknown', async t => {
  const broken = { ...candidate(2, 0.5), units: Uint8Array.of(9, 9, 9) }
  t.same(rounded([candidate(1, null, [0.9]), broken, candidate(3, 0.4, [0.6])]), [null, 0.6, 0.5])
})

t.test('of all chunks of a small collection, the nearest count as found, and what the words found', async t => {
  const found = [
    candidate(1, 0.5),
    candidate(2, 0.7),
    { ...candidate(3, 0.4), lexical: 2 },
    candidate(4, null),
    candidate(5, 0.6),
  ]
  t.same(
    nearestOf(found, 2).map(({ chunkId, vector }) => [chunkId, vector]),
    [
      [2, 0.7],
      [3, null],
      [4, null],
      [5, 0.6],
    ],
  )
  t.equal(nearestOf(found, 4), found)
})
