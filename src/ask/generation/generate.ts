import { createCitationMarkers } from './citation-markers.ts'
import { promptFor } from './prompt.ts'
import type { CacheNote } from '../terms/caching.ts'
import type { CollectionCaching } from '../terms/collection.ts'
import type { Passage } from '../terms/passage.ts'
import type { Question } from '../terms/question.ts'
import type { Run } from '../terms/run.ts'
import { noUsage, type Usage } from '../terms/usage.ts'
import type { ChatModel } from './chat.ts'
import type { AnalyzedQuestion } from '../terms/question.ts'

/** The input an answer is written from. */
export interface AnswerRequest {
  readonly asked: AnalyzedQuestion
  readonly question: Question
  readonly passages: readonly Passage[]
  readonly caching?: CollectionCaching
}

/** A completion before its citations are resolved. */
export interface Completion {
  readonly text: string
  /** Whether the model found no answer in the passages. */
  readonly abstained: boolean
  readonly usage: Usage
  /** It reached its token limit, so its rest is missing. */
  readonly isTruncated?: true
  /** Set when the completion came from the cache. */
  readonly cache?: CacheNote
}

export type CompletionEvent =
  { readonly type: 'text'; readonly text: string } | { readonly type: 'end'; readonly completion: Completion }

/** Streams the model's text token by token, checking citation markers; ends with the whole completion. */
export function answerWith(model: ChatModel, maxTokens: number) {
  return async function* generate(
    { asked, question, passages }: AnswerRequest,
    run: Run,
  ): AsyncGenerator<CompletionEvent> {
    const prompt = promptFor({ text: asked.text, history: question.history }, passages, asked.language)
    const markers = createCitationMarkers(passages.length)
    const shown: string[] = []
    let usage: Usage = { ...noUsage, llmCalls: 1 }
    let truncatedMark = {}
    for await (const part of model.stream({ ...prompt, maxTokens }, run.signal, run)) {
      if (part.type === 'end') {
        if (part.usage) usage = part.usage
        if (part.finishReason === 'length') truncatedMark = { isTruncated: true }
        continue
      }
      const text = markers.push(part.text)
      if (text !== '') yield show(text)
    }
    const rest = markers.end()
    if (rest !== '') yield show(rest)
    yield {
      type: 'end',
      completion: { text: shown.join('').trim(), abstained: markers.abstained, usage, ...truncatedMark },
    }

    function show(text: string): CompletionEvent {
      shown.push(text)
      return { type: 'text', text }
    }
  }
}
