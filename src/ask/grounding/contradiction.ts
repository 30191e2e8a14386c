import { contentOf } from './content.ts'
import type { EvidenceUnit } from './evidence.ts'
import { readText } from './facts.ts'
import { boundsOf } from './bounds.ts'
import { exceptionIn, isCondition, withoutIn } from './conditions.ts'
import { deniedWords, deniesAnything, mayAgree, negationOf, saysFree, type Negation } from './negation.ts'
import { haveOpposites, oppositesIn } from './opposites.ts'
import { isGeneric } from './generic-words.ts'
import type { Clause } from './sentence-clauses.ts'
import { heldShare, holdsFact, type UnitSupport } from './support.ts'

/** A unit says the same with this share of what the best one covers. */
const alike = 0.85
/** Below this, the unit says something else, and its negations do not count. */
const clearly = 0.5

/** Whether every unit that says the same as a clause denies it, or denies nothing where the clause does. */
export function isContradicted(clause: Clause, said: Said, ranked: readonly UnitSupport[]): boolean {
  const best = ranked[0]
  if (best === undefined || best.coverage < clearly) return false
  // "Not 30 days" denies nothing of a unit that says 25.
  if (clause.negation.isPlain && best.missingFacts.length > 0) return false
  const isWhole = clause.text.length >= 0.8 * said.sentence.length
  const isFree = isWhole && saysFree(clause.text, said.language)
  if (isFree && !ranked.some(({ unit }) => saysFree(unit.text, unit.language))) return true
  const mostOwn = Math.max(...ranked.map(({ ownCoverage }) => ownCoverage))
  const same = ranked.filter(
    ({ coverage, ownCoverage }) =>
      coverage >= alike * best.coverage && ownCoverage >= alike * Math.min(mostOwn, best.ownCoverage),
  )
  return !same.some(({ unit }) => agrees(clause, said, unit))
}

export interface Said {
  /** The whole sentence. */
  readonly sentence: string
  /** Of the list that it is an item of. */
  readonly introduction?: string | undefined
  readonly language: string
}

function agrees(clause: Clause, said: Said, unit: EvidenceUnit): boolean {
  const { language } = said
  const like = clauseLike(clause, unit)
  // What is only supposed claims nothing, unless the unit supposes it, too.
  if (isCondition(clause.text, language) && !isCondition(textOf(like, unit), language)) return true
  if (!denySame(clause, like ?? deniedIn(unit)) || !boundSame(clause, textOf(like, unit), language)) return false
  if (like && takesFromDenial(clause, like, unit)) return false
  if (isException(clause, unit, language) || differInWithout(clause, unit, language)) return false
  return agreeByOpposites(clause, like, unit, language) ?? agreeByNegation(clause, like, unit, said)
}

function textOf(like: Clause | undefined, unit: EvidenceUnit): string {
  return like?.text ?? unit.text
}

/** Null where they have no opposites. */
function agreeByOpposites(
  clause: Clause,
  like: Clause | undefined,
  unit: EvidenceUnit,
  language: string,
): boolean | null {
  // "Open until 21:00" and "closes at 21:00" agree.
  if (clause.facts.some(({ kind, wider }) => kind === 'time' || wider.length > 0)) return null
  const opposites = oppositesIn(clause.text, textOf(like, unit), language)
  return opposites === null ? null : opposites === 'agree' || exceptionIn(unit.text) !== null
}

function agreeByNegation(
  clause: Clause,
  like: Clause | undefined,
  unit: EvidenceUnit,
  { sentence, introduction, language }: Said,
): boolean {
  const whole = negationOf(unit.text, unit.language)
  const said = like?.negation ?? negationOfTouched(clause, unit)
  if (mayAgree(clause.negation, said) || denyWhatIsNotSaid(clause, like ?? unit, language)) return true
  // "These may not be sent:" before a list denies each of its items.
  if (introduction !== undefined && mayAgree(negationOf(introduction, language), said)) return true
  // A negation of its own is of this clause alone.
  if (clause.negation.isPlain && like && !deniesAnything(like.negation)) return false
  // The negation may stand in another clause of both: "If it is opened, no refund is made."
  const isPart = clause.text.length < 0.8 * sentence.length
  return isPart && mayAgree(negationOf(sentence, language), whole) && deniesAnything(whole)
}

/** The clause of a unit that shares most with this one; undefined when what is shared is spread over the unit. */
function clauseLike(clause: Clause, unit: EvidenceUnit): Clause | undefined {
  const terms = new Set(clause.terms)
  const shared = unit
    .clauses()
    .map(each => each.terms.filter(term => heldShare(term, terms) > 0).length + factsShared(each, clause))
  const most = Math.max(0, ...shared)
  const total = shared.reduce((sum, each) => sum + each, 0)
  return most >= 0.6 * total && most > 0 ? unit.clauses()[shared.indexOf(most)] : undefined
}

/**
 * "Whoever does not pay is fined" and "the fine is 50 euros": only one has a negation, and the other does not say what it
 * denies.
 */
function denyWhatIsNotSaid(
  clause: Clause,
  said: Pick<Clause, 'text'> & { readonly terms: Iterable<string> },
  language: string,
): boolean {
  const isSaidBy = (terms: Iterable<string>, denied: readonly string[]) =>
    denied.some(term => heldShare(term, new Set(terms)) > 0)
  if (clause.negation.isPlain) {
    const denied = deniedAfter(clause.text, language)
    return denied.length > 0 && !isSaidBy(said.terms, denied)
  }
  const denied = deniedAfter(said.text, language)
  return denied.length > 0 && !isSaidBy(clause.terms, denied)
}

