import type { Answer, Degraded } from '../../ask/terms/answer.ts'
import type { CacheNote } from '../../ask/terms/caching.ts'
import type { AskedCollection } from '../../ask/terms/collection.ts'
import type { Passage } from '../../ask/terms/passage.ts'
import type { QueryTerm } from '../../ask/terms/question.ts'
import type { Explanation, GroundingNote } from '../../ask/terms/run.ts'
import { calibrationNote } from './calibration.ts'
import { round, roundOrNull, scoresJson } from './scores.ts'

/** What an explanation needs from the reply that it belongs to. */
interface Explained {
  readonly degraded: readonly Degraded[]
  readonly timings: Readonly<Record<string, number>>
  /** Absent for a search. */
  readonly answer?: Answer
}

export type ExplanationJson = ReturnType<typeof explanationJson>

/** `include: ["explain"]`: why an answer, or a search result, is what it is. Without texts of passages and prompts. */
export function explanationJson(explanation: Partial<Explanation>, { degraded, timings, answer }: Explained) {
  const { collection, cacheKey } = explanation
  // A run that searched may still have been answered from the cache, after the model or the database failed.
  const own = answer === undefined || isOwn(answer.cache) ? explanation : {}
  return {
    collection: collection ? collectionJson(collection, own.asked?.language) : null,
    cache: answer ? cacheJson(answer.cache, cacheKey) : null,
    question: questionJson(own),
    abstained_because: answer?.abstained ? reasonOf(answer, own) : null,
    grounding: own.grounding ? groundingJson(own.grounding) : null,
    ...judgementJson(own, answer === undefined),
    vector_share: roundOrNull(own.vectorShare ?? null),
    candidates: own.candidateCount ?? null,
    passages: own.fused?.map((passage, index) => candidateJson(passage, index, own)) ?? null,
    degraded,
    timings_ms: timings,
  }
}

function groundingJson({ outcome, keptCount, dropped, markersAdded, markersRemoved, ms }: GroundingNote) {
  return {
    outcome,
    kept: keptCount,
    dropped: dropped.map(({ text, reason, detail }) => ({ text, reason, detail })),
    markers_added: markersAdded,
    markers_removed: markersRemoved,
    ms: round(ms),
  }
}

function collectionJson({ name, epoch, calibration }: AskedCollection, language: string | undefined) {
  return { name, epoch, calibration: calibration && calibrationNote(calibration, language) }
}

/** False when the answer was computed for another question, caller or time. */
function isOwn({ status, revalidated }: CacheNote): boolean {
  return status === 'miss' || status === 'bypass' || revalidated === true
}

function cacheJson({ status, tier, age }: CacheNote, key: string | undefined) {
  return { status, key: key ?? null, tier: tier ?? null, age: age ?? null }
}

function questionJson({ asked, isRewritten, wordings = [], usedWording = null }: Partial<Explanation>) {
  if (!asked) return null
  return {
    text: asked.text,
    compared_as: asked.standalone ?? asked.text,
    rewritten: isRewritten === true,
    language: asked.language,
    analyzed_as: asked.readAs,
    terms: asked.terms.filter(({ isJoin = false }) => !isJoin).map(termJson),
    other_wordings: wordings,
    used_wording: usedWording,
  }
}

function termJson({ term, isContent, isOptional = false, isSpare, corrected, isUnknown }: QueryTerm) {
  const counts = isContent && !(isOptional && isUnknown)
  return {
    term,
    content: counts,
    spare: isSpare,
    ...(corrected && { read_as: corrected.map(each => ({ term: each.term, similarity: round(each.similarity) })) }),
    ...(isUnknown && counts && { unknown: true }),
  }
}

type AbstainReason = 'no_words' | 'other_language' | 'not_relevant' | 'model' | 'no_sentence' | 'grounding'

/** Null when the abstention was cached and no model was asked: its relevance is no longer known. */
function reasonOf({ generator }: Answer, own: Partial<Explanation>): AbstainReason | null {
  if (generator === 'llm') return 'model'
  const { asked, judgedPassages, judgedAnswer } = own
  if (!asked || judgedPassages === undefined) return null
  if (asked.terms.length === 0) return 'no_words'
  if (own.grounding?.outcome === 'replaced') return 'grounding'
  if (isOtherLanguage(own)) return 'other_language'
  return judgedAnswer !== undefined || judgedPassages.confidence < judgedPassages.thresholds.hopeless
    ? 'not_relevant'
    : 'no_sentence'
}

/** Of the quotations where there are some, else of the passages that were found. */
function judgementJson({ judgedPassages, judgedAnswer, nearBelow }: Partial<Explanation>, isSearch: boolean) {
  const judged = judgedAnswer ?? judgedPassages
  if (!judged) return { confidence: null, confidence_threshold: null, signals: null }
  const { hopeless, doubtful } = judged.thresholds
  return {
    confidence: round(judged.confidence),
    confidence_threshold: round(judgedAnswer ? doubtful : isSearch ? (nearBelow ?? hopeless) : hopeless),
    signals: judged.notes().map(({ name, value, weight, contribution }) => ({
      name,
      value: round(value),
      weight: round(weight),
      contribution: round(contribution),
    })),
  }
}

/** No document is in the language of the question, and no vectors connect the two: only words were compared. */
function isOtherLanguage({ asked, collection, vectorShare }: Partial<Explanation>): boolean {
  if (!asked || !collection || collection.languages.length === 0) return false
  const hasVectors = vectorShare !== 0 && collection.modelId !== null
  return !hasVectors && !collection.languages.includes(asked.language)
}

function candidateJson(
  passage: Passage,
  index: number,
  { reranked = null, selected = [], packed = [] }: Partial<Explanation>,
) {
  const { chunkId, documentId, title, url, scores } =
    reranked?.find(each => each.chunkId === passage.chunkId) ?? passage
  const selectedIndex = selected.findIndex(each => contains(each, passage))
  const joined = selected[selectedIndex]
  return {
    chunk_id: chunkId,
    document_id: documentId,
    title,
    url,
    scores: scoresJson(scores),
    ranks: {
      fused: index + 1,
      reranked: reranked && rankAt(reranked.findIndex(each => each.chunkId === chunkId)),
      selected: rankAt(selectedIndex),
      packed: joined ? rankAt(packed.findIndex(each => each.chunkId === joined.chunkId)) : null,
    },
  }
}

/** Whether the passage is `whole`, or one of the chunks joined to it. */
function contains(whole: Passage, { documentId, version, start, end }: Passage): boolean {
  return whole.documentId === documentId && whole.version === version && whole.start <= start && whole.end >= end
}

function rankAt(index: number): number | null {
  return index < 0 ? null : index + 1
}
