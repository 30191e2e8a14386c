/** Facts that stand in the passages, but not where the rest of the clause does. */
import { isOfOtherPart, takenFromOtherRow, takesFromOtherPart, type Claimed } from './borrowed.ts'
import type { EvidenceUnit } from './evidence.ts'
import type { Fact } from './fact-terms.ts'
import { compact } from './facts.ts'
import { isGeneric } from './generic-words.ts'
import type { Clause } from './sentence-clauses.ts'
import { hasRival, holdsFact, type UnitSupport } from './support.ts'

const closeTo = 0.85
/** Below this share, a unit says something else. */
const clearly = 0.25

/** What of a clause belongs to something else, as written; null when nothing does. */
export function misplacedIn(claimed: Claimed, ranked: readonly UnitSupport[], whole?: UnitSupport): string | null {
  const { clause } = claimed
  const [best] = ranked
  if (best === undefined || clause.text.includes('|')) return misplacedFactIn(claimed, ranked)
  if (takesFromOtherPart(claimed, best.unit)) return clause.text
  return takenFromOtherRow(clause, ranked) ?? misplacedFactIn(claimed, ranked, whole)
}

/** `whole`: what supports the sentence best; its facts are not of something else if it has them all. */
function misplacedFactIn(claimed: Claimed, ranked: readonly UnitSupport[], whole?: UnitSupport): string | null {
  const { clause } = claimed
  const facts = clause.facts.filter(fact => !fact.isSoft && !isWordInCode(fact))
  return facts.find(fact => isMisplaced(fact, claimed, ranked, whole))?.surface ?? null
}

function isIn({ facts, parts, terms }: EvidenceUnit, fact: Fact): boolean {
  if (fact.kind === 'name' && fact.keys.some(key => terms.has(key))) return true
  return holdsFact(facts, fact) || (fact.kind === 'code' && parts.has(compact(fact.surface)))
}

/** A command or option in inline code is a word that may be of anything. */
function isWordInCode({ kind, surface }: Fact): boolean {
  return kind === 'code' && /^\p{Ll}+$/u.test(surface)
}

function isMisplaced(fact: Fact, claimed: Claimed, ranked: readonly UnitSupport[], whole?: UnitSupport): boolean {
  const { clause } = claimed
  const holding = ranked.filter(({ missingFacts }) => !missingFacts.includes(fact))
  const best = holding[0]
  if (best === undefined) return false
  const isRow = clause.text.includes('|')
  const isOfWhole = whole !== undefined && claimed.facts.every(each => each.isSoft || isIn(whole.unit, each))
  if (!isRow && isOfNeighbour(fact, clause, ranked)) return true
  if (!isRow && !isOfWhole && holding.every(each => isBetterElsewhere(fact, clause, each, ranked))) return true
  const near = holding.filter(
    ({ unit, coverage }) => coverage >= closeTo * best.coverage && holdsFact(unit.facts, fact),
  )
  if (near.length === 0) return false
  return near.every(
    ({ unit }) =>
      isOfOtherNumber(fact, unit) ||
      isOfOtherClause(fact, clause, unit) ||
      isOfOtherPart(fact, claimed, unit) ||
      isOfOtherColumn(fact, clause, unit),
  )
}

/** No sentence with the fact has much of the clause, and one without it, next to them or not, has all the rest. */
function isOfNeighbour(fact: Fact, clause: Clause, ranked: readonly UnitSupport[]): boolean {
  const [having, lacking] = [true, false].map(has => ranked.filter(({ unit }) => holdsFact(unit.facts, fact) === has))
  if (having!.length === 0 || !/^(?:number|date|time)$/.test(fact.kind)) return false
  if (having!.some(each => wordCoverage(each, clause, fact) > littleShare)) return false
  const others = clause.facts.filter(({ isSoft }) => !isSoft).length - 1
  return clause.terms.length + others > 1 && lacking!.some(each => wordCoverage(each, clause, fact) === 1)
}

const littleShare = 0.34

/** Another unit covers the clause better and has another fact of the kind. */
function isBetterElsewhere(fact: Fact, clause: Clause, holding: UnitSupport, ranked: readonly UnitSupport[]): boolean {
  const own = wordCoverage(holding, clause, fact)
  return ranked.some(each => {
    if (!each.missingFacts.includes(fact) || each.coverage < clearly) return false
    const theirs = wordCoverage(each, clause, fact)
    if (theirs >= nearlyAll && own < farBelow * theirs) return true
    return (own < closeTo * theirs || hasAllBut(fact, each, holding)) && hasRival(each.unit.facts, fact, clause.facts)
  })
}

/** A unit with this share of a clause says the same, and one with that share of the other's has nothing to do with it. */
const nearlyAll = 0.7
const farBelow = 0.45

/** It has all of the clause but this fact, and the unit with the fact lacks a word. */
function hasAllBut(fact: Fact, { missingAlone, missingFacts }: UnitSupport, holding: UnitSupport): boolean {
  // The parts of a name stand together.
  const isOnlyOne = missingFacts.every(({ kind, first }) => kind === fact.kind && Math.abs(first - fact.first) <= 2)
  return isOnlyOne && missingAlone.length === 0 && holding.missingAlone.length + holding.missingFacts.length > 0
}

