/** A text to compare others with. */
export interface Comparable {
  readonly length: number
  /** Made when it is first needed: most texts differ in length from all others. */
  shingles(): Shingles
}

interface Shingles {
  /** Its runs of three words, as 31-bit hashes: in the texts of one search two runs hardly ever share one. */
  readonly runs: ReadonlySet<number>
  /** Its numbers, in their order, joined by blanks. */
  readonly numbers: string
}

// Letters and digits of every script. Property classes would be exact about rare signs, and five times as slow.
const words = /[a-z0-9\u00c0-\u1fff\u2c00-\u2fff\u3040-\uffff]+/g
const digit = /[0-9]/

export function comparable(text: string): Comparable {
  let made: Shingles | undefined
  return { length: text.length, shingles: () => (made ??= shinglesOf(text)) }
}

/** Case, blanks and punctuation make no difference. */
function shinglesOf(text: string): Shingles {
  const found = text.normalize('NFKC').toLowerCase().match(words) ?? [text.trim()]
  const hashes = found.map(hashOf)
  const runs = new Set<number>()
  let [first, second] = [0, hashes[0]!]
  for (const third of hashes) {
    runs.add((Math.imul(Math.imul(first, 31) + second, 31) + third) >>> 1)
    ;[first, second] = [second, third]
  }
  return { runs, numbers: found.filter(word => digit.test(word)).join(' ') }
}

/** FNV-1a. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  return hash
}

/** With this much of either in the other, two texts say the same: in 40 words one may be another, in 300 ten. */
const sameFrom = 0.9
/** Texts of such different length differ in more than a word here and there. */
const comparableFrom = 0.88

/**
 * Whether two texts are the same but for a word here and there: each contains nearly all runs of the other (Broder
 * 1997, "On the resemblance and containment of documents"). Texts with other numbers never are: the price of this
 * year and that of the last may stand in the same words.
 */
export function sayTheSame(a: Comparable, b: Comparable): boolean {
  if (Math.min(a.length, b.length) < comparableFrom * Math.max(a.length, b.length)) return false
  const [one, other] = [a.shingles(), b.shingles()]
  return one.numbers === other.numbers && contained(one.runs, other.runs)
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
