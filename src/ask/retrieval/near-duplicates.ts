import { nfkc } from '../../text/normal-form.ts'

/** A text to compare others with. */
export interface Comparable {
  readonly text: string
  /**
   * Its runs of three words, as 31-bit hashes: in the texts of one search two runs hardly ever share one. Made when
   * they are first needed: most texts differ in length from all others.
   */
  runs(): ReadonlySet<number>
}

export function comparable(text: string): Comparable {
  let made: ReadonlySet<number> | undefined
  return { text, runs: () => (made ??= runsOf(text)) }
}

// Letters and digits of every script. Property classes would be exact about rare signs, and five times as slow.
const words = /[a-z0-9\u00c0-\u1fff\u2c00-\u2fff\u3040-\uffff]+/g

/** Case, blanks and punctuation make no difference, unless there is nothing else. */
function wordsOf(text: string): readonly string[] {
  return nfkc(text).toLowerCase().match(words) ?? [text.trim()]
}

function runsOf(text: string): ReadonlySet<number> {
  const found = wordsOf(text)
  const runs = new Set<number>()
  let [first, second] = [0, hashOf(found[0]!)]
  for (const word of found) {
    const third = hashOf(word)
    runs.add((Math.imul(Math.imul(first, 31) + second, 31) + third) >>> 1)
    ;[first, second] = [second, third]
  }
  return runs
}

/** FNV-1a. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  return hash
}

/** With this much of either in the other, two texts say the same: in 40 words one may be another, in 300 ten. */
const sameFrom = 0.9

/**
 * Whether two texts are the same but for a word here and there: each contains nearly all runs of the other (Broder
 * 1997, "On the resemblance and containment of documents"). Texts with other numbers never are: the price of this
 * year and that of the last may stand in the same words.
 */
export function areNearDuplicates(a: Comparable, b: Comparable): boolean {
  const [shorter, longer] = a.text.length < b.text.length ? [a, b] : [b, a]
  if (shorter.text.length < sameFrom * longer.text.length) return false
  return contained(a.runs(), b.runs()) && numbersIn(a.text) === numbersIn(b.text)
}

/** Gives up as soon as too many are missing, which for most pairs is after a few. */
function contained(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  const [fewer, more] = a.size < b.size ? [a, b] : [b, a]
  let spare = fewer.size - sameFrom * more.size
  for (const run of fewer) {
    if (!more.has(run)) spare -= 1
    if (spare < 0) return false
  }
  return true
}

/** Words with a digit of any script, in their order. */
function numbersIn(text: string): string {
  return wordsOf(text)
    .filter(word => /\p{N}/u.test(word))
    .join(' ')
}
