/** A count as a model server reports it; 0 for anything that is not a whole number of at least 0. */
export function tokensIn(count: unknown): number {
  return Number.isSafeInteger(count) ? Math.max(0, count as number) : 0
}
