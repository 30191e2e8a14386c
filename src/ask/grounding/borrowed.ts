/** Words and facts that a unit says of one thing, and a clause says of another that the unit names, too. */
import { contentTerms } from './content.ts'
import type { EvidenceUnit } from './evidence.ts'
import type { Fact } from './fact-terms.ts'
import { readText } from './facts.ts'
import { isGeneric } from './generic-words.ts'
import { deniesAnything } from './negation.ts'
import type { Clause } from './sentence-clauses.ts'
import { hasRival, heldShare, holdsFact, type UnitSupport } from './support.ts'

/** What a claim says: the clause that is judged, and the whole sentence around it. */
export interface Claimed {
  readonly clause: Clause
  /** Its content words, and those of the clauses around it that have no fact of their own, such as conditions. */
  readonly words: ReadonlySet<string>
  /** Content words of the whole sentence. */
  readonly sentence: ReadonlySet<string>
  readonly facts: readonly Fact[]
}

/** A part of a unit with a subject of its own: what stands between semicolons or words of contrast. */
interface Part {
  readonly terms: readonly string[]
  readonly facts: readonly Fact[]
}

/** A part that has what was claimed, and one that has what it was claimed of. */
interface Pair {
  readonly own: Part
  readonly other: Part
}

/** "Trains run until 22:00; buses stop at 20:00": whether "buses run until 22:00" takes a fact from the first part. */
export function isOfOtherPart(fact: Fact, claimed: Claimed, unit: EvidenceUnit): boolean {
  const { clause, words } = claimed
  if (deniesAnything(clause.negation)) return false
  const clauses = unit.clauses()
  if (fact.kind === 'name' && isOfOtherName(fact, claimed, unit)) return true
  const isTaken = ({ own, other }: Pair) => {
    if (!holdsFact(own.facts, fact) || holdsFact(other.facts, fact)) return false
    const [first] = onlyOf(other, own, unit.language)
    if (first === undefined || !isSaid(first, words) || setsApart(claimed, other)) return false
    if (other.facts.some(each => isNamed(each) && each.kind !== fact.kind && !holdsFact(claimed.facts, each)))
      return false
    const [subject] = onlyOf(own, other, unit.language)
    if (fact.kind === 'name' && subject !== undefined && isSaid(subject, words)) return false
    return hasRival(other.facts, fact, claimed.facts)
  }
  const topic = topicOf(clause, unit.language)
  // "The visit takes 40 minutes; the cleaning is done by …": "the cleaning takes 40 minutes".
  const isOfSubject = ({ own, other }: Pair) => {
    if (!holdsFact(own.facts, fact) || holdsFact(other.facts, fact) || fact.kind === 'name') return false
    const [[subject], [first]] = [onlyOf(own, other, unit.language), onlyOf(other, own, unit.language)]
    return first !== undefined && first === topic && subject !== undefined && !isSaid(subject, claimed.sentence)
  }
  // A later clause may lack its subject.
  return (
    [...pairsOf(partsOf(clauses)), ...pairsWithin(clauses)].some(isTaken) ||
    pairsOf(partsOf(clauses)).some(isOfSubject) ||
    isOfEarlierClause(fact, claimed, unit)
  )
}

/**
 * "Anna Bell leads the choir, and Tom Reed plays the organ": in "Tom Reed leads the choir" nothing but the name is of his
 * clause, or the clause is about what hers begins with.
 */
function isOfOtherName(fact: Fact, { clause, words }: Claimed, { clauses, language }: EvidenceUnit): boolean {
  const isOfName = (term: string) =>
    clause.facts.some(
      each => each.kind === 'name' && Math.abs(each.first - fact.first) <= 2 && each.keys.includes(term),
    )
  const pairs = [...pairsOf(clauses()), ...pairsOf(clauses().toReversed())]
  return pairs.some(({ own, other }) => {
    if (!holdsFact(own.facts, fact) || holdsFact(other.facts, fact) || !hasRival(other.facts, fact, clause.facts))
      return false
    const names = new Set(other.facts.flatMap(({ kind, keys }) => (kind === 'name' ? keys : [])))
    const [ownOnly, otherOnly] = [onlyOf(own, other, language), onlyOf(other, own, language)]
    const mine = ownOnly.filter(term => !isOfName(term))
    const theirs = otherOnly.filter(term => !names.has(term))
    if (mine.some(term => isSaid(term, words)) || theirs[0] === undefined) return false
    // A clause without a verb of its own takes that of the other.
    return isSaid(theirs[0], words) || (mine.length > 1 && theirs.some(term => isSaid(term, words)))
  })
}

/** What says which thing a part is about. */
function isNamed({ kind, isSoft }: Fact): boolean {
  return !isSoft && (kind === 'name' || kind === 'date' || kind === 'code')
}

/** "The first child pays 5 euros" says nothing of the second child. */
function setsApart({ facts }: Claimed, other: Part): boolean {
  return facts.some(
    fact =>
      fact.counted !== null &&
      other.facts.some(each => each.counted === fact.counted && !holdsFact([each], fact) && each.isSoft),
  )
}

