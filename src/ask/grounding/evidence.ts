/** What the shown passages hold, prepared once per question: their units with words, facts and negations. */
import { memoized } from '../../text/memoized.ts'
import { unitsOf } from '../../text/units.ts'
import { placeAt } from '../generation/places.ts'
import { tableRowsOf } from '../generation/table-rows.ts'
import type { Passage } from '../terms/passage.ts'
import { contentTerms } from './content.ts'
import type { Fact, ReadText } from './fact-terms.ts'
import { readText } from './facts.ts'
import { createHoldings, type Holdings, type HoldingSource } from './holdings.ts'
import { clausesIn, type Clause } from './sentence-clauses.ts'

/** A sentence, list item, row or block of code of a passage. */
export interface EvidenceUnit {
  readonly id: number
  /** Position of its passage, from 0. */
  readonly passage: number
  /** Passage and headings. */
  readonly section: string
  readonly text: string
  readonly language: string
  readonly kind: 'sentence' | 'item' | 'row' | 'code'
  readonly terms: Terms
  readonly facts: readonly Fact[]
  /** Its words, folded. */
  readonly parts: Terms
  readonly aroundParts: Terms
  /** Headings, the header of a table, what introduces a list, the sentences next to it. */
  readonly around: Terms
  /** Headings, the header of a table, what introduces a list. */
  readonly above: Terms
  readonly aroundFacts: readonly Fact[]
  /** Read when they are first compared. */
  readonly clauses: () => readonly Clause[]
  /** Of the table that it is a row of; null for the header itself and for all that is no row. */
  readonly header: string | null
}

export type Terms = ReadonlySet<string>

export interface Evidence {
  readonly units: readonly EvidenceUnit[]
  readonly languages: readonly string[]
  /** What stands anywhere in the passages. */
  readonly holdings: Holdings
  /** What the question has. */
  readonly asked: Holdings
  readonly askedTerms: Terms
  /** Weight of a term: rare ones of the passages say more. 0…1. */
  readonly weightOf: (term: string) => number
  /** Terms of all units. */
  readonly terms: Terms
  /** Words that stand next to each other, folded; read when first asked for. */
  readonly pairs: () => ReadonlySet<string>
}

const itemStart = /^(?:[-*+•·▪◦–—]|\(?\d{1,3}[.)]|\(?\p{L}\))\s/u

/** Prepares the passages, in the order in which they are numbered from 1. */
export function createEvidence(passages: readonly Passage[], question: string): Evidence {
  const units: EvidenceUnit[] = []
  for (const [index, passage] of passages.entries()) addUnits(units, passage, index)
  const languages = [...new Set(passages.map(({ language }) => language))]
  const titles = passages.map(({ title, language }) => readText(title, language))
  const asked = languages.map(language => readText(question, language))
  const frequencies = new Map<string, number>()
  for (const { terms } of units) for (const term of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1)
  const most = Math.log(1 + units.length)
  let pairs: ReadonlySet<string> | undefined
  return {
    units,
    languages,
    holdings: createHoldings([...units, ...titles.map(textOf)]),
    asked: createHoldings(asked.map(textOf)),
    askedTerms: new Set(asked.flatMap(read => [...contentTerms(read)])),
    weightOf: term => {
      const frequency = frequencies.get(term)
      return frequency === undefined || most === 0 ? 1 : Math.max(0.25, Math.log(1 + units.length / frequency) / most)
    },
    pairs: () => (pairs ??= pairsIn(passages)),
    terms: new Set([...frequencies.keys(), ...titles.flatMap(read => [...contentTerms(read)])]),
  }
}

function pairsIn(passages: readonly Passage[]): ReadonlySet<string> {
  const pairs = new Set<string>()
  for (const { text, title, language } of passages) {
    const words = readText(`${title}\n${text}`, language).words.map(({ word }) => word.parts.join(' '))
    for (const [i, word] of words.entries()) if (i > 0) pairs.add(`${words[i - 1]} ${word}`)
  }
  return pairs
}

function textOf(read: ReadText): HoldingSource & { readonly terms: Terms } {
  return { text: read.text, facts: read.facts, terms: contentTerms(read), parts: partsOf(read) }
}

function partsOf({ words }: ReadText): Terms {
  return new Set(words.flatMap(({ word }) => word.parts))
}

type Draft = Omit<EvidenceUnit, 'around' | 'above' | 'aroundFacts' | 'aroundParts'>

function addUnits(units: EvidenceUnit[], passage: Passage, index: number): void {
  const { text, language } = passage
  const found = unitsOf(text, { start: 0, end: text.length }, language)
  const rows = tableRowsOf(text, found, passage.tableHeader ?? null)
  const titleOf = memoized((title: string) => textOf(readText(title, language)))
  const headerOf = memoized((header: string) => textOf(readText(header, language)))
  const drafts = found.map((unit, i): Draft => {
    const own = text.slice(unit.start, unit.end)
    const read = readText(own, language)
    let clauses: readonly Clause[] | undefined
    // Most units are compared with no clause.
    const clausesOf = () => (clauses ??= clausesIn(read))
    const { title } = placeAt(passage, unit.start)
    return {
      id: units.length + i,
      passage: index,
      section: `${index}\n${title}`,
      text: own,
      language,
      kind: unit.kind === 'code' ? 'code' : unit.kind === 'row' ? 'row' : itemStart.test(own) ? 'item' : 'sentence',
      terms: contentTerms(read),
      facts: read.facts,
      parts: partsOf(read),
      clauses: clausesOf,
      header: rows[i]?.header ?? null,
    }
  })
  for (const [i, draft] of drafts.entries()) {
    const { header } = draft
    const near = neighbours(drafts, i)
    const above: Pick<Draft, 'terms' | 'facts' | 'parts'>[] = [
      titleOf(placeAt(passage, found[i]!.start).title),
      ...(header === null ? [] : [headerOf(header)]),
      ...(draft.kind === 'sentence' ? [] : near),
    ]
    const parts = [...above, ...near]
    units.push({
      ...draft,
      above: new Set(above.flatMap(({ terms }) => [...terms])),
      around: new Set(parts.flatMap(({ terms }) => [...terms])),
      aroundParts: new Set(parts.flatMap(each => [...each.parts])),
      aroundFacts: parts.flatMap(({ facts }) => facts),
    })
  }
}

/** What a unit is read with: sentences with those next to them, an item with what introduces its list. */
function neighbours(drafts: readonly Draft[], index: number): readonly Draft[] {
  const { kind, section } = drafts[index]!
  if (kind === 'row') return []
  if (kind === 'sentence') {
    return [drafts[index - 1], drafts[index + 1], drafts[index - 2]].filter(
      each => each !== undefined && each.section === section && each.kind === 'sentence',
    ) as Draft[]
  }
  for (let i = index - 1; i >= 0 && drafts[i]!.section === section; i--)
    if (drafts[i]!.kind === 'sentence') return [drafts[i]!]
  return []
}
