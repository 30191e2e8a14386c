import { fold, foldKazakh, stripDiacritics } from '../../text/fold.ts'
import { compact, type Fact } from './facts.ts'
import { isSameAmount, type Amount } from './quantities.ts'
import { skeleton } from './transliteration.ts'

/** The facts and words of some texts, asked whether they hold those of another. */
export interface Holdings {
  readonly holds: (fact: Fact) => boolean
  /** Whether a token stands in a text, whatever its case and separators. */
  readonly hasToken: (token: string) => boolean
}

interface Source {
  readonly text: string
  readonly facts: readonly Fact[]
}

const token = /[\p{L}\p{M}\p{N}]+(?:[-_./:@+#'’][\p{L}\p{M}\p{N}]+)*/gu

/** Reads what is compared only when it is asked for: most facts are held by their first comparison. */
export function createHoldings(sources: readonly Source[]): Holdings {
  const facts = sources.flatMap(source => source.facts)
  const amounts: readonly Amount[] = facts.flatMap(amountsOf)
  const keys = new Set(facts.flatMap(({ keys, wider }) => [...keys, ...wider]))
  let words: Words | undefined
  const wordsOf = () => (words ??= readWords(sources))
  return {
    holds: fact => {
      if (fact.keys.some(key => keys.has(key))) return true
      if (fact.kind === 'number') return fact.amounts.some(amount => amounts.some(other => isSameAmount(amount, other)))
      if (fact.kind === 'date') return isDateHeld(fact, keys, amounts)
      if (fact.kind === 'time') return false
      if (fact.kind === 'code') return wordsOf().codes.has(compact(fact.surface)) || isProvisionHeld(fact, keys)
      return isNameHeld(fact.surface, wordsOf())
    },
    hasToken: token => wordsOf().codes.has(compact(token)),
  }
}

/** A date or a time holds its numbers, too: the year, the hour. */
function amountsOf({ kind, keys, amounts }: Fact): readonly Amount[] {
  if (kind !== 'date' && kind !== 'time') return amounts
  return keys.flatMap(key => key.match(/\d+/g) ?? []).map(digits => ({ value: Number(digits) }))
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

interface Words {
  /** Compacted tokens, their parts, and adjacent pairs. */
  readonly codes: ReadonlySet<string>
  readonly folded: ReadonlySet<string>
  readonly skeletons: ReadonlySet<string>
  /** First letters of adjacent words with a capital. */
  readonly initials: string
}

function readWords(sources: readonly Source[]): Words {
  const [codes, folded, skeletons] = [new Set<string>(), new Set<string>(), new Set<string>()]
  const initials: string[] = []
  for (const { text } of sources) {
    let previous = ''
    for (const [surface] of text.matchAll(token)) {
      const key = compact(surface)
      codes.add(key).add(previous + key)
      previous = key
      for (const part of surface.split(/[-_./:@+#'’]/)) {
        codes.add(compact(part))
        const word = fold(part)
        folded.add(word)
        skeletons.add(skeleton(word))
        initials.push(word.charAt(0))
      }
    }
    initials.push(' ')
  }
  return { codes, folded, skeletons, initials: initials.join('') }
}

const shortestPrefix = 4

/** A name may be inflected, or written in other letters. */
function isNameHeld(surface: string, { folded, skeletons, codes, initials }: Words): boolean {
  const name = fold(surface)
  if (folded.has(name) || codes.has(compact(surface))) return true
  if (/^\p{Lu}{2,6}$/u.test(surface) && initials.includes(name)) return true
  const plain = foldKazakh(stripDiacritics(name))
  for (const word of folded) if (isInflected(plain, foldKazakh(stripDiacritics(word)))) return true
  const bones = skeleton(name)
  if (bones.length < 3) return false
  if (skeletons.has(bones)) return true
  for (const other of skeletons) if (other.length >= 3 && isInflected(bones, other)) return true
  return false
}

/** Two forms of one word: they share all but a short ending. */
function isInflected(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (short.length < shortestPrefix - 1 || long.length - short.length > 4) return false
  let shared = 0
  while (shared < short.length && short[shared] === long[shared]) shared++
  return shared >= Math.max(shortestPrefix - 1, Math.ceil(short.length * 0.75)) && short.length - shared <= 2
}
