import { createCitationMarkers } from './citation-markers.ts'
import { promptFor } from './prompt.ts'
import {
  noUsage,
  type CacheNote,
  type CollectionCaching,
  type Passage,
  type Question,
  type Run,
  type Usage,
} from '../terms.ts'
import type { ChatModel } from './chat.ts'
import type { AnalyzedQuestion } from '../terms.ts'

/** What an answer is written from. */
export interface Request {
  readonly asked: AnalyzedQuestion
  readonly question: Question
  readonly passages: readonly Passage[]
  readonly caching?: CollectionCaching
}

/** A written answer, before its citations are resolved. */
export interface Completion {
  readonly text: string
  /** The model found no answer in the passages. */
  readonly abstained: boolean
  readonly usage: Usage
  /** Where it was written before; absent: now. */
  readonly cache?: CacheNote
}

export type CompletionEvent =
  { readonly type: 'text'; readonly text: string } | { readonly type: 'end'; readonly draft: Completion }

/** Asks the model and passes its words on token by token, markers checked on the way; ends with the whole draft. */
export function answerWith(model: ChatModel, maxTokens: number) {
  return async function* generate({ asked, question, passages }: Request, run: Run): AsyncGenerator<CompletionEvent> {
    const prompt = promptFor({ text: asked.text, history: question.history }, passages, asked.language)
    const markers = createCitationMarkers(passages.length)
    const said: string[] = []
    let usage: Usage = { ...noUsage, llmCalls: 1 }
    for await (const part of model.stream({ ...prompt, maxTokens }, run.signal)) {
      if (part.type === 'end') {
        if (part.usage) usage = part.usage
        continue
      }
      const text = markers.push(part.text)
      if (text !== '') yield say(text)
    }
    const rest = markers.end()
    if (rest !== '') yield say(rest)
    yield { type: 'end', draft: { text: said.join('').trim(), abstained: markers.abstained, usage } }

    function say(text: string): CompletionEvent {
      said.push(text)
      return { type: 'text', text }
    }
  }
}
