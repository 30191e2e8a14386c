import type { DocumentStore } from '../adapters/documents.ts'
import type { Embedder } from '../ask/embedder.ts'
import { AskError } from '../errors.ts'
import { contentHash, documentId, preparerWith } from './prepare.ts'
import { metadataFault } from './bounds.ts'
import { documentFrom } from './document-from.ts'
import { UnreadableError } from './readers/content.ts'
import type { Json } from './terms.ts'

/** A document as the API takes it. */
export interface GivenDocument {
  readonly source: string
  readonly title?: string
  readonly text: string
  readonly format?: 'text' | 'markdown' | 'html'
  readonly url?: string
  readonly language?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/**
 * The document store behind PUT, GET and DELETE: the same reading and preparing as `askwell ingest`. `onWritten` is
 * waited for before a reply, also where there was nothing to write: another's write of the same may be a moment old. No
 * question asked after the reply may be answered from what was there before.
 */
export function documentApi(store: DocumentStore, embedder: Embedder, onWritten: (collection?: string) => Promise<void>) {
  const prepare = preparerWith(embedder)
  return {
    get: store.get,
    collections: store.collections,

    async remove(id: string, signal: AbortSignal): Promise<boolean> {
      const isRemoved = await store.remove(id, signal)
      await onWritten()
      return isRemoved
    },

    /** All in one transaction. Unchanged documents are left alone. */
    async put(collection: string, given: readonly GivenDocument[], signal: AbortSignal) {
      refuseMuchMetadata(given)
      const documents = given.map(sourceOf)
      refuseTwins(documents.map(document => document.source))
      const target = await store.openCollection(collection, { name: embedder.model, dimensions: embedder.dimensions }, signal)
      const known = await store.known(target.id, documents.map(document => document.source), signal)
      const changed = documents.filter(document => !known.get(document.source)?.hash.equals(contentHash(document)))
      const prepared = await prepare(collection, changed, signal)
      const written = await store.write(target, prepared, null, signal)
      await onWritten(collection)
      return documents.map(({ source }, index) => {
        const id = documentId(collection, source)
        const status = written.added.includes(id) ? ('added' as const) : written.replaced.includes(id) ? ('replaced' as const) : ('unchanged' as const)
        const chunks = status === 'unchanged' ? 0 : (prepared.find(document => document.id === id)?.chunks.length ?? 0)
        return { source: given[index]?.source ?? source, id, status, chunks }
      })
    },
  }
}

/** Sources that differ as given may be one name: blanks and accents are stored in one way. */
function refuseTwins(sources: readonly string[]): void {
  const faults = sources.flatMap((source, index) =>
    sources.indexOf(source) < index ? [{ pointer: `/documents/${index}/source`, detail: 'is the source of an earlier document in this request' }] : [],
  )
  if (faults.length > 0) throw new AskError('invalid_request', { detail: 'sources must differ', faults })
}

/** Before any of them is read. */
function refuseMuchMetadata(given: readonly GivenDocument[]): void {
  const faults = given.flatMap(({ metadata = {} }, index) => {
    const detail = metadataFault(metadata as { readonly [key: string]: Json })
    return detail === null ? [] : [{ pointer: `/documents/${index}/metadata`, detail }]
  })
  if (faults.length > 0) throw new AskError('invalid_request', { detail: 'there is too much metadata', faults })
}

/** Text nested thousands of levels deep exhausts the stack of the parsers and of their regular expressions. */
function sourceOf(given: GivenDocument) {
  try {
    const document = read(given)
    if (document.text.trim() === '') throw new AskError('invalid_request', { detail: `document "${given.source}" has no text` })
    return document
  } catch (cause) {
    if (cause instanceof UnreadableError) throw new AskError('invalid_request', { detail: `document "${given.source}" ${cause.message}`, cause })
    if (!(cause instanceof RangeError) && !(cause instanceof SyntaxError)) throw cause
    throw new AskError('invalid_request', { detail: `document "${given.source}" is nested too deeply to be read`, cause })
  }
}

function read(given: GivenDocument) {
  return documentFrom({
    source: given.source,
    text: given.text,
    format: given.format ?? 'markdown',
    title: given.title ?? null,
    url: given.url ?? null,
    language: given.language ?? null,
    metadata: (given.metadata ?? {}) as { readonly [key: string]: Json },
  })
}
