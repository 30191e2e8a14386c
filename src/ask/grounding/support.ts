/** Which units of the passages support a clause, by the words and facts that they share. */
import type { Evidence, EvidenceUnit, Terms } from './evidence.ts'
import type { Fact } from './fact-terms.ts'
import { isGeneric } from './generic-words.ts'
import { createHoldings, type Holdings } from './holdings.ts'
import { isSameAmount } from './quantities.ts'
import type { Clause } from './sentence-clauses.ts'

export interface UnitSupport {
  readonly unit: EvidenceUnit
  /** Share of the clause's content that the unit covers, with what stands around it: 0…1. */
  readonly coverage: number
  /** The same of the unit alone. */
  readonly ownCoverage: number
  /** Terms of the clause that neither has. */
  readonly missing: readonly string[]
  /** Those that the unit and its headings lack, whatever its neighbours have. */
  readonly missingAlone: readonly string[]
  /** Facts of the clause that neither has. */
  readonly missingFacts: readonly Fact[]
}

export interface Supports {
  /** The best first; those that share nothing are left out. */
  readonly ranked: readonly UnitSupport[]
  /** Share of the clause's content that stands anywhere in the passages. */
  readonly anywhere: number
  /** Weight of the content: what is not held counts fully. */
  readonly weight: number
}

/** What stands around a unit supports a little less than what stands in it. */
const aroundCredit = 0.8
/** A word with the same beginning may be of the same family: "pay" and "payment". */
const similarCredit = 0.85
/** A word that only the question has is neither support nor a lie. */
const askedCredit = 0.5
const factWeight = 1.1
const genericWeight = 0.35

const prefixLength = 5
const prefixSets = new WeakMap<object, Terms>()

function prefixesOf(terms: Terms): Terms {
  let prefixes = prefixSets.get(terms)
  if (prefixes === undefined) {
    prefixes = new Set([...terms].filter(term => term.length >= prefixLength).map(term => term.slice(0, prefixLength)))
    prefixSets.set(terms, prefixes)
  }
  return prefixes
}

/** 1 where a term is held, a little less where a similar one is, else 0. */
export function heldShare(term: string, terms: Terms): number {
  if (terms.has(term)) return 1
  // Few terms, such as those of a clause, are faster compared than prepared.
  if (terms.size <= fewTerms) return isLikeOne(term, terms) ? similarCredit : 0
  return term.length >= prefixLength && prefixesOf(terms).has(term.slice(0, prefixLength)) ? similarCredit : 0
}

const fewTerms = 16

function isLikeOne(term: string, terms: Terms): boolean {
  if (term.length < prefixLength) return false
  const prefix = term.slice(0, prefixLength)
  for (const other of terms) if (other.startsWith(prefix)) return true
  return false
}

const ownHoldings = new WeakMap<EvidenceUnit, Holdings>()
const aroundHoldings = new WeakMap<EvidenceUnit, Holdings>()

/** The facts of a unit alone. */
function holdingsOf(unit: EvidenceUnit, { holdings }: Evidence): Holdings {
  const known = ownHoldings.get(unit) ?? createHoldings([unit], holdings.wordsLike)
  ownHoldings.set(unit, known)
  return known
}

/** Those of what stands around it. */
function holdingsAround(unit: EvidenceUnit, { holdings }: Evidence): Holdings {
  const text = unit.section.slice(unit.section.indexOf('\n') + 1)
  const around = { text, facts: unit.aroundFacts, parts: unit.aroundParts }
  const known = aroundHoldings.get(unit) ?? createHoldings([around], holdings.wordsLike)
  aroundHoldings.set(unit, known)
  return known
}

interface Weighed {
  readonly term: string
  readonly weight: number
}

/** Supports of a clause, given its terms by language of the passages. */
export function supportsOf(clause: Pick<Clause, 'terms' | 'facts'>, language: string, evidence: Evidence): Supports {
  const facts = clause.facts.filter(({ isSoft }) => !isSoft)
  // A word of a fact counts as the fact.
  const inFacts = new Set(facts.flatMap(({ kind, keys }) => (kind === 'name' ? keys : [])))
  const weighed = [...new Set(clause.terms)]
    .filter(term => !inFacts.has(term))
    .map((term): Weighed => ({
      term,
      weight: evidence.weightOf(term) * (isGeneric(term, language) ? genericWeight : 1),
    }))
  const weight = weighed.reduce((sum, each) => sum + each.weight, 0) + factWeight * facts.length
  const units = evidence.units.filter(unit => unit.language === language || evidence.languages.length === 1)
  const ranked = units
    .map(unit => supportBy(unit, { weighed, facts, weight }, evidence))
    .filter(({ coverage }) => coverage > 0)
    .sort((a, b) => b.coverage - a.coverage)
  const held = weighed.reduce((sum, each) => sum + each.weight * anywhereShare(each.term, evidence), 0)
  const heldFacts = facts.filter(fact => evidence.holdings.holds(fact)).length * factWeight
  return { ranked, anywhere: weight === 0 ? 1 : (held + heldFacts) / weight, weight }
}

