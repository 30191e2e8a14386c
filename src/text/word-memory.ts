/**
 * Remembers what words came to, of all languages together: whoever asks names the language, and a memory for each name
 * would grow without end. What was not used since the last turn is forgotten at the next: a least-recently-used cache in
 * two halves, which costs a look less than a list of uses.
 */
export interface WordMemory<Value> {
  recall(language: string, word: string): Value | undefined
  keep(language: string, word: string, value: Value): void
  /** Words kept now, of all languages. */
  size(): number
}

type Half<Value> = Map<string, Map<string, Value>>

/** @param most Words kept at the most, of all languages together. */
export function createWordMemory<Value>(most: number): WordMemory<Value> {
  let young: Half<Value> = new Map()
  let old: Half<Value> = new Map()
  let youngSize = 0

  function recall(language: string, word: string): Value | undefined {
    const fresh = young.get(language)?.get(word)
    if (fresh !== undefined) return fresh
    const before = old.get(language)?.get(word)
    if (before !== undefined) keep(language, word, before)
    return before
  }

  function keep(language: string, word: string, value: Value): void {
    if (youngSize >= most / 2) {
      old = young
      young = new Map()
      youngSize = 0
    }
    let words = young.get(language)
    if (words === undefined) young.set(language, (words = new Map()))
    if (!words.has(word)) youngSize += 1
    words.set(word, value)
  }

  return { recall, keep, size: () => sizeOf(young) + sizeOf(old) }
}

function sizeOf(half: Half<unknown>): number {
  return half.values().reduce((sum, words) => sum + words.size, 0)
}
