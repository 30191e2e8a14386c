/** Checks one sentence of a model against the passages: its facts, its words, and what it denies. */
import { detectLanguage } from '../../text/language.ts'
import type { DropReason } from '../terms/run.ts'
import { calculationsIn } from './arithmetic.ts'
import { isCondition, isPurpose } from './conditions.ts'
import { isContradicted } from './contradiction.ts'
import type { Evidence } from './evidence.ts'
import type { Fact, ReadText } from './fact-terms.ts'
import { readText } from './facts.ts'
import { misplacedIn } from './misplaced.ts'
import { isAttribution, isRefusal, talksOfPassages } from './phrases.ts'
import { clausesIn, type Clause } from './sentence-clauses.ts'
import { hasStrangeRun, shareInPairs, strangeName } from './strange.ts'
import { heldShare, holdsFact, supportsOf, type Supports, type UnitSupport } from './support.ts'
import { unheldFact, type Fault } from './unheld.ts'

export type Strictness = 'strict' | 'standard'

/** What became of a sentence. */
export interface Verdict {
  readonly kind: 'supported' | 'unsupported' | 'refusal'
  readonly reason?: DropReason
  /** What is wrong with it, as written: the number, the name, the clause. */
  readonly detail?: string
  /** Positions of the passages that support it, from 0, the best first. */
  readonly passages: readonly number[]
  /** Share of its words that its passages cover, 0…1. */
  readonly coverage: number
  /** The words do not decide: the passages are in another language, or cover only some of them. */
  readonly isDoubtful?: true
  /** The passages are in another language: a marker of the model cannot be checked. */
  readonly isOtherLanguage?: true
}

export interface SentenceCheck {
  readonly sentence: string
  /** What introduces the list that it is an item of. */
  readonly introduction?: string | undefined
  /** Language of the answer. */
  readonly language: string
  readonly strictness: Strictness
}

const limits = {
  standard: { sentence: 0.36, clause: 0.3, doubtful: 0.6 },
  strict: { sentence: 0.55, clause: 0.45, doubtful: 0.8 },
} as const

/** Judges a sentence by itself; repetition and order are judged by the caller. */
export function checkSentence(
  { sentence, introduction, language, strictness }: SentenceCheck,
  evidence: Evidence,
): Verdict {
  const read = readText(sentence, language)
  const factFault = unheldFact(read, evidence)
  const readings = evidence.languages.map(each => (each === read.language ? read : readText(sentence, each)))
  const best = readings
    .map(reading => judgeReading(reading, { strictness, introduction, evidence }))
    .sort((a, b) => rank(b) - rank(a))[0]
  const judged = best ?? { kind: 'unsupported', reason: 'words', passages: [], coverage: 0 }
  if (factFault === undefined && judged.coverage < surelySame && isInOtherLanguage(sentence, language, evidence))
    return isRefusal(sentence) ? { ...judged, kind: 'refusal' } : inOtherLanguage(read, strictness, evidence)
  if (isRefusal(sentence) && judged.coverage < refusalCoverage)
    return { ...judged, kind: factFault ? 'unsupported' : 'refusal' }
  if (factFault) return { ...judged, kind: 'unsupported', ...factFault }
  if (isQuestion(sentence)) return { ...judged, kind: 'unsupported', reason: 'question' }
  if (talksOfPassages(sentence) && judged.coverage < refusalCoverage)
    return { ...judged, kind: 'unsupported', reason: 'passages' }
  return judged
}

/** From this coverage on, the sentence is in the language of the passages, whatever it looks like. */
const surelySame = 0.8

/** The passages are in other languages than the answer, so their words cannot cover its own. */
function isInOtherLanguage(sentence: string, language: string, { languages }: Evidence): boolean {
  if (languages.length === 0 || languages.includes(language)) return false
  return !languages.includes(detectLanguage(sentence, { among: [language, ...languages] }))
}

/** Facts alone decide, and a checker where there is one. */
function inOtherLanguage(read: ReadText, strictness: Strictness, { units }: Evidence): Verdict {
  if (strictness === 'strict')
    return { kind: 'unsupported', reason: 'language', detail: read.text, passages: [], coverage: 0 }
  const facts = read.facts.filter(({ isSoft }) => !isSoft)
  const counts = new Map<number, number>()
  for (const { facts: held, passage } of units)
    for (const fact of facts) if (holdsFact(held, fact)) counts.set(passage, (counts.get(passage) ?? 0) + 1)
  const passages = [...counts].sort((a, b) => b[1] - a[1]).map(([passage]) => passage)
  return { kind: 'supported', passages, coverage: 0, isDoubtful: true, isOtherLanguage: true }
}