/** The content words after each negation of a text: two, or the verb that it is a part of. */
function deniedAfter(text: string, language: string): string[] {
  const read = readText(text, language)
  const folded = read.words.map(({ word }) => word.parts.at(-1) ?? '')
  const byEnding = deniedWords(folded, language)
  return read.words.flatMap(({ word }, index) => {
    // A verb comes after what it denies, and its stem hides the ending.
    if (byEnding.has(index)) {
      const before = read.words.slice(0, index).flatMap(each => contentOf(each.word, language))
      return [...before.slice(-2), ...contentOf(word, language)]
    }
    if (!negationOf(read.words[index]!.surface, language).isPlain) return []
    const next = read.words.slice(index + 1).flatMap(each => contentOf(each.word, language))
    return next.slice(0, 2)
  })
}

/** What the clauses deny that share something with this one. */
function negationOfTouched(clause: Clause, unit: EvidenceUnit): Negation {
  const terms = new Set(clause.terms)
  const touched = unit
    .clauses()
    .filter(each => each.terms.some(term => heldShare(term, terms) > 0) || factsShared(each, clause) > 0)
  if (touched.length === 0) return negationOf(unit.text, unit.language)
  return {
    isPlain: touched.some(({ negation }) => negation.isPlain),
    implied: new Set(touched.flatMap(({ negation }) => [...negation.implied])),
  }
}

/** "Open daily except Wednesdays": what is said of Wednesdays must deny something. */
function isException(clause: Clause, unit: EvidenceUnit, language: string): boolean {
  if (deniesAnything(clause.negation) || haveOpposites(clause.text, unit.text, unit.language)) return false
  const exception = exceptionIn(unit.text)
  if (exception === null) return false
  const { words, facts, terms } = exceptedIn(exception, language)
  if (words === 0) return false
  const said = new Set(clause.terms)
  return facts.every(fact => holdsFact(clause.facts, fact)) && terms.every(term => heldShare(term, said) > 0)
}

/** "With gloves only" and "without gloves"; "without adding oil" and "adding oil". */
function differInWithout(clause: Clause, unit: EvidenceUnit, language: string): boolean {
  const [own, theirs] = [clause.text, unit.text].map(text => {
    const lacking = withoutIn(text)
    return lacking === null ? null : exceptedIn(lacking, language).terms.slice(0, 2)
  })
  if (own?.[0] !== undefined && !theirs)
    return heldShare(own[0], unit.terms) > 0 && !negationOf(unit.text, language).isPlain
  const isDoubled = negationOf(unit.text, language).isPlain
  if (own || theirs?.[1] === undefined || isDoubled || deniesAnything(clause.negation)) return false
  return theirs.every(term => heldShare(term, new Set(clause.terms)) > 0)
}

/** The facts and content words of what is made an exception of. */
function exceptedIn(text: string, language: string) {
  const { facts, words } = readText(text, language)
  const days = facts.filter(({ kind, isSoft }) => kind === 'date' && !isSoft)
  const inDays = new Set(days.flatMap(({ first, last }) => words.slice(first, last + 1)))
  const terms = words.filter(each => !inDays.has(each)).flatMap(({ word }) => contentOf(word, language))
  return { words: terms.length + days.length, facts: days, terms }
}

function factsShared(a: Clause, b: Clause): number {
  return a.facts.filter(fact => holdsFact(b.facts, fact)).length
}

/**
 * "Guests must leave before 21:00 and may not stay overnight": "guests may stay overnight" has the subject of the first
 * clause, but says what the second denies.
 */
function takesFromDenial(clause: Clause, like: Clause, { clauses, language }: EvidenceUnit): boolean {
  if (deniesAnything(clause.negation) || deniesAnything(like.negation)) return false
  const said = new Set(clause.terms)
  const lacking =
    like.terms.filter(term => heldShare(term, said) === 0).length + like.facts.length - factsShared(like, clause)
  if (lacking === 0) return false
  return clauses().some(
    other =>
      other.negation.isPlain &&
      other.terms.some(term => !like.terms.includes(term) && said.has(term) && !isGeneric(term, language)),
  )
}

function deniedIn({ terms, clauses }: EvidenceUnit) {
  return { terms, denied: new Set(clauses().flatMap(({ denied }) => [...denied])) }
}

/** Where words deny by their endings, each that both have must do so in both. */
function denySame(clause: Clause, said: Pick<Clause, 'denied'> & { readonly terms: Iterable<string> }): boolean {
  if (clause.denied.size === 0 && said.denied.size === 0) return true
  // "Not without a certificate" is "only with a certificate".
  if (clause.denied.size > 0 && clause.negation.implied.size > 0) return true
  const terms = new Set(said.terms)
  return clause.terms.every(term => !terms.has(term) || clause.denied.has(term) === said.denied.has(term))
}

/** "No more than five" is not "more than five", nor "at least five". */
function boundSame(clause: Clause, said: string, language: string): boolean {
  if (!clause.facts.some(({ kind }) => kind === 'number')) return true
  const [own, other] = [boundsOf(clause.text, language), boundsOf(said, language)]
  const opposes = (a: typeof own, b: typeof own) =>
    (a.has('over') && b.has('most') && !b.has('over') && !a.has('most')) ||
    (a.has('least') && b.has('most') && !a.has('most') && !b.has('least'))
  return !opposes(own, other) && !opposes(other, own)
}
