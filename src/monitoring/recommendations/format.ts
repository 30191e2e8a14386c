/** Formats numbers for use in a sentence. */

export function ms(value: number | null): string {
  return value === null ? 'no time' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

export function percent(share: number): string {
  return `${share > 0 && share < 0.01 ? '< 1' : Math.round(share * 100)} %`
}

export function mb(bytes: number): string {
  return `${bytes < 10 * 2 ** 20 ? (bytes / 2 ** 20).toFixed(1) : Math.round(bytes / 2 ** 20)} MB`
}

/** The largest part and its share of the sum. Null if the sum is 0. */
export function largestPart(
  parts: Readonly<Record<string, number>>,
): { readonly name: string; readonly share: number } | null {
  const all = Object.values(parts).reduce((sum, each) => sum + each, 0)
  const [first] = Object.entries(parts).sort(([, a], [, b]) => b - a)
  return first && all > 0 ? { name: first[0], share: first[1] / all } : null
}
