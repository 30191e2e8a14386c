import { clausesOf } from '../../ask/generation/clauses.ts'
import { checkSentence } from '../../ask/grounding/check.ts'
import { createEvidence } from '../../ask/grounding/evidence.ts'
import type { Passage } from '../../ask/terms/passage.ts'
import { detectLanguage } from '../../text/language.ts'
import { meanOf, type Estimate } from '../intervals.ts'
import { mean } from '../metrics.ts'
import type { Reply } from './terms.ts'

export interface CitationFigures {
  /** Share of the statements that the passages they cite support, per answer. */
  readonly recall: Estimate
  /** Share of the citations that are of use, per answer. */
  readonly precision: Estimate
}

/** How a text is checked against the passages cited for it; false when there are none. */
export type Supports = (statement: string, texts: readonly string[]) => boolean

/**
 * Citation recall and precision as ALCE defines them (Gao et al. 2023), with the check of drafts in place of an NLI model:
 * a statement counts if the passages that it cites support it together. A citation counts if its statement does, and
 * unless it does not support the statement alone and the others do without it.
 */
export function citationFigures(replies: readonly Reply[], supports: Supports = supportedByWords): CitationFigures {
  const answered = replies.filter(({ abstained }) => !abstained).map(reply => statementsOf(reply, supports))
  const perAnswer = (valuesOf: (statements: readonly Statement[]) => readonly boolean[]) =>
    meanOf(answered.map(valuesOf).flatMap(values => (values.length === 0 ? [] : [mean(values.map(Number))])))
  return {
    recall: perAnswer(statements => statements.map(({ isSupported }) => isSupported)),
    precision: perAnswer(statements => statements.flatMap(({ areOfUse }) => areOfUse)),
  }
}

interface Statement {
  readonly isSupported: boolean
  /** Of each citation. */
  readonly areOfUse: readonly boolean[]
}

function statementsOf({ text, language, citations }: Reply, supports: Supports): Statement[] {
  return clausesOf(text, language).map(clause => {
    const cited = [...new Set(clause.numbers)].map(
      number => citations.find(({ index }) => index === number)?.text ?? null,
    )
    const texts = cited.filter(each => each !== null)
    const isSupported = texts.length > 0 && supports(clause.text, texts)
    const isOfUse = (own: string | null) => {
      if (!isSupported || own === null) return false
      const others = texts.filter(each => each !== own)
      return supports(clause.text, [own]) || others.length === 0 || !supports(clause.text, others)
    }
    return { isSupported, areOfUse: cited.map(isOfUse) }
  })
}

function supportedByWords(statement: string, texts: readonly string[]): boolean {
  const passages = texts.map(passageOf)
  const [language = 'und'] = passages.map(passage => passage.language)
  const check = { sentence: statement, language, strictness: 'standard' } as const
  return checkSentence(check, createEvidence(passages, '')).kind === 'supported'
}

/** A passage of which only the text counts. */
function passageOf(text: string, index: number): Passage {
  const scores = { lexical: null, lexicalRank: null, vector: null, vectorRank: null, fused: 0, coverage: 0 }
  const place = { source: '', title: '', url: null, page: null, start: 0, end: text.length, metadata: {}, windows: [] }
  return { chunkId: String(index), documentId: '', version: 0, language: detectLanguage(text), text, scores, ...place }
}
