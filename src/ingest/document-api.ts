import type { Embedder } from '../ask/retrieval/embedder.ts'
import { AskError } from '../errors.ts'
import type { Step } from '../resilience/pace.ts'
import { metadataFault } from './bounds.ts'
import { chunkSettings } from './chunk-settings.ts'
import type { DocumentInput } from './document-from.ts'
import { withoutUnits, type Draft } from './draft.ts'
import { draftAll, type GivenDocument } from './draft-given.ts'
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
      const overLimit = await limitWarning(collection, { hasUnits, most, signal }, { store, embedder })
      return given.map(({ source }, index) => {
        const of = { id: documentId(collection, sources[index]!), source, warnings: drafts[index]?.warnings ?? [] }
        return resultOf(of, { written, prepared, overLimit })
      })
    },
  }

  function preparednessOf(collection: Collection, counted: Preparedness = nothingCounted) {
    return { ...counted, unitState: unitState(embedder, collection, counted) }
  }
}

/** Of documents that were written into the collection, which has at most `most` chunks now. */
async function limitWarning(
  name: string,
  { hasUnits, most, signal }: { readonly hasUnits: boolean; readonly most: number; readonly signal: AbortSignal },
  { store, embedder }: { readonly store: Pick<DocumentApiStore, 'collection'>; readonly embedder: Embedder },
): Promise<readonly string[]> {
  const { unitsUpTo = 0 } = embedder
  if (unitsUpTo === 0 || (hasUnits && most <= unitsUpTo)) return []
  const chunkCount = (await store.collection(name, signal))?.chunkCount ?? 0
  return chunkCount > unitsUpTo || !hasUnits ? [overLimitWarning(chunkCount, unitsUpTo)] : []
}

/** What is replied about a document. `overLimit` is said of those that have vectors. */
function resultOf(
  { id, source, warnings }: { readonly id: string; readonly source: string; readonly warnings: readonly string[] },
  { written, prepared, overLimit }: { written: Written; prepared: PreparedDocument[]; overLimit: readonly string[] },
) {
  const replaced = written.replaced.includes(id) ? ('replaced' as const) : ('unchanged' as const)
  const status = written.added.includes(id) ? ('added' as const) : replaced
  const { chunks = [], lackingVectors = 0 } =
    (status !== 'unchanged' && prepared.find(document => document.id === id)) || {}
  const limited = chunks.some(hasVectors) ? overLimit : []
  const following = lackingVectors > 0 ? [vectorsFollow] : []
  return { source, id, status, chunks: chunks.length, warnings: [...warnings, ...limited, ...following] }
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
