import fc from 'fast-check'
import t from 'tap'
import { languageView, similaritiesWithoutBias } from '../../../../src/ask/retrieval/across-languages.ts'
import { fuse } from '../../../../src/ask/retrieval/fuse.ts'
import type { Candidate } from '../../../../src/ask/retrieval/passage-search.ts'

type Scored = Pick<Candidate, 'lexical' | 'coverage' | 'vector'>

let next = 1
function candidate(language: string, own: Partial<Scored>): Candidate {
  return { chunkId: next++, language, lexical: null, coverage: 0, vector: null, ...own }
}

const asked = { language: 'kk' }
const both = ['ru', 'kk']

function best(candidates: readonly Candidate[], languages: readonly string[] = both, weight = 0.5): number {
  return fuse(candidates, weight, undefined, languageView(candidates, asked, languages))[0]!.chunkId
}

/** Passages that say nothing about the question, as near as a model places others of their language. */
function others(language: string, vector: number): Candidate[] {
  return Array.from({ length: 12 }, (_, i) => candidate(language, { vector: vector - i / 1000 }))
}

t.test('candidates in the language of the question alone: words count as ever', async t => {
  t.equal(languageView([candidate('kk', { vector: 0.8 })], asked, ['kk']), null)
  t.equal(languageView([candidate('kk', { vector: 0.8 })], asked, both), null)
  t.equal(languageView([candidate('ru', { vector: 0.8 })], { language: 'und' }, both), null)
})

t.test('a passage that answers in another language: is not beaten by chance words', async t => {
  const right = candidate('ru', { vector: 0.84 })
  const chance = candidate('kk', { vector: 0.82, lexical: 2.1, coverage: 0.2 })
  t.equal(best([right, chance, ...others('ru', 0.79), ...others('kk', 0.82)]), right.chunkId)
})

t.test('a passage in the own language that has the words: is not beaten by a similar one in another', async t => {
  const right = candidate('kk', { vector: 0.87, lexical: 9, coverage: 0.95 })
  const similar = candidate('ru', { vector: 0.84 })
  t.equal(best([right, similar, ...others('ru', 0.79), ...others('kk', 0.82)]), right.chunkId)
})

t.test('a model that does not connect two languages: its similarities between them say nothing', async t => {
  const right = candidate('kk', { vector: 0.85 })
  const chance = candidate('ru', { vector: 0.86 })
  const candidates = [right, chance, ...others('ru', 0.79), ...others('kk', 0.8)]
  const first = (measured: Readonly<Record<string, number>>) =>
    fuse(candidates, 0.5, undefined, languageView(candidates, asked, both, measured))[0]!.chunkId
  t.equal(first({ kk: 0.5, ru: 0.5, 'kk>ru': 0 }), right.chunkId)
  t.equal(first({ kk: 0.5, ru: 0.5, 'kk>ru': 0.3 }), chance.chunkId, 'one that does: as if it were one language')
  t.equal(first({ kk: 0.5, ru: 0.5 }), chance.chunkId, 'where it was not measured, too')
})

t.test('a question in a language of no document: the documents of the better pair come first', async t => {
  const candidates = [
    candidate('ru', { vector: 0.84 }),
    candidate('en', { vector: 0.85 }),
    ...others('ru', 0.8),
    ...others('en', 0.8),
  ]
  const view = languageView(candidates, asked, ['ru', 'en'], { 'kk>ru': 0.5, 'kk>en': 0.05 })
  t.equal(fuse(candidates, 0.5, undefined, view)[0]!.chunkId, candidates[0]!.chunkId)
})

t.test('no document in the language of the question: vectors decide, and names and numbers count', async t => {
  const [named, similar] = [
    candidate('ru', { vector: 0.84, lexical: 5, coverage: 0.6 }),
    candidate('ru', { vector: 0.85, lexical: 1, coverage: 0.1 }),
  ]
  t.equal(best([named, similar, ...others('ru', 0.8)], ['ru']), named.chunkId)
  const [nearest, chance] = [
    candidate('ru', { vector: 0.86 }),
    candidate('ru', { vector: 0.81, lexical: 5, coverage: 0.1 }),
  ]
  t.equal(best([nearest, chance, ...others('ru', 0.8)], ['ru']), nearest.chunkId)
})

t.test('the bias towards the own language: is taken off, however few candidates the other language has', async t => {
  const candidates = [...others('kk', 0.85), ...others('ru', 0.81).slice(0, 4)]
  const view = languageView(candidates, asked, both)!
  const fair = similaritiesWithoutBias(candidates, view)
  const [kk, ru] = [fair[0]!, fair[12]!]
  t.ok(Math.abs(kk - ru) < 0.01, 'the best of both are about level')
  t.ok(kk > ru, 'and the own language keeps a little')
})

const scores = fc.record({
  language: fc.constantFrom('ru', 'kk', 'en'),
  lexical: fc.option(fc.double({ min: 0, max: 30, noNaN: true })),
  coverage: fc.double({ min: 0, max: 1, noNaN: true }),
  vector: fc.option(fc.double({ min: -1, max: 1, noNaN: true })),
})

t.test('within a language similarities keep their order, whatever the candidates', async t => {
  fc.assert(
    fc.property(fc.array(scores, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (all, weight) => {
      const candidates = all.map(({ language, ...own }) => candidate(language, own))
      const view = languageView(candidates, asked, ['ru', 'kk', 'en'])
      const fused = fuse(candidates, weight, undefined, view)
      if (fused.length !== all.length || fused.some(({ scores }) => !Number.isFinite(scores.fused))) return false
      if (!view) return true
      const fair = similaritiesWithoutBias(candidates, view)
      return candidates.every((a, i) =>
        candidates.every(
          (b, j) =>
            a.language !== b.language ||
            a.vector === null ||
            b.vector === null ||
            a.vector <= b.vector ||
            fair[i]! >= fair[j]!,
        ),
      )
    }),
  )
  t.pass()
})
