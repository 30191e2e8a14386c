import type { CachedCompletion } from '../../ask/cache/completion-cache.ts'

/** How a model's words lie in Redis: short as they are, plain JSON behind a digit for the form. */
const form = '1'

export function encodeCompletion(draft: CachedCompletion): Buffer {
  return Buffer.from(form + JSON.stringify(draft))
}

/** Undefined: of another form, or damaged. */
export function decodeCompletion(bytes: Buffer): CachedCompletion | undefined {
  if (bytes.toString('latin1', 0, 1) !== form) return undefined
  try {
    const draft = JSON.parse(bytes.toString('utf8', 1)) as CachedCompletion
    return typeof draft.text === 'string' &&
      Number.isFinite(draft.madeAt) &&
      Number.isFinite(draft.tookMs) &&
      draft.usage
      ? draft
      : undefined
  } catch {
    return undefined
  }
}
