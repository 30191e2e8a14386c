import { SpanKind, type Attributes } from '@opentelemetry/api'
import { genAi, ourselves } from '../../tracing/names.ts'
import { inChild } from '../../tracing/span.ts'
import { spreadOf } from '../abstention/evidence.ts'
import { languageView } from './across-languages.ts'
import { fuse, type Fusion, type Ranked, vectorShare } from './fuse.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Arm, Passage, Unit } from '../terms/passage.ts'
import type { Filters, AnalyzedQuestion } from '../terms/question.ts'
import type { Run } from '../terms/run.ts'
import { unitQuery, unpackUnits, type UnitQuery } from '../../vectors/packed-units.ts'
import { nearestOf, withUnits } from './late-interaction.ts'
import type { SimilarityRange, Spread } from '../calibration/terms.ts'
import type {
  Candidate,
  PassageSearch,
  PassageSearchResult,
  Search,
  StoredPassage,
  TermReading,
} from './passage-search.ts'

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
  /** Similarities of all candidates of the dense retriever; null when it found none. */
  readonly similarities: Spread | null
  /** What similarities mean where the collection has no calibration. */
  readonly similarity: SimilarityRange
  /** Chunks that either retriever found. */
  readonly candidateCount: number
  /** Share of the dense retriever in the fused score; null where the scores are not weighted. */
  readonly vectorShare: number | null
  /** Whether the documents changed after the collection snapshot was taken. */
  readonly isOvertaken: boolean
  /** How the collection reads the words of the question. */
  readonly readings: readonly TermReading[]
}

/** Minimum number of candidates per retriever. */
const candidatesPerRetriever = 50
/** Of a collection in several languages: the question's own fills the first places, whatever the others say. */
const candidatesOfLanguages = 100

/**
 * In a collection of so many chunks the units of all are compared, not only of the best of either retriever: a sentence
 * may answer whose passage is far from the question, in other words.
 */
const smallCollection = 200

/** How the rankings are fused, and whether units are compared. */
export type Ranking = Fusion & { readonly hasUnits?: boolean }

/** What similarities mean for questions in this language. */
export type SimilarityIn = (language: string, collection: AskedCollection) => SimilarityRange

/**
 * Runs both retrievers, compares the units of the best candidates with the question, fuses the rankings, and reads the
 * text of the best `topK`.
 */
export function searchIn(store: PassageSearch, similarityIn: SimilarityIn, fusion: Ranking) {
  return async (wanted: Wanted, run: Run): Promise<Retrieved> => {
    const similarity = similarityIn(wanted.asked.language, wanted.collection)
    let ranked: Ranked[] = []
    let share = 0
    let nearest: readonly Candidate[] = []
    const search = withAll(searchOf(wanted, fusion.hasUnits))
    const { limit } = search
    const query = search.vector && search.hasUnits ? unitQuery(search.vector.values) : null
    const choose = (found: readonly Candidate[]) => {
      nearest = nearestOf(found, limit)
      share = vectorShareOf(nearest, wanted, similarity)
      const { windowsPerChunk } = wanted.collection
      const candidates = query === null ? nearest : nearestOf(withUnits(found, query, windowsPerChunk), limit)
      const { languages, calibration } = wanted.collection
      const view = share > 0 ? languageView(candidates, wanted.asked, languages, calibration?.vectorWeights) : null
      ranked = fuse(candidates, share, fusion, view).slice(0, wanted.topK)
      return ranked.map(each => each.chunkId)
    }
    const terms = { signal: run.signal, label: 'retrieve', deadline: run.deadline }
    const found = await retrieval(wanted, () => store.search(search, choose, terms))
    const passages = ranked.flatMap(each => passageOf(each, found.passages.get(each.chunkId), query))
    return {
      passages,
      similarities: spreadOf(nearest.flatMap(({ vector }) => vector ?? [])),
      similarity,
      candidateCount: nearest.length,
      vectorShare: fusion.fusion === 'weighted' ? share : null,
      isOvertaken: found.isOvertaken,
      readings: found.readings,
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
export function searchOf(
  { asked, vector, vectorWeight, arm, collection, filters, topK }: Wanted,
  hasUnits = false,
): Search {
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
    hasUnits,
    ...(hasVector && collection.isFilling && { isFilling: true }),
    ...(hasLanguages && { hasLanguages }),
    filters,
    limit: Math.max(hasLanguages ? candidatesOfLanguages : candidatesPerRetriever, topK),
  }
}

function withAll(search: Search): Search {
  const { vector, hasUnits, chunkCount } = search
  const isSmall = vector !== null && hasUnits === true && chunkCount <= smallCollection
  return isSmall ? { ...search, allChunks: smallCollection } : search
}

/** Leaves out a chunk that was deleted between ranking and reading. */
function passageOf({ scores }: Ranked, stored: StoredPassage | undefined, query: UnitQuery | null): Passage[] {
  if (!stored) return []
  const { units: _packed, ...passage } = stored
  const units = comparedUnits(stored, query)
  return [{ ...passage, scores, ...(units.length > 0 && { units }) }]
}

/** The units of a stored passage with their similarities to the question; none where it has none. */
export function comparedUnits(stored: StoredPassage, query: UnitQuery | null): readonly Unit[] {
  const { units, start, end } = stored
  return units && query ? unpackUnits(units, query, { start, end, window: bestWindow(stored) }) : []
}

function bestWindow({ windows }: Pick<StoredPassage, 'windows'>): number | null {
  return windows.length === 0 ? null : Math.max(...windows.map(window => window.similarity))
}
