import type { SearchResult } from '../../ask/retrieval/find-passages.ts'
import type { Answer, CacheNote, Citation, Passage, Question, Usage } from '../../ask/terms.ts'
import type { ApiKey } from '../../config/api-keys.ts'
import { refuseHidden } from '../edge/auth.ts'
import type { AskBody, SearchBody } from './schemas.ts'

/** The one place where the wire's snake_case meets our camelCase. */

const defaultTopK = 5
/** Who brings a generator of their own chooses among more. */
const searchedTopK = 10

export function questionOf(body: AskBody, key?: ApiKey): Question {
  return question(body, key, defaultTopK)
}

export function searchedQuestion(body: SearchBody, key?: ApiKey): Question {
  return question(body, key, searchedTopK)
}

/** Throws where the key is not for the collection. */
function question(body: AskBody | SearchBody, key: ApiKey | undefined, topK: number): Question {
  const { collection = 'default' } = body
  refuseHidden(collection, key)
  return {
    ...(key?.tenant === undefined ? {} : { tenant: key.tenant }),
    text: body.question.trim(),
    collection,
    mode: body.mode ?? 'auto',
    topK: body.top_k ?? topK,
    filters: body.filters ?? {},
    language: body.language,
    history: body.history ?? [],
  }
}

export interface AnswerView {
  readonly id: string
  readonly include: readonly string[]
  readonly timings: Readonly<Record<string, number>>
}

export function answerJson(answer: Answer, { id, include, timings }: AnswerView) {
  return {
    id,
    answer: answer.text,
    abstained: answer.abstained,
    language: answer.language,
    mode: answer.mode,
    citations: answer.citations.map(citationJson),
    ...(include.includes('passages') ? { passages: answer.passages.map(passageJson) } : {}),
    cache: cacheJson(answer.cache),
    degraded: answer.degraded,
    generator: answer.generator,
    model: answer.model,
    usage: usageJson(answer.usage),
    ...(include.includes('timings') ? { timings_ms: timings } : {}),
  }
}

export interface AnswerText {
  readonly text: string
  readonly isAscii: boolean
}

/**
 * The same as JSON for an answer that is given again and again: what does not change from one time to the next is
 * written once and kept as long as the answer is (its list of citations stands for it: all copies of it share that).
 */
export function answerText(answer: Answer, view: AnswerView): AnswerText {
  const lasting = lastingOf(answer)
  const rest = restOf(answer, lasting)
  const timings = view.include.includes('timings') ? `,"timings_ms":${JSON.stringify(view.timings)}` : ''
  const passages = view.include.includes('passages')
    ? `"passages":${JSON.stringify(answer.passages.map(passageJson))},`
    : ''
  // The id is a plain token, ours or the caller's (request-id.ts): nothing in it needs escaping.
  const text = `{"id":"${view.id}",${lasting.text},${passages}${rest.text}${timings}}`
  return { text, isAscii: lasting.isAscii && rest.isAscii && ascii.test(passages) }
}

interface Rest extends AnswerText {
  readonly of: Answer
}

interface Lasting extends AnswerText {
  /** What changes, as it was given last. */
  rest?: Rest
}

const ascii = /^[\0-\x7f]*$/
const texts = new WeakMap<object, Lasting>()

function lastingOf(answer: Answer): Lasting {
  const known = texts.get(answer.citations)
  if (known !== undefined) return known
  const { text, abstained, language, mode, citations, generator, model } = answer
  const json = JSON.stringify({
    answer: text,
    abstained,
    language,
    mode,
    citations: citations.map(citationJson),
    generator,
    model,
  }).slice(1, -1)
  const lasting = { text: json, isAscii: ascii.test(json) }
  texts.set(answer.citations, lasting)
  return lasting
}

/** Written once a second, for its age is in whole ones. */
function restOf(answer: Answer, lasting: Lasting): Rest {
  const { rest } = lasting
  if (
    rest &&
    rest.of.degraded === answer.degraded &&
    rest.of.usage === answer.usage &&
    isSame(rest.of.cache, answer.cache)
  )
    return rest
  const json = JSON.stringify({
    cache: cacheJson(answer.cache),
    degraded: answer.degraded,
    usage: usageJson(answer.usage),
  }).slice(1, -1)
  return (lasting.rest = { of: answer, text: json, isAscii: ascii.test(json) })
}

function isSame(a: CacheNote, b: CacheNote): boolean {
  return (
    a.age === b.age &&
    a.status === b.status &&
    a.tier === b.tier &&
    a.revalidated === b.revalidated &&
    a.similarity === b.similarity &&
    a.question === b.question
  )
}

export function searchedJson(
  { asked, mode, isRelevant, passages, degraded, usage }: SearchResult,
  { id, include, timings }: AnswerView,
) {
  return {
    id,
    language: asked.language,
    mode,
    near: isRelevant,
    passages: passages.map(passageJson),
    degraded,
    usage: usageJson(usage),
    ...(include.includes('timings') ? { timings_ms: timings } : {}),
  }
}

function cacheJson({ status, tier, age, revalidated, similarity, question }: CacheNote) {
  return { status, tier, age, revalidated, similarity, question }
}

function usageJson({ llmCalls, promptTokens, completionTokens }: Usage) {
  return { llm_calls: llmCalls, prompt_tokens: promptTokens, completion_tokens: completionTokens }
}

export function citationJson(citation: Citation) {
  return {
    index: citation.index,
    document_id: citation.documentId,
    chunk_id: citation.chunkId,
    version: citation.version,
    title: citation.title,
    url: citation.url,
    page: citation.page,
    quote: citation.quote,
    start: citation.start,
    end: citation.end,
    score: round(citation.score),
  }
}

export function passageJson(passage: Passage, index: number) {
  const { scores } = passage
  return {
    index: index + 1,
    document_id: passage.documentId,
    chunk_id: passage.chunkId,
    version: passage.version,
    source: passage.source,
    title: passage.title,
    url: passage.url,
    page: passage.page,
    language: passage.language,
    text: passage.text,
    start: passage.start,
    end: passage.end,
    metadata: passage.metadata,
    scores: {
      lexical: roundOrNull(scores.lexical),
      lexical_rank: scores.lexicalRank,
      vector: roundOrNull(scores.vector),
      vector_rank: scores.vectorRank,
      fused: round(scores.fused),
      coverage: round(scores.coverage),
      rerank: roundOrNull(scores.rerank ?? null),
    },
  }
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}

function roundOrNull(value: number | null): number | null {
  return value === null ? null : round(value)
}
