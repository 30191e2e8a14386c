import type { Answer, AskEvent, Degraded } from '../terms/answer.ts'
import type { CacheNote } from '../terms/caching.ts'
import { noUsage } from '../terms/usage.ts'

/** A cached answer as the answer of this request: no model was called for it. */
export function asCached(answer: Answer, cache: CacheNote, degraded: readonly Degraded[] = answer.degraded): Answer {
  return { ...answer, cache, degraded, usage: noUsage }
}

/** The events that a run would have yielded. */
export function* replay(answer: Answer): Generator<AskEvent, void> {
  yield { type: 'passages', passages: answer.passages, cache: answer.cache }
  yield { type: 'delta', text: answer.text }
  yield { type: 'citations', citations: answer.citations }
  yield { type: 'done', answer }
}

/** An event of a run started for another caller. If that caller was served from a cache, so is this one. */
export function coalesced(event: AskEvent): AskEvent {
  if (event.type !== 'done') return event
  const { cache } = event.answer
  return { type: 'done', answer: asCached(event.answer, cache.status === 'miss' ? { status: 'coalesced' } : cache) }
}
