import type { Embedder } from '../ask/retrieval/embedder.ts'
import { AskError, isAskError, type Fault } from '../errors.ts'
import type { Step } from '../resilience/pace.ts'
import { metadataFault } from './bounds.ts'
import { chunkSettings } from './chunk-settings.ts'
import type { DocumentInput } from './document-from.ts'
import { withoutUnits, type Draft } from './draft.ts'
import { embedInTime, vectorsFollow } from './embed-in-time.ts'
import { namedModel } from './named-model.ts'
import { patientOnceBegun } from './patience.ts'
import { documentId, preparationMarks } from './prepare.ts'
import { overLimitWarning, unitState } from './unit-state.ts'
import { cleanLine } from './readers/clean-text.ts'
import type {
  Collection,
  Json,
  NamedModel,
  PreparationMarks,
  PreparedDocument,
  Preparedness,
  StoredDocument,
  Written,
} from './terms.ts'

/** A document as the API accepts it. */
export interface GivenDocument {
  readonly source: string
  readonly title?: string
  readonly text: string
  readonly format?: 'text' | 'markdown' | 'html'
  readonly url?: string
  readonly language?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** The part of the document store that the API needs. */
export interface DocumentApiStore {
  get(id: string, signal: AbortSignal): Promise<StoredDocument | null>
  collections(signal: AbortSignal): Promise<Collection[]>
  preparedness(
    marks: PreparationMarks,
    languages: Embedder['languages'],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Preparedness>>
  collection(name: string, signal: AbortSignal): Promise<Collection | null>
  openCollection(name: string, model: NamedModel, signal: AbortSignal): Promise<Collection>
  known(id: number, sources: readonly string[], signal: AbortSignal): Promise<Map<string, { id: string; hash: Buffer }>>
  write(target: Collection, documents: readonly PreparedDocument[], runId: null, signal: AbortSignal): Promise<Written>
  remove(id: string, signal: AbortSignal): Promise<boolean>
}

/** Memory that a request has reserved for its documents. */
export interface DocumentRoom {
  leave(): void
}

/** Reads, chunks and analyzes documents in other processes (wiring/prepare-pool.ts). */
export interface Drafting<Room extends DocumentRoom> {
  enter(bytes: number): Room
  draft(
    embedder: Embedder,
    document: DocumentInput,
    options: {
      readonly place: Room
      readonly signal: AbortSignal
      readonly isStored: (known: { readonly source: string; readonly hash: Uint8Array }) => boolean
      /** Null if it does not exist yet. */
      readonly collection: Pick<Collection, 'languages' | 'chunking'> | null
    },
  ): Promise<Draft | null>
}

export interface DocumentApiParts<Room extends DocumentRoom> {
  readonly store: DocumentApiStore
  readonly embedder: Embedder
  readonly preparing: Drafting<Room>
  /** Runs each call of the embedder. */
  readonly step: Step
  /** Documents whose vectors take longer are stored without them. Milliseconds. */
  readonly wordsFirstMs: number
  /** Embeds in the background what was stored without vectors. */
  readonly fillVectors: (collection: string) => void
  /** Awaited before documents of a collection that has vectors are embedded. */
  readonly beforeLoad?: (collection: Collection, signal: AbortSignal) => Promise<void>
  /**
   * Awaited before every reply, so that no later question is answered from the previous content. This includes replies
   * to requests that wrote nothing, because another request may have just written the same documents.
   */
  readonly onWritten: (collection?: string) => Promise<void>
}

/** For a model that gets busy while a request is loaded. */
const patienceMs = 60_000

/** Implements PUT, GET and DELETE of documents. It reads and prepares them exactly as `askwell ingest` does. */
export function documentApi<Room extends DocumentRoom>({
  store,
  embedder,
  preparing,
  step,
  wordsFirstMs,
  fillVectors,
  beforeLoad = async () => {},
  onWritten,
}: DocumentApiParts<Room>) {
  return {
    get: store.get,
    async collections(signal: AbortSignal) {
      const all = await store.collections(signal)
      const counts = await store.preparedness(preparationMarks, embedder.languages, signal)
      return all.map(each => ({
        ...each,
        ...preparednessOf(each, counts.get(each.name)),
        chunking: chunkSettings(each.chunking),
      }))
    },
    enter: preparing.enter,

    async remove(id: string, signal: AbortSignal): Promise<boolean> {
      const isRemoved = await store.remove(id, signal)
      await onWritten()
      return isRemoved
    },

    /**
     * Writes all documents in one transaction and skips unchanged ones. A collection is only created if all can be
     * stored.
     */
    async put(collection: string, given: readonly GivenDocument[], signal: AbortSignal, room: Room) {
      rejectLargeMetadata(given)
      const sources = given.map(({ source }) => cleanLine(source))
      rejectDuplicateSources(sources)
      const model = namedModel(embedder)
      const found = await store.collection(collection, signal)
      // Rejects a collection of another embedding model before any work is done.
      if (found) await store.openCollection(collection, model, signal)
      const known: Known = found ? await store.known(found.id, sources, signal) : new Map()
      const isStored = (each: { source: string; hash: Uint8Array }) =>
        known.get(each.source)?.hash.equals(each.hash) ?? false
      const drafts = await draftAll(
        given,
        signal,
        async (document, aborted) =>
          await preparing.draft(embedder, document, { place: room, signal: aborted, isStored, collection: found }),
      )
      const hasUnits = (found?.chunkCount ?? 0) < (embedder.unitsUpTo ?? 0)
      const prepared = await embedInTime(
        embedder,
        collection,
        drafts.filter(draft => draft !== null).map(draft => (hasUnits ? draft : withoutUnits(draft))),
        {
          mostMs: wordsFirstMs,
          before: async until => void (found && (await beforeLoad(found, until))),
          signal,
          step,
          loading: patientOnceBegun(patienceMs),
        },
      )
      const target = await store.openCollection(collection, model, signal)
      const written = await store.write(target, prepared, null, signal)
      await onWritten(collection)
      if (prepared.some(isLackingVectors)) fillVectors(collection)
      const most = target.chunkCount + written.chunks
      const overLimit = await limitWarning(collection, { hasUnits, most }, signal)
      return sources.map((source, index) => {
        const id = documentId(collection, source)
        const status = written.added.includes(id)
          ? ('added' as const)
          : written.replaced.includes(id)
            ? ('replaced' as const)
            : ('unchanged' as const)
        const document = status === 'unchanged' ? undefined : prepared.find(each => each.id === id)
        const chunks = document?.chunks ?? []
        const warnings = [
          ...(drafts[index]?.warnings ?? []),
          ...(chunks.some(hasVectors) ? overLimit : []),
          ...(document && isLackingVectors(document) ? [vectorsFollow] : []),
        ]
        return { source: given[index]?.source ?? source, id, status, chunks: chunks.length, warnings }
      })
    },
  }

  function preparednessOf(collection: Collection, counted: Preparedness = nothingCounted) {
    return { ...counted, unitState: unitState(embedder, collection, counted) }
  }

  /** Of documents that were written into the collection, which has at most `most` chunks now. */
  async function limitWarning(
    name: string,
    { hasUnits, most }: { readonly hasUnits: boolean; readonly most: number },
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { unitsUpTo = 0 } = embedder
    if (unitsUpTo === 0 || (hasUnits && most <= unitsUpTo)) return []
    const chunkCount = (await store.collection(name, signal))?.chunkCount ?? 0
    return chunkCount > unitsUpTo || !hasUnits ? [overLimitWarning(chunkCount, unitsUpTo)] : []
  }
}

type Known = ReadonlyMap<string, { readonly hash: Buffer }>

function hasVectors({ vectors }: PreparedDocument['chunks'][number]): boolean {
  return vectors.length > 0
}

function isLackingVectors({ lackingVectors = 0 }: PreparedDocument): boolean {
  return lackingVectors > 0
}

const nothingCounted: Preparedness = {
  outdated: 0,
  fromStoredText: 0,
  lackingVectors: 0,
  withUnits: 0,
  lackingUnits: 0,
  isFilling: false,
}

type DraftOne = (document: DocumentInput, signal: AbortSignal) => Promise<Draft | null>

/**
 * Drafts all documents, or throws an error that names every rejected one. Any other error, and a document that is too
 * costly, aborts the rest immediately.
 */
async function draftAll(
  given: readonly GivenDocument[],
  signal: AbortSignal,
  draft: DraftOne,
): Promise<(Draft | null)[]> {
  const abort = new AbortController()
  const either = AbortSignal.any([signal, abort.signal])
  const rejected: ({ readonly error: AskError; readonly fault: Fault } | undefined)[] = []
  const drafts = await Promise.all(
    given.map(async (document, index) => {
      try {
        return await draft(inputOf(document), either)
      } catch (error) {
        const named = isDocumentFault(error) ? pointedAt(error, index) : null
        if (named && isAskError(error, 'document_refused')) return ((rejected[index] = named), null)
        abort.abort(error)
        throw named?.error ?? error
      }
    }),
  )
  const all = rejected.filter(each => each !== undefined)
  const [first] = all
  if (first === undefined) return drafts
  throw all.length === 1
    ? first.error
    : new AskError('document_refused', {
        detail: `${all.length} of the documents cannot be stored.`,
        faults: all.map(({ fault }) => fault),
      })
}

function isDocumentFault(error: unknown): error is AskError {
  return isAskError(error, 'document_refused') || isAskError(error, 'document_too_costly')
}

function pointedAt({ code, detail, cause }: AskError, index: number): { error: AskError; fault: Fault } {
  const fault = { pointer: `/documents/${index}`, detail }
  return { error: new AskError(code, { detail, faults: [fault], cause }), fault }
}

/** Rejects duplicate sources after normalization, because whitespace and accents are stored in one form. */
function rejectDuplicateSources(sources: readonly string[]): void {
  const seen = new Set<string>()
  const faults = sources.flatMap((source, index) => {
    const isDuplicate = seen.has(source)
    seen.add(source)
    return isDuplicate
      ? [{ pointer: `/documents/${index}/source`, detail: 'is the source of an earlier document in this request' }]
      : []
  })
  if (faults.length > 0)
    throw new AskError('invalid_request', { detail: 'The sources of the documents must differ.', faults })
}

/** Rejects oversized metadata before any document is read. */
function rejectLargeMetadata(given: readonly GivenDocument[]): void {
  const faults = given.flatMap(({ metadata = {} }, index) => {
    const detail = metadataFault(metadata as { readonly [key: string]: Json })
    return detail === null ? [] : [{ pointer: `/documents/${index}/metadata`, detail }]
  })
  if (faults.length > 0)
    throw new AskError('invalid_request', { detail: 'Some documents have too much metadata.', faults })
}

function inputOf(given: GivenDocument): DocumentInput {
  return {
    source: given.source,
    text: given.text,
    format: given.format ?? 'markdown',
    title: given.title ?? null,
    url: given.url ?? null,
    language: given.language ?? null,
    metadata: (given.metadata ?? {}) as { readonly [key: string]: Json },
  }
}