function anywhereShare(term: string, { terms, askedTerms }: Evidence): number {
  return Math.max(heldShare(term, terms), askedCredit * heldShare(term, askedTerms))
}

interface Claim {
  readonly weighed: readonly Weighed[]
  readonly facts: readonly Fact[]
  readonly weight: number
}

function supportBy(unit: EvidenceUnit, claim: Claim, evidence: Evidence): UnitSupport {
  const [words, facts] = [wordSupport(unit, claim, evidence), factSupport(unit, claim, evidence)]
  const { missing, missingAlone } = words
  const shareOf = (sum: number) => (claim.weight === 0 ? 0 : sum / claim.weight)
  // What stands only around it, or only in the question, does not make a unit support anything.
  const covered = words.own + facts.own === 0 ? 0 : shareOf(words.sum + facts.sum)
  const coverage = isOfRow(unit, claim, facts.missing) ? Math.max(covered, rowCoverage) : covered
  return {
    unit,
    coverage,
    ownCoverage: shareOf(words.own + facts.own),
    missing,
    missingAlone,
    missingFacts: facts.missing,
  }
}

/** A row says little besides its values: one that has all facts of a claim, and is named in it, says the same. */
const rowCoverage = 0.6

function isOfRow({ kind, text, terms }: EvidenceUnit, { weighed, facts }: Claim, missing: readonly Fact[]): boolean {
  if (kind !== 'row' || facts.length === 0 || missing.length > 0) return false
  return weighed.some(({ term }) => heldShare(term, terms) > 0) && text.includes('|')
}

/** Weights of the claim's words that a unit has, alone (`own`) and with what stands around it (`sum`). */
function wordSupport(unit: EvidenceUnit, { weighed }: Claim, { terms, askedTerms }: Evidence) {
  let [own, sum] = [0, 0]
  const [missing, missingAlone]: [string[], string[]] = [[], []]
  for (const { term, weight } of weighed) {
    const inUnit = heldShare(term, unit.terms)
    const share = Math.max(inUnit, aroundCredit * heldShare(term, unit.around))
    if (share === 0) missing.push(term)
    if (inUnit === 0 && heldShare(term, unit.above) === 0) missingAlone.push(term)
    own += weight * inUnit
    const isOnlyAsked = share === 0 && !terms.has(term) && heldShare(term, askedTerms) > 0
    sum += weight * (isOnlyAsked ? askedCredit : share)
  }
  return { own, sum, missing, missingAlone }
}

/** The same of its facts. */
function factSupport(unit: EvidenceUnit, { facts }: Claim, evidence: Evidence) {
  let [own, sum] = [0, 0]
  const missing: Fact[] = []
  for (const fact of facts) {
    if (holdingsOf(unit, evidence).holds(fact)) {
      own += factWeight
      sum += factWeight
      // Where the unit has another fact of the kind, that of its neighbour is not its own.
    } else if (!hasRival(unit.facts, fact, facts) && holdingsAround(unit, evidence).holds(fact)) {
      sum += factWeight * aroundCredit
    } else missing.push(fact)
  }
  return { own, sum, missing }
}

/** Whether some facts have one like this, but another, which the clause does not have. */
export function hasRival(facts: readonly Fact[], fact: Fact, own: readonly Fact[]): boolean {
  return facts.some(other => {
    if (other.kind !== fact.kind || other.isSoft || !isSameKind(other, fact)) return false
    return !holdsFact(own, other)
  })
}

function isSameKind(a: Fact, b: Fact): boolean {
  if (a.kind === 'code') return shapeOf(a.surface) === shapeOf(b.surface)
  if (a.kind === 'date') return isWeekday(a) === isWeekday(b)
  if (a.kind !== 'number') return true
  const [one, two] = [a.amounts[0]?.unit?.kind, b.amounts[0]?.unit?.kind]
  if (one !== undefined || two !== undefined) return one === two || (isLong(one) && isLong(two))
  return a.counted === null || b.counted === null || a.counted === b.counted
}

/** Days and months: "four months" and "a week" are two times of one kind. */
function isLong(unit: string | undefined): boolean {
  return unit === 'day' || unit === 'month'
}

function isWeekday({ keys }: Fact): boolean {
  return keys.some(key => key.startsWith('weekday:'))
}

/** "E05" and "E21" have one shape, "lib.univer.kz" has another. */
function shapeOf(code: string): string {
  return code.replace(/[\p{L}\p{M}]+/gu, 'A').replace(/\d+/g, '9')
}

/** Whether one of the facts is this one, in whatever form. */
export function holdsFact(facts: readonly Fact[], fact: Fact): boolean {
  return facts.some(
    other =>
      other.keys.some(key => fact.keys.includes(key) || fact.wider.includes(key)) ||
      fact.keys.some(key => other.wider.includes(key)) ||
      other.amounts.some(a => fact.amounts.some(b => isSameAmount(a, b))),
  )
}
