import { createHash } from 'node:crypto'
import type { Answer, AskedCollection, AskEvent, Question, Run } from './terms.ts'

/** The pipeline with its collection already looked up. */
export type AskWithin = (question: Question, collection: AskedCollection, run: Run) => AsyncGenerator<AskEvent, void, undefined>

export interface Remembered {
  readonly answer: Answer
  /** Milliseconds since the epoch. */
  readonly madeAt: number
}

/** A cache cannot fail a request: a faulty store answers undefined. */
export interface AnswerCache {
  get(key: string): Promise<Remembered | undefined>
  set(key: string, value: Remembered): void
}

export interface RememberOptions {
  readonly answers: AnswerCache
  /** Whatever else changes answers: models, prompt version, settings. */
  readonly fingerprint: string
  readonly metrics: { hit(): void; miss(): void }
  readonly now?: () => number
}

/**
 * Wraps an {@link AskWithin} with an answer cache; same signature. The key holds everything that changes the
 * answer, the collection's epoch among it, so an answer never outlives an edit. Kept only when whole: not
 * abstained, not degraded, not cut.
 */
export function remembered(ask: AskWithin, { answers, fingerprint, metrics, now = Date.now }: RememberOptions): AskWithin {
  return async function* rememberedAsk(question, collection, run) {
    const key = keyOf(question, collection, fingerprint)
    const found = await answers.get(key)
    if (found) {
      metrics.hit()
      yield* replay(found, Math.floor((now() - found.madeAt) / 1000))
      return
    }
    metrics.miss()
    for await (const event of ask(question, collection, run)) {
      if (event.type === 'done' && isWhole(event.answer)) answers.set(key, { answer: event.answer, madeAt: now() })
      yield event
    }
  }
}

function isWhole(answer: Answer): boolean {
  return !answer.abstained && answer.degraded.length === 0
}

function* replay({ answer }: Remembered, age: number): Generator<AskEvent> {
  yield { type: 'passages', passages: answer.passages }
  yield { type: 'delta', text: answer.text }
  yield { type: 'citations', citations: answer.citations }
  // No model was asked this time.
  yield { type: 'done', answer: { ...answer, cache: { status: 'hit', age }, usage: { llmCalls: 0, promptTokens: 0, completionTokens: 0 } } }
}

function keyOf(question: Question, collection: AskedCollection, fingerprint: string): string {
  const { mode, topK, language, history } = question
  const filters = Object.entries(question.filters).sort(([a], [b]) => (a < b ? -1 : 1))
  const parts = [collection.id, collection.epoch, fingerprint, normalised(question.text), mode, topK, language ?? null, filters, history]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/** Two spellings of one question: case, blanks and the mark at its end make no difference. */
function normalised(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').replace(/[\s?!.…؟？。！]+$/u, '').trim()
}