/** Share of the clause that a unit has, without the fact in question: its words and the facts of other kinds. */
function wordCoverage({ unit, missingAlone, missingFacts }: UnitSupport, clause: Clause, fact: Fact): number {
  const { kind } = fact
  const isCompared = (term: string) => !isGeneric(term, unit.language)
  const names = new Set(clause.facts.flatMap(each => (each.kind === 'name' ? each.keys : [])))
  const terms = [...new Set(clause.terms)].filter(term => !names.has(term) && isCompared(term))
  const facts = clause.facts.filter(other => other !== fact && (other.kind !== kind || kind === 'number'))
  const missing = missingAlone.filter(isCompared).length + missingFacts.filter(fact => facts.includes(fact)).length
  const total = terms.length + facts.length
  return total === 0 ? 0 : (total - missing) / total
}

/**
 * "The warranty covers the printer for 24 months and the head for 6 months": in "the head is covered for 24 months" the
 * number is of the other clause, whose own word ("printer") is missing.
 */
function isOfOtherClause(fact: Fact, clause: Clause, unit: EvidenceUnit): boolean {
  const clauses = unit.clauses()
  if (clauses.length < 2) return false
  const own = clauses.filter(each => holdsFact(each.facts, fact))
  if (own.length === 0) return false
  const said = new Set(tellingOf(clause, fact.kind))
  return own.every(home => {
    const ownWords = wordsOnlyOf(home, clauses, fact.kind)
    const lacking = ownWords.filter(term => !said.has(term))
    if (lacking.length === 0 || lacking.length < lackingShare * ownWords.length) return false
    // What a later clause has for itself tells it from the others; the first may share its words with them unsaid.
    if (home !== clauses[0] && lacking.length < ownWords.length) return false
    return clauses.some(other => {
      if (other === home || !hasRival(other.facts, fact, clause.facts)) return false
      if (other.part !== home.part && namesPart(home, other, clauses, said)) return false
      const theirWords = wordsOnlyOf(other, [home], fact.kind)
      const theirs = theirWords.filter(term => said.has(term))
      return theirs.length > theirShare * theirWords.length
    })
  })
}

/** What the part of a clause begins with is said: "the study room seats 48 and is open until 23:00; the other …". */
function namesPart(home: Clause, other: Clause, clauses: readonly Clause[], said: ReadonlySet<string>): boolean {
  const termsOf = (part: number) => clauses.filter(each => each.part === part).flatMap(({ terms }) => terms)
  const theirs = new Set(termsOf(other.part))
  const first = termsOf(home.part).find(term => !theirs.has(term))
  return first !== undefined && said.has(first)
}

/** The other clause is meant with more than this share of the words that this one lacks. */
const theirShare = 0.5
/** A clause is meant without this share of the words that only it has. */
const lackingShare = 0.3

/** "Five books for 14 days": in "14 books" the number counts what another one counts. */
function isOfOtherNumber(fact: Fact, { facts }: EvidenceUnit): boolean {
  const { counted } = fact
  // A unit such as days may be another in other words.
  if (fact.kind !== 'number' || counted === null || isOfTime(fact)) return false
  const [same, others] = [facts.filter(each => holdsFact([each], fact)), facts.filter(each => !holdsFact([each], fact))]
  if (same.length === 0 || same.some(each => each.counted === null || isSameWord(each.counted, counted))) return false
  return others.some(each => each.kind === 'number' && each.counted !== null && isSameWord(each.counted, counted))
}

/** Stems of one word, where an ending was left on one of them. */
function isSameWord(a: string, b: string): boolean {
  return a === b || (Math.min(a.length, b.length) >= 4 && (a.startsWith(b) || b.startsWith(a)))
}

function isOfTime({ amounts }: Fact): boolean {
  return /^(?:time|day|month)$/.test(amounts[0]?.unit?.kind ?? '')
}

/** Words and facts that only this clause has, without those of a kind, which are compared themselves. */
function wordsOnlyOf(clause: Clause, others: readonly Clause[], kind: Fact['kind']): string[] {
  const elsewhere = new Set(others.flatMap(each => (each === clause ? [] : tellingOf(each, kind))))
  return tellingOf(clause, kind).filter(term => !elsewhere.has(term))
}

function tellingOf({ terms, facts }: Clause, kind: Fact['kind']): string[] {
  const own = new Set(facts.flatMap(fact => (fact.kind === kind ? fact.keys : [])))
  const others = facts.flatMap(fact => (fact.kind !== kind && named.has(fact.kind) ? fact.keys : []))
  return [...new Set([...terms, ...others])].filter(term => !own.has(term))
}

const named: ReadonlySet<Fact['kind']> = new Set(['name', 'code', 'date'])

/** A number from another column than the one that the clause names. */
function isOfOtherColumn(fact: Fact, clause: Clause, { kind, text, header }: EvidenceUnit): boolean {
  if (kind !== 'row' || header === null || fact.kind !== 'number') return false
  const [names, cells] = [cellsOf(header), cellsOf(text)]
  const named = columnsNamed(clause.text, names)
  if (named.length !== 1) return false
  const column = named[0]!
  const key = compact(fact.surface)
  const at = cells.flatMap((cell, index) => (compact(cell).includes(key) ? [index] : []))
  // The first cell says what the row is about.
  return at.length > 0 && !at.includes(0) && !at.includes(column) && /\p{N}/u.test(cells[column] ?? '')
}

function cellsOf(row: string): string[] {
  return row
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map(cell => cell.trim())
}

/** Columns after the first whose name stands in the text, except as a part of a longer name that does. */
function columnsNamed(text: string, names: readonly string[]): number[] {
  const plain = ` ${text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')} `
  const found = names.flatMap((name, index) => {
    const words = name
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
      .trim()
    return index > 0 && words !== '' && plain.includes(` ${words} `) ? [{ index, words }] : []
  })
  return found
    .filter(({ words }) => !found.some(other => other.words !== words && ` ${other.words} `.includes(` ${words} `)))
    .map(({ index }) => index)
}
