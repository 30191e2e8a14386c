import { fold, foldKazakh, stripDiacritics } from '../../text/fold.ts'
import { memoized } from '../../text/memoized.ts'
import type { Fact } from './fact-terms.ts'
import { compact } from './facts.ts'
import { isSameAmount, type Amount } from './quantities.ts'
import { skeleton } from './transliteration.ts'

/** The facts and words of some texts, asked whether they hold those of another. */
export interface Holdings {
  readonly holds: (fact: Fact) => boolean
  /** Whether a token stands in a text, whatever its case and separators. */
  readonly hasToken: (token: string) => boolean
  /** The words that may be forms of a name: inflected, or in other letters. */
  readonly wordsLike: (name: string) => ReadonlySet<string>
}

export interface HoldingSource {
  readonly text: string
  readonly facts: readonly Fact[]
  /** Its words, folded. */
  readonly parts: ReadonlySet<string>
}

const token = /[\p{L}\p{M}\p{N}]+(?:[-_./:@+#'’][\p{L}\p{M}\p{N}]+)*/gu

/**
 * Reads what is compared only when it is asked for: most facts are held by their first comparison. `wordsLike` of texts
 * that contain these saves comparing names again.
 */
export function createHoldings(sources: readonly HoldingSource[], wordsLike?: Holdings['wordsLike']): Holdings {
  const facts = sources.flatMap(source => source.facts)
  const amounts: readonly Amount[] = facts.flatMap(amountsOf)
  const keys = new Set(facts.flatMap(({ keys, wider }) => [...keys, ...wider]))
  const parts = sources.length === 1 ? sources[0]!.parts : new Set(sources.flatMap(source => [...source.parts]))
  let codes: ReadonlySet<string> | undefined
  const hasToken = (token: string) => {
    const key = compact(token)
    if (parts.has(key)) return true
    const pieces = fold(token).match(/[\p{L}\p{M}]+|\p{N}+/gu) ?? []
    // A text without any piece of a code need not be read for it.
    return pieces.some(piece => parts.has(piece)) && (codes ??= codesIn(sources)).has(key)
  }
  const like = wordsLike ?? memoized((name: string) => formsOf(name, parts, sources))
  return {
    holds: fact => {
      if (fact.keys.some(key => keys.has(key))) return true
      if (fact.kind === 'number') return fact.amounts.some(amount => amounts.some(other => isSameAmount(amount, other)))
      if (fact.kind === 'date') return isDateHeld(fact, keys, amounts)
      if (fact.kind === 'time') return false
      if (fact.kind === 'code') return hasToken(fact.surface) || isProvisionHeld(fact, keys)
      return !like(fact.surface).isDisjointFrom(parts)
    },
    hasToken,
    wordsLike: like,
  }
}

/** A date or a time holds its numbers, too: the year, the hour. */
function amountsOf({ kind, keys, amounts }: Fact): readonly Amount[] {
  if (kind !== 'date' && kind !== 'time') return amounts
  // The number of a weekday is ours.
  const dated = keys.filter(key => !key.includes(':') || kind === 'time')
  return dated.flatMap(key => key.match(/\d+/g) ?? []).map(digits => ({ value: Number(digits) }))
}

/** The day and month stand in one place and the year in another, such as a heading. */
function isDateHeld({ keys: [own = ''] }: Fact, keys: ReadonlySet<string>, amounts: readonly Amount[]): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)(?:-(\d\d))?$/.exec(own) ?? []
  if (year === undefined) return false
  const hasDay = day === undefined ? keys.has(`month:${Number(month)}`) : keys.has(`--${month}-${day}`)
  return hasDay && amounts.some(({ value }) => value === Number(year))
}

/** "Article 5" is held where "Article 5(2)" is. */
function isProvisionHeld({ keys }: Fact, held: ReadonlySet<string>): boolean {
  return keys.length > 0 && keys.every(key => /^\w{3}:/.test(key) && held.has(key))
}

/** Compacted tokens, their parts, and adjacent pairs. */
function codesIn(sources: readonly HoldingSource[]): ReadonlySet<string> {
  const codes = new Set<string>()
  for (const { text } of sources) {
    let previous = ''
    for (const [surface] of text.matchAll(token)) {
      const key = compact(surface)
      codes.add(key).add(previous + key)
      previous = key
      const pieces = surface.split(/[-_./:@+#'’]/)
      if (pieces.length > 1) for (const piece of pieces) codes.add(compact(piece))
    }
  }
  return codes
}

const shortestPrefix = 4
const acronym = /^\p{Lu}{2,6}$/u

/** A name may be inflected, or written in other letters; an acronym stands for the first letters of words in a row. */
function formsOf(surface: string, parts: ReadonlySet<string>, sources: readonly HoldingSource[]): ReadonlySet<string> {
  const name = fold(surface)
  const own = name.split(/[-'’]/)
  if (own.every(part => parts.has(part))) return new Set(own)
  if (acronym.test(surface) && sources.some(source => hasInitials(source, name))) return new Set([...parts].slice(0, 1))
  const plain = foldKazakh(stripDiacritics(name))
  const inflected = [...parts].filter(word => isInflected(plain, foldKazakh(stripDiacritics(word))))
  if (inflected.length > 0) return new Set(inflected)
  const bones = skeleton(name)
  if (bones.length < 3) return new Set()
  return new Set([...parts].filter(word => word.length > 2 && isAlike(bones, skeleton(word))))
}

function isAlike(a: string, b: string): boolean {
  return a === b || (b.length >= 3 && isInflected(a, b))
}

function hasInitials({ text }: HoldingSource, name: string): boolean {
  return Array.from(text.matchAll(/[\p{L}\p{M}]+/gu), ([word]) => word.charAt(0).toLowerCase())
    .join('')
    .includes(name)
}

/** Two forms of one word: they share all but a short ending. */
function isInflected(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (short.length < shortestPrefix - 1 || long.length - short.length > 4) return false
  let shared = 0
  while (shared < short.length && short[shared] === long[shared]) shared++
  return shared >= Math.max(shortestPrefix - 1, Math.ceil(short.length * 0.75)) && short.length - shared <= 2
}
