/** Pattern for keys of any database (whose name has 16 characters) under the default REDIS_PREFIX. */
export function keysLike(kind: string): string {
  return `askwell:${'?'.repeat(16)}:${kind}`
}
