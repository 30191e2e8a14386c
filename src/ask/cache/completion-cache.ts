import { hash } from 'node:crypto'
import type { Completion, CompletionEvent, Request } from '../generation/generate.ts'
import type { CacheDurations } from './answer-cache.ts'
import { promptFor } from '../generation/prompt.ts'
import type { StreamStage } from '../stage.ts'
import { noUsage, type CacheTier, type Run, type Usage } from '../terms.ts'

/** What a model wrote, and when, in milliseconds since 1970. */
export interface CachedCompletion {
  readonly text: string
  readonly usage: Usage
  readonly madeAt: number
  readonly tookMs: number
}

/** Two tiers of them. Never rejects; a fault is a miss. */
export interface CompletionStore {
  get(key: string): Promise<{ readonly value: CachedCompletion; readonly tier: CacheTier } | undefined>
  set(key: string, value: CachedCompletion, ms: number): void
}

export interface CompletionCacheOptions {
  readonly store: CompletionStore
  /** Whatever changes what is written for the same prompt: the model, its settings. */
  readonly configHash: string
  readonly keep: Pick<CacheDurations, 'seconds' | 'fastSeconds'>
  readonly onFound: (tier: CacheTier, spared: CachedCompletion) => void
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/**
 * A model that is not asked the same thing twice: what it wrote is found again by its whole prompt, and by nothing
 * else. So after an edit that left a question's passages as they were, its answer costs the search and no model; that
 * the passages are the same is not assumed but found, and the quotes are looked up in them anew.
 */
export function cacheCompletions(
  generate: StreamStage<Request, CompletionEvent>,
  { store, configHash, keep, onFound, now = Date.now }: CompletionCacheOptions,
): StreamStage<Request, CompletionEvent> {
  return async function* remembering(request, run) {
    const seconds = secondsFor(request)
    if (seconds === 0 || run.cacheDirectives?.noStore) return yield* generate(request, run)
    const key = keyOf(request, configHash)
    const found = isAnew(run) ? undefined : await store.get(key)
    if (found && now() - found.value.madeAt < seconds * 1000) {
      onFound(found.tier, found.value)
      return yield* replayed(found.value, found.tier, now())
    }
    const startedAt = performance.now()
    for await (const event of generate(request, run)) {
      if (event.type === 'end') note(key, event.draft, performance.now() - startedAt, seconds)
      yield event
    }
  }

  function note(key: string, { text, abstained, usage }: Completion, tookMs: number, seconds: number): void {
    if (!abstained) store.set(key, { text, usage, madeAt: now(), tookMs }, seconds * 1000)
  }

  function secondsFor({ question: { mode }, caching }: Request): number {
    return mode === 'fast' ? (caching?.fastSeconds ?? keep.fastSeconds) : (caching?.seconds ?? keep.seconds)
  }
}

function isAnew({ cacheDirectives = {} }: Run): boolean {
  return cacheDirectives.noCache === true || cacheDirectives.maxAge !== undefined
}

function* replayed({ text, madeAt }: CachedCompletion, tier: CacheTier, now: number): Generator<CompletionEvent, void> {
  yield { type: 'text', text }
  const age = Math.max(0, Math.floor((now - madeAt) / 1000))
  yield {
    type: 'end',
    draft: { text, abstained: false, usage: noUsage, cache: { status: 'hit', tier, age, revalidated: true } },
  }
}

/** The mark between passages is random in a prompt; here it must not be. */
function keyOf({ asked, question, passages, caching }: Request, fingerprint: string): string {
  const prompt = promptFor({ text: asked.text, history: question.history }, passages, asked.language, '')
  return hash(
    'sha256',
    JSON.stringify([fingerprint, question.tenant ?? null, caching?.cleared ?? 0, prompt]),
    'base64url',
  )
}
