import t from 'tap'
import { summarized, type Measured, type MeasuredTrial } from '../../../../src/ask/calibration/summary.ts'

/** What measurements of a collection show. */

const chunkIds = [1, 2, 3, 4, 5, 6, 7, 8]

function weightWith(similarity: { readonly far: number; readonly own: number; readonly other: number }): number {
  const measured = (window: number): Measured => ({ language: 'en', window, unit: null, coverage: 0.5, lexical: 0.5 })
  const trials = chunkIds.map((chunkId): MeasuredTrial => ({
    ...measured(similarity.own),
    chunkId,
    isQuestion: true,
    found: chunkIds.map(each => ({
      chunkId: each,
      lexical: each === chunkId ? 1 : null,
      coverage: 0.5,
      vector: each === chunkId ? similarity.own : similarity.other,
    })),
  }))
  const { vectorWeights } = summarized({
    collection: { modelId: 1, languages: ['en'], chunkCount: chunkIds.length },
    languages: ['en'],
    far: Array.from({ length: 20 }, () => measured(similarity.far)),
    trials,
    farVectors: new Map([['en', []]]),
    modelScale: new Map(),
    chunkCounts: new Map([['en', chunkIds.length]]),
  })
  return vectorWeights['en']!
}

t.test('a model that finds what is asked is trusted', async t => {
  t.ok(weightWith({ far: 0.1, own: 0.8, other: 0.2 }) > 0.5)
})

t.test('a model with one vector for all texts is not, whatever rounding makes of the order', async t => {
  t.equal(weightWith({ far: 1, own: 1.00001, other: 0.99998 }), 0)
})
