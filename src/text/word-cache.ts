/**
 * Caches the analysis of words, for all languages together: callers may name any language, and one cache per name would
 * grow without bound. It is a least-recently-used cache in two halves: entries not used since the last swap are dropped
 * at the next one, and a lookup costs less than with a list of uses.
 */
export interface WordCache<Value> {
  get(language: string, word: string): Value | undefined
  set(language: string, word: string, value: Value): void
  /** Number of cached words, of all languages. */
  size(): number
}

type Half<Value> = Map<string, Map<string, Value>>

/** @param max Maximum number of cached words, of all languages together. */
export function createWordCache<Value>(max: number): WordCache<Value> {
  let young: Half<Value> = new Map()
  let old: Half<Value> = new Map()
  let youngSize = 0

  function get(language: string, word: string): Value | undefined {
    const fresh = young.get(language)?.get(word)
    if (fresh !== undefined) return fresh
    const older = old.get(language)?.get(word)
    if (older !== undefined) set(language, word, older)
    return older
  }

  function set(language: string, word: string, value: Value): void {
    if (youngSize >= max / 2) {
      old = young
      young = new Map()
      youngSize = 0
    }
    let words = young.get(language)
    if (words === undefined) young.set(language, (words = new Map()))
    if (!words.has(word)) youngSize += 1
    words.set(word, value)
  }

  return { get, set, size: () => sizeOf(young) + sizeOf(old) }
}

function sizeOf(half: Half<unknown>): number {
  return half.values().reduce((sum, words) => sum + words.size, 0)
}
