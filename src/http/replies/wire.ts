import type { Answer } from '../../ask/terms/answer.ts'
import type { CacheNote } from '../../ask/terms/caching.ts'
import type { SearchResult } from '../../ask/terms/evidence.ts'
import type { Citation, Passage } from '../../ask/terms/passage.ts'
import type { Question } from '../../ask/terms/question.ts'
import type { Explanation } from '../../ask/terms/run.ts'
import type { Usage } from '../../ask/terms/usage.ts'
import type { ApiKey } from '../../config/api-keys.ts'
import { rejectHiddenCollection } from '../edge/auth.ts'
import { explanationJson } from './explain.ts'
import type { AskBody, SearchBody } from './schemas.ts'
import { round, scoresJson } from './scores.ts'

/** Converts between the snake_case of the API and our camelCase; the only place that does. */

const defaultTopK = 5
/** A caller with its own generator chooses among more passages. */
const searchTopK = 10

export function questionOf(body: AskBody, key?: ApiKey): Question {
  return question(body, key, defaultTopK)
}

export function searchedQuestion(body: SearchBody, key?: ApiKey): Question {
  return question(body, key, searchTopK)
}

/** Throws if the key may not use the collection. */
function question(body: AskBody | SearchBody, key: ApiKey | undefined, topK: number): Question {
  const { collection = 'default' } = body
  rejectHiddenCollection(collection, key)
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
  /** Undefined unless the caller asked for one. */
  readonly explanation?: Partial<Explanation> | undefined
}

export type AnswerJson = ReturnType<typeof answerJson>

export function answerJson(answer: Answer, { id, include, timings, explanation }: AnswerView) {
  return {
    id,
    answer: answer.text,
    abstained: answer.abstained,
    ...(answer.isSmallTalk && { smalltalk: true }),
    ...(answer.isTruncated && { truncated: true }),
    confidence: confidenceOf(answer),
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
    ...(explanation ? { explain: explanationJson(explanation, { degraded: answer.degraded, timings, answer }) } : {}),
  }
}

/** Null when it was not judged, as in an answer that an earlier version cached. */
function confidenceOf({ confidence }: Answer): number | null {
  return confidence === undefined ? null : round(confidence)
}

export interface AnswerText {
  readonly text: string
  readonly isAscii: boolean
}

/**
 * Serializes an answer that may be sent many times. The part that is the same each time is serialized once and cached
 * as long as the answer is. The list of citations is the key, because all copies of an answer share it.
 */
export function answerText(answer: Answer, view: AnswerView): AnswerText {
  const fixed = fixedPartOf(answer)
  const variable = variablePartOf(answer, fixed)
  const timings = view.include.includes('timings') ? `,"timings_ms":${JSON.stringify(view.timings)}` : ''
  const passages = view.include.includes('passages')
    ? `"passages":${JSON.stringify(answer.passages.map(passageJson))},`
    : ''
  // The id is a plain token (request-id.ts), so it needs no escaping.
  const text = `{"id":"${view.id}",${fixed.text},${passages}${variable.text}${timings}}`
  return { text, isAscii: fixed.isAscii && variable.isAscii && ascii.test(passages) }
}

interface VariablePart extends AnswerText {
  readonly answer: Answer
}

interface FixedPart extends AnswerText {
  /** The variable part as last sent. */
  variable?: VariablePart
}

const ascii = /^[\0-\x7f]*$/
const texts = new WeakMap<object, FixedPart>()

function fixedPartOf(answer: Answer): FixedPart {
  const known = texts.get(answer.citations)
  if (known !== undefined) return known
  const { text, abstained, isSmallTalk, isTruncated, language, mode, citations, generator, model } = answer
  const json = JSON.stringify({
    answer: text,
    abstained,
    ...(isSmallTalk && { smalltalk: true }),
    ...(isTruncated && { truncated: true }),
    confidence: confidenceOf(answer),
    language,
    mode,
    citations: citations.map(citationJson),
    generator,
    model,
  }).slice(1, -1)
  const fixed = { text: json, isAscii: ascii.test(json) }
  texts.set(answer.citations, fixed)
  return fixed
}

/** Serialized at most once per second, because the age is in whole seconds. */
function variablePartOf(answer: Answer, fixed: FixedPart): VariablePart {
  const { variable } = fixed
  if (
    variable &&
    variable.answer.degraded === answer.degraded &&
    variable.answer.usage === answer.usage &&
    isSame(variable.answer.cache, answer.cache)
  )
    return variable
  const json = JSON.stringify({
    cache: cacheJson(answer.cache),
    degraded: answer.degraded,
    usage: usageJson(answer.usage),
  }).slice(1, -1)
  return (fixed.variable = { answer, text: json, isAscii: ascii.test(json) })
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
  { asked, mode, isRelevant, isSmallTalk, passages, degraded, usage }: SearchResult,
  { id, include, timings, explanation }: AnswerView,
) {
  return {
    id,
    language: asked.language,
    mode,
    near: isRelevant,
    ...(isSmallTalk && { smalltalk: true }),
    passages: passages.map(passageJson),
    degraded,
    usage: usageJson(usage),
    ...(include.includes('timings') ? { timings_ms: timings } : {}),
    ...(explanation ? { explain: explanationJson(explanation, { degraded, timings }) } : {}),
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
    source: citation.source,
    title: citation.title,
    url: citation.url,
    page: citation.page,
    metadata: citation.metadata,
    quote: citation.quote,
    start: citation.start,
    end: citation.end,
    score: round(citation.score),
  }
}

export function passageJson(passage: Passage, index: number) {
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
    scores: scoresJson(passage.scores),
  }
}
