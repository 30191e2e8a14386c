import type { DocumentStore } from '../adapters/documents.ts'
import type { Embedder } from '../ask/embedder.ts'
import { contentHash, documentId, preparerWith } from './prepare.ts'
import { documentFrom } from './document-from.ts'
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

/** The document store behind PUT, GET and DELETE: the same reading and preparing as `askwell ingest`. */
export function documentApi(store: DocumentStore, embedder: Embedder) {
  const prepare = preparerWith(embedder)
  return {
    get: store.get,
    remove: store.remove,
    collections: store.collections,

    /** All in one transaction. Unchanged documents are left alone. */
    async put(collection: string, given: readonly GivenDocument[], signal: AbortSignal) {
      const target = await store.openCollection(collection, { name: embedder.model, dimensions: embedder.dimensions }, signal)
      const documents = given.map(sourceOf)
      const known = await store.known(target.id, documents.map(document => document.source), signal)
      const changed = documents.filter(document => !known.get(document.source)?.hash.equals(contentHash(document)))
      const prepared = new Map((await prepare(collection, changed, signal)).map(document => [document.source, document]))
      await store.write(target, [...prepared.values()], null, signal)
      return documents.map(({ source }) => {
        const written = prepared.get(source)
        const isKnown = known.has(source)
        const status = !written ? ('unchanged' as const) : isKnown ? ('replaced' as const) : ('added' as const)
        return { source, id: documentId(collection, source), status, chunks: written?.chunks.length ?? 0 }
      })
    },
  }
}

function sourceOf(given: GivenDocument) {
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
