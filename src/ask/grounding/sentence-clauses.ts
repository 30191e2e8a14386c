import { deniedWords, negationOf, type Negation } from './negation.ts'
import { fold } from '../../text/fold.ts'
import { contentOf } from './content.ts'
import { multiplier } from './number-words.ts'
import { unitNamed } from './quantities.ts'
import type { Fact, PlacedWord, ReadText } from './fact-terms.ts'

/** A part of a sentence that says one thing. */
export interface Clause {
  readonly text: string
  readonly words: readonly PlacedWord[]
  /** Its content words, as stems, in order. */
  readonly terms: readonly string[]
  readonly facts: readonly Fact[]
  readonly negation: Negation
  /** Number of the part that it is of: semicolons and words of contrast begin another. */
  readonly part: number
  /** Terms that its words deny by their endings, and those that may be so denied and are not. */
  readonly denied: ReadonlySet<string>
}

/** Words that begin another clause; a comma alone does, too. */
const conjunctions: Readonly<Record<string, string>> = {
  en: 'and|but|while|whereas|because|which|who|although|however|or|so that|after which|unless|except',
  ru: 'и|а|но|однако|потому что|поэтому|который|которая|которые|которое|хотя|или|либо|причем|кроме',
  kk: 'және|бірақ|ал|сондықтан|өйткені|немесе|сонымен қатар',
  vi: 'và|nhưng|còn|vì|nên|hoặc|tuy nhiên|trong khi',
  it: 'e|ed|ma|mentre|perché|però|oppure|o|quindi|tranne',
}

/** Words that set two things against each other. */
const contrasts: Readonly<Record<string, string>> = {
  en: 'while|whereas|but',
  ru: 'а|но',
  kk: 'ал|бірақ',
  vi: 'còn|nhưng',
  it: 'mentre|ma',
}

const boundary = /[;:](?=\s)|,(?=\s)|\((?=\p{L})|\)(?=\s)|\s-\s/u
/** A clause with fewer content words is read with the one before it. */
const fewest = 2

/** Cuts a sentence into clauses at punctuation and conjunctions. Empty when it has no word. */
export function clausesIn({ text, words, facts, language }: ReadText): Clause[] {
  const starts = setOf(conjunctions, language)
  // The words of a number or date are compared as such.
  const inFacts = new Set(
    facts.flatMap(fact => (fact.kind === 'name' ? [] : wordsIn(fact, words, language).map(index => words[index]))),
  )
  const groups: PlacedWord[][] = []
  const parts = new Map<PlacedWord, number>()
  const opposed = setOf(contrasts, language)
  let [end, part] = [0, 0]
  for (const word of words) {
    const gap = text.slice(end, word.start)
    const isNew = groups.length === 0 || boundary.test(gap) || starts.has(word.surface.toLowerCase())
    if (/;\s/.test(gap) || (groups.length > 0 && opposed.has(word.surface.toLowerCase()))) part++
    parts.set(word, part)
    if (isNew) groups.push([])
    groups.at(-1)!.push(word)
    end = word.end
  }
  return merged(groups, language).map(group => {
    const [first, last] = [words.indexOf(group[0]!), words.indexOf(group.at(-1)!)]
    const folded = group.map(({ word }) => word.parts.at(-1) ?? '')
    const denied = [...deniedWords(folded, language)].flatMap(index => termsOf(group[index]!.word, language))
    const own = text.slice(group[0]!.start, group.at(-1)!.end)
    let negation: Negation | undefined
    return {
      text: own,
      words: group,
      part: parts.get(group[0]!) ?? 0,
      terms: group.flatMap(each => (inFacts.has(each) ? [] : termsOf(each.word, language))),
      facts: facts.filter(fact => fact.first >= first && fact.first <= last),
      // Read only where it is compared.
      get negation() {
        return (negation ??= negationOf(own, language))
      },
      denied: new Set(denied),
    }
  })
}

/** With its unit, and the word that multiplies it, which are compared with the number. */
function wordsIn({ first, last, kind, amounts }: Fact, words: readonly PlacedWord[], language: string): number[] {
  const unit = kind === 'number' ? amounts[0]?.unit?.kind : undefined
  const folded = (index: number) => fold(words[index]?.surface ?? '')
  let end = last
  if (kind === 'number' && multiplier(folded(end + 1), language) > 1) end++
  if (unit !== undefined && unitNamed(folded(end + 1))?.kind === unit) end++
  return Array.from({ length: end - first + 1 }, (_, i) => first + i)
}

const none: ReadonlySet<string> = new Set()
const sets = new Map(
  [conjunctions, contrasts].map(lists => [
    lists,
    new Map(Object.entries(lists).map(([language, list]) => [language, new Set(list.split('|'))] as const)),
  ]),
)

function setOf(lists: Readonly<Record<string, string>>, language: string): ReadonlySet<string> {
  return sets.get(lists)?.get(language) ?? none
}

function merged(groups: readonly PlacedWord[][], language: string): PlacedWord[][] {
  const found: PlacedWord[][] = []
  for (const group of groups) {
    const last = found.at(-1)
    const isSmall = (words: readonly PlacedWord[]) => countOf(words, language) < fewest
    if (last && (isSmall(group) || isSmall(last))) last.push(...group)
    else found.push([...group])
  }
  return found
}

function countOf(words: readonly PlacedWord[], language: string): number {
  return words.filter(({ word }) => word.hasDigit || termsOf(word, language).length > 0).length
}

function termsOf(word: PlacedWord['word'], language: string): string[] {
  return contentOf(word, language)
}