/** The clause shares nothing with the first clause, which has the fact, and is about what a later one has for itself. */
function isOfEarlierClause(fact: Fact, { clause, words }: Claimed, { clauses, language }: EvidenceUnit): boolean {
  const [own, ...later] = clauses()
  const topic = topicOf(clause, language)
  if (own === undefined || topic === undefined || !/^(?:number|date|time)$/.test(fact.kind)) return false
  if (!holdsFact(own.facts, fact) || later.some(({ facts }) => holdsFact(facts, fact))) return false
  return !own.terms.some(term => isSaid(term, words)) && later.some(other => onlyOf(other, own, language)[0] === topic)
}

/** The same of words: "the Pro edition adds a watermark" where it is the free one that does, and the Pro one is named. */
export function takesFromOtherPart({ clause, sentence }: Claimed, unit: EvidenceUnit): boolean {
  if (deniesAnything(clause.negation)) return false
  const { language } = unit
  const [said, topic] = [new Set(clause.terms), topicOf(clause, language)]
  if (topic === undefined) return false
  const parts = partsOf(unit.clauses())
  return [...pairsOf(parts), ...pairsOf(parts.toReversed())].some(({ own, other }) => {
    const [taken, named] = [onlyOf(own, other, language), onlyOf(other, own, language)]
    const [subject] = taken
    const countOf = (terms: readonly string[]) => terms.filter(term => isSaid(term, said)).length
    if (subject === undefined || isSaid(subject, sentence) || countOf(taken) < 2) return false
    const isMore = countOf(taken) > countOf(named) || countOf(taken) / taken.length > countOf(named) / named.length
    return isMore && isSaid(topic, new Set(named))
  })
}

function topicOf({ terms }: Clause, language: string): string | undefined {
  return terms.find(term => !isGeneric(term, language))
}

function isSaid(term: string, said: ReadonlySet<string>): boolean {
  return heldShare(term, said) > 0
}

/** Content words that a part has and the other has not, in order. */
function onlyOf({ terms }: Part, other: Part, language: string): string[] {
  const theirs = new Set(other.terms)
  return terms.filter(term => !isGeneric(term, language) && heldShare(term, theirs) === 0)
}

const knownParts = new WeakMap<readonly Clause[], readonly Part[]>()

function partsOf(clauses: readonly Clause[]): readonly Part[] {
  const known = knownParts.get(clauses)
  if (known) return known
  const parts = readParts(clauses)
  knownParts.set(clauses, parts)
  return parts
}

function readParts(clauses: readonly Clause[]): Part[] {
  return [...Map.groupBy(clauses, ({ part }) => part).values()].map(some => ({
    terms: some.flatMap(({ terms }) => terms),
    facts: some.flatMap(({ facts }) => facts),
  }))
}

/** Clauses of one part. */
function pairsWithin(clauses: readonly Clause[]): Pair[] {
  return [...Map.groupBy(clauses, ({ part }) => part).values()].flatMap(pairsOf)
}

/** Each with every later one. */
function pairsOf(parts: readonly Part[]): Pair[] {
  return parts.flatMap((own, i) => parts.slice(i + 1).map(other => ({ own, other })))
}

// Rows ----------------------------------------------------------------------------------------------------------------

/** A word or fact of another row of a table than the one that the clause names; null where there is none. */
export function takenFromOtherRow(clause: Clause, ranked: readonly UnitSupport[]): string | null {
  const rows = ranked.map(({ unit }) => unit).filter(({ header }) => header !== null)
  for (const table of Map.groupBy(rows, ({ passage, header }) => `${passage}\n${header}`).values()) {
    const named = table.filter(row => isRowNamed(row, table, clause))
    if (named.length !== 1 || table.length < 2) continue
    const [own] = named
    const taken = table.flatMap(row => (row === own ? [] : takenFrom(row, own!, clause)))
    if (taken[0] !== undefined) return taken[0]
  }
  return null
}

/** The clause has a word of the first cell that no other row has there. */
function isRowNamed(row: EvidenceUnit, table: readonly EvidenceUnit[], clause: Clause): boolean {
  const others = new Set(table.flatMap(each => (each === row ? [] : keysOf(each))))
  const said = new Set([...clause.terms, ...clause.facts.flatMap(({ keys }) => keys)])
  return keysOf(row).some(key => !others.has(key) && heldShare(key, said) > 0)
}

const rowKeys = new WeakMap<EvidenceUnit, readonly string[]>()

/** The words of the first cell. */
function keysOf(row: EvidenceUnit): readonly string[] {
  const known = rowKeys.get(row)
  if (known) return known
  const cell = row.text
    .replace(/^\s*\|/, '')
    .split('|')[0]!
    .trim()
  const read = readText(cell, row.language)
  const keys = [...contentTerms(read), ...read.facts.flatMap(fact => fact.keys), cell.toLowerCase()]
  rowKeys.set(row, keys)
  return keys
}

function takenFrom(row: EvidenceUnit, own: EvidenceUnit, { terms, facts }: Clause): string[] {
  const isOwn = (term: string) => heldShare(term, own.terms) > 0 || heldShare(term, own.above) > 0
  const named = new Set(keysOf(row))
  const words = terms.filter(
    term => !isGeneric(term, row.language) && row.terms.has(term) && !named.has(term) && !isOwn(term),
  )
  const taken = facts.filter(
    fact => holdsFact(row.facts, fact) && !holdsFact(own.facts, fact) && hasRival(own.facts, fact, facts),
  )
  return [...taken.map(({ surface }) => surface), ...words]
}
