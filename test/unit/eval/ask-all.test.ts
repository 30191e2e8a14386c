import t from 'tap'
import type { SearchResult } from '../../../src/ask/terms/evidence.ts'
import type { SearchPassages } from '../../../src/ask/search.ts'
import type { Question } from '../../../src/ask/terms/question.ts'
import { askAll, type AskingOptions } from '../../../src/eval/ask-all.ts'
import { abstentionOf, figuresOf } from '../../../src/eval/figures.ts'
import type { JudgedQuestion } from '../../../src/eval/set.ts'

const question = (id: string, relevant: string | null): JudgedQuestion => ({
  id,
  text: id,
  language: 'ru',
  judged: new Map(relevant === null ? [] : [[relevant, 1]]),
  isAnswerable: relevant !== null,
})

/** Finds passages of these documents for everything; `near` says of which questions. */
const finding =
  (sources: readonly string[], near: readonly string[] = [], degraded: SearchResult['degraded'] = []): SearchPassages =>
  async ({ text }) =>
    ({
      passages: sources.map(source => ({ source })),
      isRelevant: near.includes(text),
      degraded,
    }) as unknown as SearchResult

const asking = (search: SearchPassages, language: 'given' | 'detect' = 'detect'): AskingOptions => ({
  search,
  collection: 'c',
  language,
  timeoutMs: 60_000,
  signal: new AbortController().signal,
  onAsked() {},
})

t.test('a document stands where its best passage does', async t => {
  const [asked] = await askAll([question('q', 'b')], 'fused', asking(finding(['a', 'a', 'b', 'a', 'c', 'b'])))
  t.same(asked?.ranked, ['a', 'b', 'c'])
  t.match(figuresOf(asked ? [asked] : []), { questions: 1, mrr10: 0.5, recall5: 1, empty: 0 })
})

t.test('the language is left to be detected, unless it is to be given', async t => {
  const languages: (string | undefined)[] = []
  const search: SearchPassages = async (given: Question, run, arm) => {
    languages.push(given.language)
    return await finding([])(given, run, arm)
  }
  await askAll([question('q', 'b')], 'fused', asking(search))
  await askAll([question('q', 'b')], 'fused', asking(search, 'given'))
  t.same(languages, [undefined, 'ru'])
})

t.test('a search without the vectors it should have: no figures, and which question', async t => {
  await t.rejects(
    askAll([question('q7', 'b')], 'fused', asking(finding(['b'], [], ['embeddings']))),
    /embedding model did not answer for question q7/,
  )
})

t.test('unanswerable questions count for abstention alone', async t => {
  const questions = [question('found', 'b'), question('missed', 'b'), question('none', null), question('trap', null)]
  const asked = await askAll(questions, 'fused', asking(finding(['b'], ['found', 'trap'])))
  t.match(figuresOf(asked), { questions: 2, ndcg10: 1 })
  t.same(abstentionOf(asked), { answered: 0.5, unanswerable: 2, refused: 0.5 })
  t.same(abstentionOf([]), { answered: null, unanswerable: 0, refused: null })
})
