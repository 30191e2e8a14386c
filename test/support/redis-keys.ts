/** A pattern for keys of any one database under the usual REDIS_PREFIX; its name has 16 characters. */
export function keysLike(kind: string): string {
  return `askwell:${'?'.repeat(16)}:${kind}`
}