/** It asks, or repeats the prompt: "Question: …". */
function isQuestion(sentence: string): boolean {
  return /[?？]["”’»)*\s]*$/u.test(sentence) || /^(?:question|вопрос|сұрақ|câu hỏi|domanda)\s*:/iu.test(sentence)
}

/** A sentence that the passages cover so well is theirs, even if it reads like a refusal. */
const refusalCoverage = 0.7

function rank({ kind, coverage }: Verdict): number {
  return (kind === 'supported' ? 1 : 0) + coverage
}

interface Judging {
  readonly strictness: Strictness
  readonly introduction: string | undefined
  readonly evidence: Evidence
}

function judgeReading(read: ReadText, { strictness, introduction, evidence }: Judging): Verdict {
  const results = new Set(calculationsIn(read).map(({ result }) => result))
  const isStated = (fact: Fact) => fact.isSoft || !fact.amounts.some(({ value }) => results.has(value))
  const clauses = claimsOf(clausesIn(read)).map(clause => withFacts(clause, clause.facts.filter(isStated)))
  const stranger = strangeName(read, evidence)
  const limit = limits[strictness]
  const whole = supportsOf(
    { terms: clauses.flatMap(each => each.terms), facts: clauses.flatMap(each => each.facts) },
    read.language,
    evidence,
  )
  const parts = clauses.map(clause => ({ clause, supports: supportsOf(clause, read.language, evidence) }))
  const coverage = coverageOf(whole, parts)
  const passages = passagesOf(whole, parts)
  const fault =
    coverage < limit.sentence
      ? { reason: 'words' as const, detail: read.text }
      : (stranger ??
        parts
          .map(part =>
            clauseFault(part, {
              read,
              introduction,
              clauses,
              whole: parts.length > 1 ? whole.ranked[0] : undefined,
              limit: limit.clause,
              evidence,
            }),
          )
          .find(each => each !== null))
  if (fault) return { kind: 'unsupported', ...fault, passages, coverage }
  return { kind: 'supported', passages, coverage, ...(coverage < limit.doubtful && { isDoubtful: true }) }
}

/** What was worked out need not be in any unit. */
function withFacts(clause: Clause, facts: readonly Fact[]): Clause {
  return facts.length === clause.facts.length ? clause : { ...clause, facts }
}

/** Without a clause at the beginning that only says where the rest stands. */
function claimsOf(clauses: readonly Clause[]): readonly Clause[] {
  const [first, ...rest] = clauses
  const isSource = first !== undefined && rest.length > 0 && first.facts.length === 0 && isAttribution(first.text)
  return isSource ? rest : clauses
}

interface Part {
  readonly clause: Clause
  readonly supports: Supports
}

/** A sentence may rest on one unit, or each of its clauses on another. */
function coverageOf(whole: Supports, parts: readonly Part[]): number {
  const total = parts.reduce((sum, { supports }) => sum + supports.weight, 0)
  const byParts = parts.reduce((sum, { supports }) => sum + supports.weight * (supports.ranked[0]?.coverage ?? 0), 0)
  return Math.max(whole.ranked[0]?.coverage ?? 0, total === 0 ? 0 : byParts / total)
}

/** A passage supports a sentence with this share of what the best one covers. */
const supportShare = 0.75

function passagesOf(whole: Supports, parts: readonly Part[]): number[] {
  const best = whole.ranked[0]?.coverage ?? 0
  const scores = new Map<number, number>()
  const add = (passage: number, score: number) => scores.set(passage, Math.max(scores.get(passage) ?? 0, score))
  for (const { unit, coverage } of whole.ranked) if (coverage >= supportShare * best) add(unit.passage, coverage)
  for (const { supports } of parts) {
    const first = supports.ranked[0]
    if (first && first.coverage > 0.5) add(first.unit.passage, first.coverage / 2)
  }
  return [...scores].sort((a, b) => b[1] - a[1]).map(([passage]) => passage)
}

interface Around {
  readonly read: ReadText
  readonly introduction: string | undefined
  readonly clauses: readonly Clause[]
  /** What supports the whole sentence best; undefined where that is the clause. */
  readonly whole: UnitSupport | undefined
  readonly limit: number
  readonly evidence: Evidence
}

/** "To create an order, …", "If it is lost, …": it repeats what was asked, and claims nothing. */
function isIntroductory({ text, terms, facts }: Clause, language: string, evidence: Evidence): boolean {
  if (facts.length > 0 || !(isCondition(text, language) || isPurpose(text, language))) return false
  return terms.some(term => heldShare(term, evidence.terms) > 0)
}

function isInvented(
  clause: Clause,
  language: string,
  { limit, evidence }: Pick<Around, 'limit' | 'evidence'>,
): boolean {
  if (hasStrangeRun(clause, language, evidence)) return true
  return clause.terms.length >= 3 && shareInPairs(clause, language, evidence) < limit
}

function clauseFault(
  { clause, supports }: Part,
  { read, introduction, clauses, whole, limit, evidence }: Around,
): Fault | null {
  const { ranked, anywhere } = supports
  const best = ranked[0]
  if (supports.weight === 0) return null
  if (clauses.length > 1 && clause === clauses[0] && isIntroductory(clause, read.language, evidence)) return null
  const isStrange = clause.terms.length >= 2 && Math.max(best?.coverage ?? 0, 0.7 * anywhere) < limit
  if (isStrange || isInvented(clause, read.language, { limit, evidence }))
    return { reason: 'clause', detail: clause.text }
  if (best === undefined) return null
  const around = clauses.filter(each => each !== clause && each.facts.length === 0)
  const wordsOf = (some: readonly Clause[]) => new Set(some.flatMap(({ terms }) => terms))
  const claimed = { clause, words: wordsOf([clause, ...around]), sentence: wordsOf(clauses), facts: read.facts }
  const misplaced = misplacedIn(claimed, ranked, whole)
  if (misplaced !== null) return { reason: 'elsewhere', detail: misplaced }
  return isContradicted(clause, { sentence: read.text, introduction, language: read.language }, ranked)
    ? { reason: 'negation', detail: clause.text }
    : null
}
