import type { Model } from './model.ts'

/** A key that must never be seen in a log, a reply or a span. */
export const modelKey = 'sk-a-secret-for-tests'

/** The settings that make Askwell ask this model: for answers, and for vectors too when `embedding` names one. */
export function settingsFor(model: Pick<Model, 'url'>, embedding = 'local'): Record<string, string> {
  return { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: modelKey, CHAT_MODEL: 'test-chat', EMBEDDING_MODEL: embedding }
}
