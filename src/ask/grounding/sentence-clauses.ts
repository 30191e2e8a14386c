import { deniedWords, negationOf, type Negation } from './negation.ts'
import { fold } from '../../text/fold.ts'
import { contentOf } from './content.ts'
import { unitNamed } from './quantities.ts'
import type { Fact, PlacedWord, ReadText } from './facts.ts'

/** A part of a sentence that says one thing. */
export interface Clause {
  readonly text: string
  readonly words: readonly PlacedWord[]
  /** Its content words, as stems, in order. */
  readonly terms: readonly string[]
  readonly facts: readonly Fact[]
  readonly negation: Negation
  /** Terms that its words deny by their endings, and those that may be so denied and are not. */
  readonly denied: ReadonlySet<string>
}

/** Words that begin another clause; a comma alone does, too. */
const conjunctions: Readonly<Record<string, string>> = {
  en: 'and|but|while|whereas|because|which|who|although|however|or|so that|after which|unless|except',
  ru: 'и|а|но|однако|потому что|поэтому|который|которая|которые|которое|хотя|или|либо|причем|кроме',
  kk: 'және|бірақ|ал|сондықтан|өйткені|немесе|сонымен қатар',
  vi: 'và|nhưng|còn|vì|nên|hoặc|tuy nhiên|trong khi|trừ',
  it: 'e|ed|ma|mentre|perché|però|oppure|o|quindi|tranne',
}

const boundary = /[;:](?=\s)|,(?=\s)|\((?=\p{L})|\)(?=\s)|\s-\s/u
/** A clause with fewer content words is read with the one before it. */
const fewest = 2

/** Cuts a sentence into clauses at punctuation and conjunctions. Empty when it has no word. */
export function clausesIn({ text, words, facts, language }: ReadText): Clause[] {
  const starts = conjunctionSet(language)
  // The words of a number or date are compared as such.
  const inFacts = new Set(facts.flatMap(fact => (fact.kind === 'name' ? [] : wordsIn(fact, words).map(index => words[index]))))
  const groups: PlacedWord[][] = []
  let end = 0
  for (const word of words) {
    const gap = text.slice(end, word.start)
    const isNew = groups.length === 0 || boundary.test(gap) || starts.has(word.surface.toLowerCase())
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

/** With its unit, which is compared with the number. */
function wordsIn({ first, last, kind, amounts }: Fact, words: readonly PlacedWord[]): number[] {
  const unit = kind === 'number' ? amounts[0]?.unit?.kind : undefined
  const next = words[last + 1]
  const isUnit = unit !== undefined && next !== undefined && unitNamed(fold(next.surface))?.kind === unit
  return Array.from({ length: last - first + (isUnit ? 2 : 1) }, (_, i) => first + i)
}

const sets = new Map(Object.entries(conjunctions).map(([language, list]) => [language, new Set(list.split('|'))]))
const none: ReadonlySet<string> = new Set()

function conjunctionSet(language: string): ReadonlySet<string> {
  return sets.get(language) ?? none
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
