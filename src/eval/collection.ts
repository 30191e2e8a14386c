import { randomUUID } from 'node:crypto'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { chunkSettings } from '../ingest/chunk-settings.ts'
import { documentsHere } from '../ingest/documents-here.ts'
import type { DraftModel } from '../ingest/draft.ts'
import { embedEach } from '../ingest/embed-each.ts'
import { load, type LoadReport, type LoadStore } from '../ingest/load.ts'
import { namedModel } from '../ingest/named-model.ts'
import type { Outcome, SortKnown } from '../ingest/outcomes.ts'
import type { Collection, SourceDocument } from '../ingest/terms.ts'

/** The part of the document store that an evaluation needs. */
interface EvalStore extends LoadStore {
  collection(name: string): Promise<Collection | null>
  removeCollection(name: string): Promise<void>
}

export interface Loading {
  readonly store: EvalStore
  readonly embedder: Embedder
  readonly signal: AbortSignal
  readonly onProgress: (report: LoadReport) => void
  /** Awaited after the load: without new statistics the planner may choose a search that takes seconds. */
  readonly settle: (signal: AbortSignal) => Promise<void>
}

/** The documents of a set, prepared for loading. */
export interface Loadable {
  readonly name: string
  /** Null when only loading tells. */
  readonly documentCount: number | null
  readonly outcomes: (sort: SortKnown, collection: Pick<Collection, 'languages' | 'chunking'>) => AsyncIterable<Outcome>
}

/** Documents that were read already. `onBytes`: how many further bytes of the corpus are being loaded. */
export function loadableOf(
  { name, documents }: { readonly name: string; readonly documents: readonly SourceDocument[] },
  embedder: Embedder,
  onBytes: (count: number) => void,
): Loadable {
  return {
    name,
    documentCount: documents.length,
    outcomes: (sort, collection) =>
      documentsHere(
        counted(documents, onBytes),
        { ...readAs(embedder), chunking: chunkSettings(collection.chunking) },
        sort,
      ),
  }
}

/**
 * Loads the set into a collection, as `askwell ingest` would, while `work` runs.
 * The collection is temporary unless it is kept; a kept one is named `eval-<set>`, and its unchanged documents are not
 * loaded again.
 */
export async function withCollection<T>(
  set: Loadable,
  isKept: boolean,
  loading: Loading,
  work: (collection: string) => Promise<T>,
): Promise<T> {
  const keptName = keptCollection(set.name)
  if (isKept) {
    await loadKept(set, keptName, loading)
    return await work(keptName)
  }
  const name = `${keptName}-${randomUUID().slice(0, 8)}`
  try {
    await loadInto(name, set, loading)
    return await work(name)
  } finally {
    await loading.store.removeCollection(name)
  }
}

/** The collection of a kept set. */
export function keptCollection(set: string): string {
  return `eval-${set.toLowerCase().replace(/[^a-z0-9_-]+/g, '-')}`.slice(0, 50)
}

/** Documents that are no longer in the set would distort the results; if there are any, everything is loaded again. */
async function loadKept(set: Loadable, name: string, loading: Loading): Promise<void> {
  const { documents } = await loadInto(name, set, loading)
  const stored = await loading.store.collection(name)
  if (stored?.documentCount === (set.documentCount ?? documents)) return
  await loading.store.removeCollection(name)
  await loadInto(name, set, loading)
}

async function loadInto(
  collection: string,
  set: Loadable,
  { store, embedder, signal, onProgress, settle }: Loading,
): Promise<LoadReport> {
  const report = await load(
    set.outcomes,
    {
      store,
      embed: embedEach(embedder),
      // The set is our own, so an error in it ends the run.
      rowFault: () => null,
      model: namedModel(embedder),
    },
    { collection, pruneRoots: null, signal, onProgress },
  )
  await settle(signal)
  return report
}

function readAs({ countTokens, maxTokens, windowTokens, readsCode, languages, unitsUpTo = 0 }: Embedder): DraftModel {
  return { countTokens, maxTokens, windowTokens, readsCode, languages, hasUnits: unitsUpTo > 0 }
}

function* counted(documents: readonly SourceDocument[], onBytes: (count: number) => void): Generator<SourceDocument> {
  for (const document of documents) {
    onBytes(document.text.length)
    yield document
  }
}
