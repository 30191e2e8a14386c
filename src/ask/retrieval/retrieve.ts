import { SpanKind, type Attributes } from '@opentelemetry/api'
import { genAi, ourselves } from '../../tracing/names.ts'
import { inChild } from '../../tracing/span.ts'
import { isStopWord } from '../../text/analyze.ts'
import { languageView } from './across-languages.ts'
import { fuse, type Fusion, type Ranked, vectorShare } from './fuse.ts'
import type { Arm, AskedCollection, Filters, Passage, Run, AnalyzedQuestion } from '../terms.ts'
import { type SimilarityRange } from './weights.ts'
import type { Candidate, PassageSearchResult, PassageSearch, Search, StoredPassage } from './passage-search.ts'

export interface Wanted {
  readonly asked: AnalyzedQuestion
  readonly vector: Float32Array | null
  readonly vectorWeight: number
  readonly arm: Arm
  readonly collection: AskedCollection
  readonly filters: Filters
  /** Number of passages to return. */
  readonly topK: number
}

export interface Retrieved {
  /** Best first. */
  readonly passages: readonly Passage[]
  /** Relevance of the best of the first five passages, 0…1. */
  readonly relevance: number
  /** Chunks that either retriever found. */
  readonly candidateCount: number
  /** Share of the dense retriever in the fused score; null where the scores are not weighted. */
  readonly vectorShare: number | null
  /** Whether the documents changed after the collection snapshot was taken. */
  readonly isOvertaken: boolean
}

/** Minimum number of candidates per retriever. */
const candidatesPerRetriever = 50
/** Of a collection in several languages: the question's own fills the first places, whatever the others say. */
const candidatesOfLanguages = 100
/** As many as an answer is written from: relevance must not depend on how many more were requested. */
const judgedCount = 5

/** Runs both retrievers, fuses their rankings, and reads the text of the best `topK`. */
export function searchIn(store: PassageSearch, similarity: SimilarityRange, fusion: Fusion) {
  return async (wanted: Wanted, run: Run): Promise<Retrieved> => {
    let ranked: Ranked[] = []
    let share = 0
    const choose = (candidates: readonly Candidate[]) => {
      share = vectorShareOf(candidates, wanted, similarity)
      const view = share > 0 ? languageView(candidates, wanted.asked, wanted.collection.languages) : null
      ranked = fuse(candidates, share, fusion, view).slice(0, wanted.topK)
      return ranked.map(each => each.chunkId)
    }
    const terms = { signal: run.signal, label: 'retrieve', deadline: run.deadline }
    const found = await retrieval(wanted, () => store.search(searchOf(wanted), choose, terms))
    const passages = ranked.flatMap(each => passageOf(each, found.passages.get(each.chunkId)))
    return {
      passages,
      relevance: relevance(passagesToJudge(passages, wanted.asked), similarity),
      candidateCount: found.candidates.length,
      vectorShare: fusion.fusion === 'weighted' ? share : null,
      isOvertaken: found.isOvertaken,
    }
  }
}

/** Runs in a span `retrieval {collection}`, without the words and filters of the question. */
async function retrieval(wanted: Wanted, search: () => Promise<PassageSearchResult>): Promise<PassageSearchResult> {
  return await inChild(
    `retrieval ${wanted.collection.name}`,
    SpanKind.CLIENT,
    () => attributesOf(wanted),
    async span => {
      const found = await search()
      span?.setAttributes({
        'askwell.retrieval.candidates': found.candidates.length,
        'askwell.retrieval.passages': found.passages.size,
      })
      return found
    },
  )
}

function attributesOf({ collection, topK, arm, vectorWeight, vector }: Wanted): Attributes {
  return {
    [genAi.operation]: 'retrieval',
    [genAi.provider]: ourselves,
    [genAi.dataSource]: collection.name,
    [genAi.topK]: topK,
    'askwell.retrieval.arm': arm,
    'askwell.retrieval.vector_weight': vector === null ? 0 : vectorWeight,
  }
}

/**
 * The passages that relevance is judged by. A question of function words only ("is it?") has no coverage that a passage
 * could answer by.
 */
function passagesToJudge(passages: readonly Passage[], { terms, readAs }: AnalyzedQuestion): Passage[] {
  const best = passages.slice(0, judgedCount)
  if (terms.some(({ term }) => !isStopWord(term, readAs))) return best
  return best.map(passage => ({ ...passage, scores: { ...passage.scores, coverage: 0 } }))
}

/** A single retriever gets the full weight. */
function vectorShareOf(
  candidates: readonly Candidate[],
  { vector, vectorWeight, arm }: Wanted,
  { span }: SimilarityRange,
): number {
  if (vector === null) return 0
  return arm === 'vector' ? 1 : vectorShare(candidates, vectorWeight, span)
}

/** The query for the store; `vectorWeight` 0 leaves the vectors out. */
export function searchOf({ asked, vector, vectorWeight, arm, collection, filters, topK }: Wanted): Search {
  const hasVector = vector !== null && vectorWeight > 0 && collection.modelId !== null
  const hasLanguages = hasVector && collection.languages.length > 1
  return {
    collectionId: collection.id,
    epochMark: collection.epochMark,
    chunkCount: collection.chunkCount,
    terms: arm === 'vector' ? [] : asked.terms,
    vector: hasVector
      ? {
          modelId: collection.modelId as number,
          values: vector,
          windowsPerChunk: collection.windowsPerChunk,
          efSearch: collection.efSearch,
        }
      : null,
    ...(hasLanguages && { hasLanguages }),
    filters,
    limit: Math.max(hasLanguages ? candidatesOfLanguages : candidatesPerRetriever, topK),
  }
}

/** Leaves out a chunk that was deleted between ranking and reading. */
function passageOf({ scores }: Ranked, stored: StoredPassage | undefined): Passage[] {
  return stored ? [{ ...stored, scores }] : []
}

/**
 * Coverage counts more where no vector can raise it: correct answers in such languages contain fewer of the question's
 * words.
 */
const wordsOnlyFactor = 1.25

/**
 * Relevance of the best passage: the share of the question's content words it contains (by idf), raised by the
 * similarity of its best window on the model's own scale. Either alone is enough; neither is required.
 */
export function relevance(passages: readonly Passage[], { unrelated, related }: SimilarityRange): number {
  const each = passages.map(({ scores, windows }) => {
    if (scores.vector === null && windows.length === 0) return Math.min(1, scores.coverage * wordsOnlyFactor)
    const similarity = Math.max(scores.vector ?? -1, ...windows.map(window => window.similarity))
    const meaning = Math.min(1, Math.max(0, (similarity - unrelated) / (related - unrelated)))
    return scores.coverage + (1 - scores.coverage) * meaning
  })
  return Math.max(0, ...each)
}
