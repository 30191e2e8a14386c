import type { SearchPassages } from '../ask/search.ts'
import type { Arm } from '../ask/terms/passage.ts'
import type { Question } from '../ask/terms/question.ts'
import type { Run } from '../ask/terms/run.ts'
import type { JudgedQuestion } from './set.ts'

/** The ranking that one retriever returned for one question. */
export interface QuestionResult {
  readonly question: JudgedQuestion
  /** Document ids, best first, without repeats: a document has the rank of its best passage. */
  readonly ranked: readonly string[]
  /** Whether a passage reached the relevance threshold, so that the service would answer. */
  readonly isRelevant: boolean
  /** Duration of the whole search, including the embedding of the question. */
  readonly ms: number
}

/** What all questions of a set have in common. */
export interface AskingContext {
  readonly collection: string
  /** Pass the question's language as the set states it, or let the service detect it. */
  readonly language: 'given' | 'detect'
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface AskingOptions extends AskingContext {
  readonly search: SearchPassages
  readonly onAsked: () => void
}

/** Passages requested: enough for ten documents even if several passages belong to one. */
const passages = 30

/** Runs the questions through one retriever, one after the other. */
export async function askAll(
  questions: readonly JudgedQuestion[],
  retriever: Arm,
  options: AskingOptions,
): Promise<QuestionResult[]> {
  const results: QuestionResult[] = []
  for (const question of questions) {
    options.signal.throwIfAborted()
    results.push(await ask(question, retriever, options))
    options.onAsked()
  }
  return results
}

async function ask(question: JudgedQuestion, retriever: Arm, options: AskingOptions): Promise<QuestionResult> {
  const run = runOf(question, options)
  const startedAt = performance.now()
  const result = await options.search(questionOf(question, options), run, retriever)
  const ms = performance.now() - startedAt
  if (result.degraded.length > 0) throw degraded(question)
  return {
    question,
    ranked: [...new Set(result.passages.map(passage => passage.source))],
    isRelevant: result.isRelevant,
    ms,
  }
}

export function questionOf({ text, language }: JudgedQuestion, options: AskingContext): Question {
  return {
    text,
    collection: options.collection,
    mode: 'fast',
    topK: passages,
    filters: {},
    language: options.language === 'given' ? language : undefined,
    history: [],
  }
}

const noLog = { debug() {}, info() {}, warn() {}, error() {} }

export function runOf({ id }: JudgedQuestion, { signal, timeoutMs }: AskingContext): Run {
  return { id, signal, deadline: performance.now() + timeoutMs, log: noLog, isStreamed: false, onStage() {} }
}

/** Results of lexical search alone must not count as those of both retrievers, so a degraded search is an error. */
export function degraded({ id }: JudgedQuestion): Error {
  return new Error(
    `the embedding model did not answer for question ${id}; check that it is reachable, then run the evaluation again`,
  )
}
