/** Names and words that no passage has. */
import { contentOf, contentTerms } from './content.ts'
import type { Evidence, EvidenceUnit } from './evidence.ts'
import type { Fact, ReadText } from './fact-terms.ts'
import { isGeneric } from './generic-words.ts'
import type { Clause } from './sentence-clauses.ts'
import { hasRival, heldShare } from './support.ts'
import type { Fault } from './unheld.ts'

/**
 * A word with a capital at the beginning of a sentence may be a name: it is one if nobody has said it, and the unit that
 * has the rest of the sentence begins with a name, or has one that the sentence lacks.
 */
export function strangeName(read: ReadText, evidence: Evidence): Fault | null {
  const [first] = read.words
  if (first === undefined || !/^\p{Lu}[\p{L}\p{M}]{2,}$/u.test(first.surface)) return null
  const terms = contentOf(first.word, read.language)
  const isSaid = (term: string) =>
    isGeneric(term, read.language) || heldShare(term, evidence.terms) > 0 || heldShare(term, evidence.askedTerms) > 0
  if (terms.length === 0 || terms.some(isSaid)) return null
  const name = nameFact(first.surface, terms)
  if (evidence.holdings.holds(name) || evidence.asked.holds(name)) return null
  const rest = contentTermsWithout(read, terms)
  const hasNameAmong = (unit: EvidenceUnit) =>
    unit
      .clauses()
      .some(
        ({ terms, facts }) =>
          rest.some(term => heldShare(term, new Set(terms)) > 0) && hasRival(facts, name, read.facts),
      )
  const like = evidence.units.find(
    unit => rest.length > 1 && rest.every(term => heldShare(term, unit.terms) > 0) && hasNameAmong(unit),
  )
  return like ? { reason: 'name', detail: first.surface } : null
}

function nameFact(surface: string, keys: readonly string[]): Fact {
  return { kind: 'name', surface, keys, wider: [], amounts: [], counted: null, first: 0, last: 0, isSoft: false }
}

function contentTermsWithout(read: ReadText, without: readonly string[]): string[] {
  return [...contentTerms(read)].filter(term => !without.includes(term) && !isGeneric(term, read.language))
}

/**
 * Vietnamese writes each syllable of a word by itself, so most of them stand somewhere. The share of those of a clause
 * that stand next to the same one in a passage, 0…1; 1 in other languages.
 */
export function shareInPairs({ words, terms, facts }: Clause, language: string, { pairs }: Evidence): number {
  if (language !== 'vi' || facts.length > 0) return 1
  const folded = words.map(({ word }) => word.parts.join(' '))
  const isPaired = (index: number) =>
    pairs().has(`${folded[index - 1]} ${folded[index]}`) || pairs().has(`${folded[index]} ${folded[index + 1]}`)
  const content = words.flatMap(({ word }, index) => (word.terms.some(term => terms.includes(term)) ? [index] : []))
  return content.filter(isPaired).length / Math.max(1, content.length)
}

/** So many content words in a row that no passage has are no paraphrase. */
const strangeRun = 4

export function hasStrangeRun({ terms, facts }: Clause, language: string, evidence: Evidence): boolean {
  const names = new Set(facts.flatMap(({ kind, keys }) => (kind === 'name' ? keys : [])))
  let run = 0
  for (const term of terms) {
    const isKnown = names.has(term) || heldShare(term, evidence.terms) > 0 || heldShare(term, evidence.askedTerms) > 0
    if (isKnown) run = 0
    else if (!isGeneric(term, language)) run++
    if (run >= strangeRun) return true
  }
  return false
}
