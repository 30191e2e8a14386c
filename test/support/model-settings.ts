import type { Model } from './model.ts'

/** A key that must never appear in a log, a reply or a span. */
export const modelKey = 'sk-a-secret-for-tests'

/**
 * Settings that make Askwell use this model for answers, and also for vectors if `embedding` names a model; then without
 * vectors of sentences, which are made behind: a test that counts calls, or answers from the cache, must not meet those,
 * nor those of a check of the model.
 * Streams show tokens at once, as most tests of streams are about tokens; grounding.test.ts is about checked sentences.
 */
export function settingsFor(model: Pick<Model, 'url'>, embedding = 'local'): Record<string, string> {
  return {
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: modelKey,
    CHAT_MODEL: 'test-chat',
    EMBEDDING_MODEL: embedding,
    STREAM_CHECK: 'off',
    EMBEDDING_CHECK_MINUTES: '0',
    ...(embedding !== 'local' && { EMBEDDING_UNITS: 'off' }),
  }
}
