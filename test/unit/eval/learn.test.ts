import t from 'tap'
import type { JudgedCandidates } from '../../../src/eval/evidence.ts'
import { learn } from '../../../src/eval/learn.ts'

type Scores = readonly [lexical: number, vector: number]

/** One document is the right one; a third, far off, gives both arms a scale of 1…9 and .1….9. */
const evidence = (language: string, right: Scores, wrong: Scores): JudgedCandidates => ({
  language,
  measured: 0.3,
  span: 0.8,
  judged: new Map([['right', 1]]),
  found: [
    { chunkId: 1, source: 'wrong', lexical: wrong[0], vector: wrong[1], coverage: 1 },
    { chunkId: 2, source: 'right', lexical: right[0], vector: right[1], coverage: 1 },
    { chunkId: 3, source: 'other', lexical: 1, vector: 0.1, coverage: 0 },
    { chunkId: 4, source: 'wrong', lexical: null, vector: 0.2, coverage: 0 },
  ],
})

const many = (count: number, each: JudgedCandidates) => Array.from({ length: count }, () => each)
/** The right one is first when the vectors have more than half of the say. */
const byMeaning = (language: string) => evidence(language, [6, 0.9], [9, 0.6])
/** The right one is first when they have less than .54. */
const byWords = (language: string) => evidence(language, [9, 0.532], [4.68, 0.9])

t.test('each language learns from its own questions, when there are enough', async t => {
  const lessons = learn([...many(60, byMeaning('ru')), ...many(49, byMeaning('en')), ...many(50, byWords('kk'))], {})
  t.match(lessons, [
    { language: 'en', questions: 49, inUse: 0.3, span: 0.8, choice: null, learned: null },
    { language: 'kk', questions: 50, learned: 0 },
    { language: 'ru', questions: 60, learned: 0.55, choice: { heldOut: { chosen: 1 } } },
  ])
})

t.test('worse than the weight in use on held-out questions: nothing is learned', async t => {
  const [lesson] = learn([...many(30, byMeaning('en')), ...many(30, byWords('en'))], {
    en: { weight: 0.26, span: 0.4 },
  })
  t.equal(lesson?.inUse, 0.52, 'with the span of these documents')
  t.match(lesson, { learned: null, choice: { heldOut: { inUse: 1 } } })
  t.ok((lesson?.choice?.heldOut.chosen ?? 1) < 1)
})

t.test('nothing asked: nothing learned', async t => t.same(learn([], {}), []))
