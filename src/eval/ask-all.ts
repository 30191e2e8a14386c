import type { SearchPassages } from '../ask/search.ts'
import type { Arm, Question, Run } from '../ask/terms.ts'
import type { JudgedQuestion } from './set.ts'

/** What one arm said to one question. */
export interface Asked {
  readonly question: JudgedQuestion
  /** Document ids, best first, each once: a document stands where its best passage does. */
  readonly ranked: readonly string[]
  /** Something was near enough to answer from. */
  readonly isNear: boolean
  /** Time of the whole search, the question's embedding included. */
  readonly ms: number
}

/** How every question of a set is asked. */
export interface Circumstances {
  readonly collection: string
  /** Say the question's language as the set does, or leave it to be detected. */
  readonly language: 'given' | 'detect'
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface Asking extends Circumstances {
  readonly search: SearchPassages
  readonly onAsked: () => void
}

/** Passages asked for: enough for ten documents where several passages of one are found. */
const passages = 30

/** Every question to one arm of the retriever, one after the other. */
export async function askAll(questions: readonly JudgedQuestion[], arm: Arm, asking: Asking): Promise<Asked[]> {
  const asked: Asked[] = []
  for (const question of questions) {
    asking.signal.throwIfAborted()
    asked.push(await ask(question, arm, asking))
    asking.onAsked()
  }
  return asked
}

async function ask(question: JudgedQuestion, arm: Arm, asking: Asking): Promise<Asked> {
  const run = runOf(question, asking)
  const startedAt = performance.now()
  const looked = await asking.search(questionOf(question, asking), run, arm)
  const ms = performance.now() - startedAt
  if (looked.degraded.length > 0) throw degraded(question)
  return {
    question,
    ranked: [...new Set(looked.passages.map(passage => passage.source))],
    isNear: looked.isRelevant,
    ms,
  }
}

export function questionOf({ text, language }: JudgedQuestion, asking: Circumstances): Question {
  return {
    text,
    collection: asking.collection,
    mode: 'fast',
    topK: passages,
    filters: {},
    language: asking.language === 'given' ? language : undefined,
    history: [],
  }
}

const noLog = { debug() {}, info() {}, warn() {}, error() {} }

export function runOf({ id }: JudgedQuestion, { signal, timeoutMs }: Circumstances): Run {
  return { id, signal, deadline: performance.now() + timeoutMs, log: noLog, isStreamed: false, onStage() {} }
}

/** Figures of words alone must not pass for those of both arms. */
export function degraded({ id }: JudgedQuestion): Error {
  return new Error(
    `the embedding model did not answer for question ${id}: see that it can be reached, then measure again`,
  )
}
