import type { Embedder } from '../ask/retrieval/embedder.ts'
import { analyze, indexTerms } from '../text/analyze.ts'
import { detectLanguage } from '../text/language.ts'
import { chunk as chunksOf } from './chunk.ts'
import { chunkUnits, type DraftUnits } from './units.ts'
import { windowsOf, windowText, type WindowModel } from './windows.ts'
import type { Chunk, ChunkSettings, ChunkWindow, PreparedDocument, SourceDocument } from './terms.ts'

/** The properties of an embedding model that drafting needs. */
export type DraftModel = WindowModel &
  Pick<Embedder, 'languages'> & {
    /** Languages of the collection: what a short text, such as a table of names, is probably in. */
    readonly spoken?: readonly string[]
    /** Settings of the collection; the defaults if absent. */
    readonly chunking?: ChunkSettings
    /** Whether units are embedded, too. */
    readonly hasUnits?: boolean
  }

/** A chunk with its terms and its windows, before embedding. Its text is that of the document from `start` to `end`. */
export interface DraftChunk extends Chunk {
  /** Index terms in order, including repeats. */
  readonly terms: readonly string[]
  /** Length in words, for BM25. */
  readonly length: number
  readonly windows: readonly (ChunkWindow & { readonly text: string })[]
  /** Absent where none are embedded. */
  readonly units?: DraftUnits
}

/** A document without its text, after language detection. `hash` covers everything it is made from (prepare.ts). */
export interface DraftHead extends Omit<SourceDocument, 'text' | 'sections' | 'language' | 'keywords'> {
  readonly language: string
  readonly hash: Uint8Array
}

/** A document that only lacks its vectors. */
export interface Draft extends DraftHead {
  readonly text: string
  readonly chunks: readonly DraftChunk[]
  readonly original?: PreparedDocument['original']
  /** Problems that did not prevent reading it; only of a document from a request. */
  readonly warnings?: readonly string[]
}

/** For a collection with more chunks than units are embedded for. */
export function withoutUnits(draft: Draft): Draft {
  return { ...draft, chunks: draft.chunks.map(({ units: _units, ...chunk }) => chunk) }
}

export function languageOf(document: SourceDocument, { spoken = [] }: Pick<DraftModel, 'spoken'> = {}): string {
  return document.language ?? detectLanguage(`${document.title}\n${document.text}`, { among: spoken })
}

/** Chunks and analyzes a document, one chunk at a time. */
export function* draftChunks(document: SourceDocument, language: string, model: DraftModel): Generator<DraftChunk> {
  const isReadable = model.languages === 'any' || model.languages.includes(language)
  for (const chunk of chunksOf(document, language, model.chunking))
    yield draftChunk(document, chunk, language, isReadable ? model : null)
}

function draftChunk(
  { text, keywords }: SourceDocument,
  chunk: Chunk,
  language: string,
  model: (WindowModel & Pick<DraftModel, 'hasUnits'>) | null,
): DraftChunk {
  const windows = model === null ? [] : windowsOf(text, chunk, language, model)
  // The title counts twice, because it says more about a passage than any single sentence.
  const analysis = analyze(
    [chunk.title, chunk.title, ...inherited(chunk), text.slice(chunk.start, chunk.end)].join('\n'),
    language,
  )
  const findable = keywords === undefined || chunk.ordinal > 0 ? [] : indexTerms(analyze(keywords, language))
  return {
    ...chunk,
    terms: [...indexTerms(analysis), ...findable],
    length: analysis.terms.length,
    windows: windows.map(({ start, end }) => ({ start, end, text: windowText(text, chunk, { start, end }, model!) })),
    ...(model?.hasUnits && { units: chunkUnits(text, chunk, language, model) }),
  }
}

/** Headings and a table's header say more than a sentence too. The headings are also in the text; the header is not. */
function inherited({ sections = [], tableHeader }: Chunk): string[] {
  return [...sections.flatMap(section => section.headings), ...(tableHeader === undefined ? [] : [tableHeader])]
}
