import { nfkc } from '../../text/normal-form.ts'

/** A text prepared for comparison. */
export interface Comparable {
  readonly text: string
  /**
   * Its three-word shingles, as 31-bit hashes; within one search two shingles hardly ever collide. Computed on first
   * use: most texts already differ in length from all others.
   */
  shingles(): ReadonlySet<number>
}

export function comparable(text: string): Comparable {
  let shingles: ReadonlySet<number> | undefined
  return { text, shingles: () => (shingles ??= shinglesOf(text)) }
}

// Letters and digits of every script. Property classes would be exact about rare characters, but five times slower.
const words = /[a-z0-9\u00c0-\u1fff\u2c00-\u2fff\u3040-\uffff]+/g

/** Ignores case, whitespace and punctuation, unless the text has nothing else. */
function wordsOf(text: string): readonly string[] {
  return nfkc(text).toLowerCase().match(words) ?? [text.trim()]
}

function shinglesOf(text: string): ReadonlySet<number> {
  const found = wordsOf(text)
  const shingles = new Set<number>()
  let [first, second] = [0, hashOf(found[0]!)]
  for (const word of found) {
    const third = hashOf(word)
    shingles.add((Math.imul(Math.imul(first, 31) + second, 31) + third) >>> 1)
    ;[first, second] = [second, third]
  }
  return shingles
}

/** FNV-1a. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  return hash
}

/** Texts that share this much of each other are duplicates: 40 words may differ in one, 300 in ten. */
const minOverlap = 0.9

/**
 * Whether two texts are equal except for a word here and there: each contains nearly all shingles of the other (Broder
 * 1997, "On the resemblance and containment of documents"). Texts with different numbers never are: this year's and
 * last year's price may be stated in the same words.
 */
export function areNearDuplicates(a: Comparable, b: Comparable): boolean {
  const [shorter, longer] = a.text.length < b.text.length ? [a, b] : [b, a]
  if (shorter.text.length < minOverlap * longer.text.length) return false
  return contained(a.shingles(), b.shingles()) && numbersIn(a.text) === numbersIn(b.text)
}

/** Stops as soon as too many are missing, which for most pairs is after a few. */
function contained(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  const [fewer, more] = a.size < b.size ? [a, b] : [b, a]
  let allowedMissing = fewer.size - minOverlap * more.size
  for (const run of fewer) {
    if (!more.has(run)) allowedMissing -= 1
    if (allowedMissing < 0) return false
  }
  return true
}

/** Words with a digit of any script, in order. */
function numbersIn(text: string): string {
  return wordsOf(text)
    .filter(word => /\p{N}/u.test(word))
    .join(' ')
}
