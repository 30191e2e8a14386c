/** A token count reported by a model server; 0 for anything that is not a non-negative integer. */
export function tokensIn(count: unknown): number {
  return Number.isSafeInteger(count) ? Math.max(0, count as number) : 0
}
