import { candidatesFor, type SelectSteps } from './select.ts'
import type { SimilarityRange } from '../calibration/terms.ts'
import type { Embedded } from './embed.ts'
import { always, isDoubtful, type Gate } from '../abstention/gate.ts'
import { bestEffort } from '../best-effort.ts'
import type { Retrieved, Wanted } from './retrieve.ts'
import type { Rewrites } from './rewrite.ts'
import type { Stage } from '../stage.ts'
import { inOwnLetters, type KnownTerms } from './respell.ts'
import type { Degraded } from '../terms/answer.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Evidence, Judgement, SearchResult } from '../terms/evidence.ts'
import type { Arm } from '../terms/passage.ts'
import type { Question } from '../terms/question.ts'
import type { Run } from '../terms/run.ts'
import { addUsage, noUsage, type Usage } from '../terms/usage.ts'
import { analyzeText, analyzeQuestion, readBy } from './analyze-question.ts'
import type { AnalyzedQuestion } from '../terms/question.ts'

export interface FindSteps extends SelectSteps {
  readonly embed: Stage<AnalyzedQuestion, Embedded>
  readonly retrieve: Stage<Wanted, Retrieved>
  readonly knownTerms: KnownTerms
  /** Null when no language model is configured. */
  readonly rewrite: Rewrites | null
  /** Weight of the dense retriever for questions in this language, 0…1. */
  readonly vectorWeight: (language: string, collection: AskedCollection) => number
  /** Whether the documents answer the question. */
  readonly gate: Gate
}

export interface FindRequest {
  readonly question: Question
  readonly collection: AskedCollection
  /** Both retrievers, fused, when absent. */
  readonly arm?: Arm
}

/**
 * Finds passages for a question: at most one embedding and one search, and a second search where the mode allows it.
 */
export async function findPassages(
  steps: FindSteps,
  { question: typed, collection, arm = 'fused' }: FindRequest,
  run: Run,
): Promise<SearchResult> {
  const question = await inOwnLetters(steps.knownTerms, typed, collection, run)
  const { asked, isReworded, usage, degraded: missing } = await selfContained(steps, question, collection, run)
  const isRewritten = usage.llmCalls > 0
  run.explain?.({ asked, isRewritten: isReworded })
  if (asked.terms.length === 0) return result(nothingFound(), isRewritten, usage, missing)
  const first = await find(asked)
  if (!isDoubtful(first.judged) || question.mode === 'fast' || !steps.rewrite)
    return result(first, isRewritten, usage, missing)

  // Perhaps nothing relevant: the documents may say it in other words.
  const { rephrase } = steps.rewrite
  const other = await bestEffort({ texts: [], ...unknownSpending }, run, bounded => rephrase(asked, bounded))
  const others = await Promise.all(other.texts.map(text => find(analyzeText(text, asked.language, asked.readAs))))
  const best = others.reduce((a, b) => (b.judged.confidence > a.judged.confidence ? b : a), first)
  run.explain?.({ wordings: other.texts, usedWording: other.texts[others.indexOf(best)] ?? null })
  const isOvertaken = [first, ...others].some(each => each.isOvertaken)
  const { readings } = first
  return result({ ...best, isOvertaken, readings }, true, addUsage(usage, other.usage), [...missing, ...other.degraded])

  async function find(words: AnalyzedQuestion): Promise<SearchRound> {
    const weight = weightOf(words.language)
    const { vector, degraded } = weight > 0 ? await embed(words) : withoutVector()
    const { filters } = question
    const topK = arm === 'fused' ? candidatesFor(steps, question) : question.topK
    const retrieved = await steps.retrieve(
      { asked: words, vector, vectorWeight: weight, arm, collection, filters, topK },
      run,
    )
    const { passages, similarities: candidates, similarity, readings } = retrieved
    const evidence = { asked: readBy(words, readings), passages, candidates, similarity, collection }
    return { ...retrieved, degraded, evidence, judged: steps.gate.ofPassages(evidence) }
  }

  /** A retriever that is measured alone is used even where fusion would give it no weight. */
  function weightOf(language: string): number {
    if (collection.modelId === null || arm === 'lexical') return 0
    return arm === 'vector' ? 1 : steps.vectorWeight(language, collection)
  }

  /** Not degraded where no vectors were to be used. */
  function withoutVector(): Embedded {
    return { vector: null, degraded: collection.hasOtherVectors && arm !== 'lexical' ? ['embeddings'] : [] }
  }

  async function embed(words: AnalyzedQuestion): Promise<Embedded> {
    return await bestEffort({ vector: null, degraded: ['embeddings'] }, run, bounded => steps.embed(words, bounded))
  }

  /** For a question without a letter or digit: a model would only invent an answer. */
  function nothingFound(): SearchRound {
    const evidence = { asked, passages: [], candidates: null, similarity: unmeasured, collection }
    return {
      passages: [],
      evidence,
      judged: { ...steps.gate.ofPassages(evidence), thresholds: always },
      candidateCount: 0,
      vectorShare: null,
      degraded: [],
      isOvertaken: false,
      readings: [],
    }
  }

  function result(
    { passages, evidence, judged, candidateCount, vectorShare, degraded, isOvertaken, readings }: SearchRound,
    isSmart: boolean,
    spent: Usage,
    missing: readonly Degraded[],
  ): SearchResult {
    const read = readBy(asked, readings)
    // A language model may say itself that it finds nothing; quotations cannot.
    const nearBelow = judged.thresholds[steps.rewrite ? 'hopeless' : 'doubtful']
    run.explain?.({ asked: read, fused: passages, judgedPassages: judged, nearBelow, candidateCount, vectorShare })
    return {
      asked: read,
      passages,
      isRelevant: judged.confidence >= nearBelow,
      evidence,
      judged,
      mode: isSmart ? 'smart' : 'fast',
      usage: spent,
      degraded: [...new Set([...missing, ...degraded])],
      isOvertaken,
    }
  }
}

/** No vectors were compared. */
const unmeasured: SimilarityRange = { unrelated: 0, related: 1, span: 1 }

interface SearchRound extends Omit<Retrieved, 'similarities' | 'similarity'> {
  readonly degraded: readonly Degraded[]
  readonly evidence: Evidence
  readonly judged: Judgement
}

/**
 * Rewrites a follow-up into a self-contained question when a model is allowed; otherwise it borrows the words of the
 * conversation that it leans on.
 */
async function selfContained(steps: FindSteps, question: Question, collection: AskedCollection, run: Run) {
  const asked = analyzeQuestion(question, collection)
  if (question.history.length === 0 || question.mode === 'fast' || !steps.rewrite)
    return { asked, isReworded: false, usage: noUsage, degraded: [] }
  const { condense } = steps.rewrite
  const { text, ...spending } = await bestEffort({ text: null, ...unknownSpending }, run, bounded =>
    condense(question, bounded),
  )
  const isReworded = text !== null && text !== question.text
  return { asked: text === null ? asked : analyzeText(text, asked.language, asked.readAs), isReworded, ...spending }
}

/** A call was made, but its token usage is unknown. */
const unknownSpending = { usage: { ...noUsage, llmCalls: 1 }, degraded: [] } as const
