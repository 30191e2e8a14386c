import type { CachedCompletion } from '../../ask/cache/completion-cache.ts'

/**
 * Format of completions in Redis: plain JSON after one digit for the format version. They are too short to compress.
 */
const formatVersion = '1'

export function encodeCompletion(completion: CachedCompletion): Buffer {
  return Buffer.from(formatVersion + JSON.stringify(completion))
}

/** Undefined when the format is another one or the value is damaged. */
export function decodeCompletion(bytes: Buffer): CachedCompletion | undefined {
  if (bytes.toString('latin1', 0, 1) !== formatVersion) return undefined
  try {
    const completion = JSON.parse(bytes.toString('utf8', 1)) as CachedCompletion
    return typeof completion.text === 'string' &&
      Number.isFinite(completion.madeAt) &&
      Number.isFinite(completion.tookMs) &&
      completion.usage
      ? completion
      : undefined
  } catch {
    return undefined
  }
}
