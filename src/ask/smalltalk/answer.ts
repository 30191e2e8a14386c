import type { AskEvent } from '../terms/answer.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { SearchResult } from '../terms/evidence.ts'
import type { Question } from '../terms/question.ts'
import type { AskWithin } from '../terms/run.ts'
import { noUsage } from '../terms/usage.ts'
import { always } from '../abstention/gate.ts'
import { smallTalkOf } from './small-talk.ts'

/** The pipeline, with a polite line for what asks nothing: no search, no model, no quotation. */
export function withSmallTalk(ask: AskWithin): AskWithin {
  return async function* answer(question, collection, run): AsyncGenerator<AskEvent, void, undefined> {
    const talk = smallTalkOf(question, collection)
    if (talk === null) return yield* ask(question, collection, run)
    const { reply: text, language } = talk
    // Of its own: what is serialized of an answer is kept by its list of citations.
    const citations: [] = []
    yield { type: 'delta', text }
    yield { type: 'citations', citations }
    yield {
      type: 'done',
      answer: {
        text,
        abstained: false,
        isSmallTalk: true,
        language,
        mode: 'fast',
        citations,
        passages: [],
        cache: { status: 'miss' },
        degraded: [],
        generator: 'none',
        model: null,
        usage: noUsage,
      },
    }
  }
}

/** What a search for nothing finds; null for a question. */
export function searchForSmallTalk(question: Question, collection: AskedCollection): SearchResult | null {
  const talk = smallTalkOf(question, collection)
  if (talk === null) return null
  const { language } = talk
  const asked = { text: question.text, language, readAs: language, terms: [], own: [] }
  return {
    asked,
    passages: [],
    evidence: { asked, passages: [], candidates: null, similarity: { unrelated: 0, related: 1, span: 1 }, collection },
    judged: { confidence: 0, thresholds: always, signals: {}, notes: () => [] },
    isRelevant: false,
    isSmallTalk: true,
    mode: 'fast',
    usage: noUsage,
    degraded: [],
    isOvertaken: false,
  }
}
