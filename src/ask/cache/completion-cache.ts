import { hash } from 'node:crypto'
import type { Completion, CompletionEvent, AnswerRequest } from '../generation/generate.ts'
import type { CacheDurations } from './answer-cache.ts'
import { promptFor } from '../generation/prompt.ts'
import type { StreamStage } from '../stage.ts'
import type { TieredCache } from './tiered-cache.ts'
import type { CacheTier } from '../terms/caching.ts'
import type { Run } from '../terms/run.ts'
import { noUsage, type Usage } from '../terms/usage.ts'

/** What a model wrote, and when (milliseconds since 1970). */
export interface CachedCompletion {
  readonly text: string
  readonly usage: Usage
  readonly madeAt: number
  readonly tookMs: number
}

export interface CompletionCacheOptions {
  readonly store: TieredCache<CachedCompletion>
  /** Everything that changes the completion of one prompt: the model and its settings. */
  readonly configHash: string
  readonly keep: Pick<CacheDurations, 'seconds' | 'fastSeconds'>
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/**
 * Caches completions by their whole prompt. After an edit that left a question's passages unchanged, its answer costs a
 * search but no model call. That the passages are unchanged follows from the new search, and quotes are located again.
 */
export function cacheCompletions(
  generate: StreamStage<AnswerRequest, CompletionEvent>,
  { store, configHash, keep, now = Date.now }: CompletionCacheOptions,
): StreamStage<AnswerRequest, CompletionEvent> {
  return async function* cachedGenerate(request, run) {
    const seconds = secondsFor(request)
    if (seconds === 0 || run.cacheDirectives?.noStore) return yield* generate(request, run)
    const key = keyOf(request, configHash)
    const isFresh = ({ madeAt }: CachedCompletion) => now() - madeAt < seconds * 1000
    const found = wantsFreshRun(run) ? undefined : await store.get(key, isFresh)
    if (found) return yield* replay(found.value, found.tier, now())
    const startedAt = performance.now()
    for await (const event of generate(request, run)) {
      if (event.type === 'end') save(key, event.completion, performance.now() - startedAt, seconds)
      yield event
    }
  }

  function save(
    key: string,
    { text, abstained, usage, isTruncated }: Completion,
    tookMs: number,
    seconds: number,
  ): void {
    if (!abstained && isTruncated === undefined) store.set(key, { text, usage, madeAt: now(), tookMs }, seconds * 1000)
  }

  function secondsFor({ question: { mode }, caching }: AnswerRequest): number {
    return mode === 'fast' ? (caching?.fastSeconds ?? keep.fastSeconds) : (caching?.seconds ?? keep.seconds)
  }
}

function wantsFreshRun({ cacheDirectives = {} }: Run): boolean {
  return cacheDirectives.noCache === true || cacheDirectives.maxAge !== undefined
}

function* replay({ text, madeAt }: CachedCompletion, tier: CacheTier, now: number): Generator<CompletionEvent, void> {
  yield { type: 'text', text }
  const age = Math.max(0, Math.floor((now - madeAt) / 1000))
  yield {
    type: 'end',
    completion: { text, abstained: false, usage: noUsage, cache: { status: 'hit', tier, age, revalidated: true } },
  }
}

/** The nonce between passages is random in a prompt; in a key it must not be. */
function keyOf({ asked, question, passages, caching }: AnswerRequest, configHash: string): string {
  const prompt = promptFor({ text: asked.text, history: question.history }, passages, asked.language, '')
  return hash(
    'sha256',
    JSON.stringify([configHash, question.tenant ?? null, caching?.cleared ?? 0, prompt]),
    'base64url',
  )
}
