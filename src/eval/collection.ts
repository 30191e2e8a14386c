import { randomUUID } from 'node:crypto'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { chunkSettings } from '../ingest/chunk-settings.ts'
import { documentsHere } from '../ingest/documents-here.ts'
import type { DraftModel } from '../ingest/draft.ts'
import { embedEach } from '../ingest/embed-each.ts'
import { load, type LoadReport, type LoadStore } from '../ingest/load.ts'
import { namedModel } from '../ingest/named-model.ts'
import type { Collection, SourceDocument } from '../ingest/terms.ts'
import type { EvalSet } from './set.ts'

/** The part of the document store that an evaluation needs. */
interface EvalStore extends LoadStore {
  collection(name: string): Promise<Collection | null>
  removeCollection(name: string): Promise<void>
}

export interface Loading {
  readonly store: EvalStore
  readonly embedder: Embedder
  readonly signal: AbortSignal
  /** Called with the number of further bytes of the corpus that are being loaded. */
  readonly onBytes: (count: number) => void
  readonly onProgress: (report: LoadReport) => void
}

/**
 * Loads the set into a collection, as `askwell ingest` would, while `work` runs.
 * The collection is temporary unless it is kept; a kept one is named `eval-<set>`, and its unchanged documents are not
 * loaded again.
 */
export async function withCollection<T>(
  set: EvalSet,
  isKept: boolean,
  loading: Loading,
  work: (collection: string) => Promise<T>,
): Promise<T> {
  const keptName = `eval-${set.name.toLowerCase().replace(/[^a-z0-9_-]+/g, '-')}`.slice(0, 50)
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

/** Documents that are no longer in the set would distort the results; if there are any, everything is loaded again. */
async function loadKept(set: EvalSet, name: string, loading: Loading): Promise<void> {
  await loadInto(name, set, loading)
  const stored = await loading.store.collection(name)
  if (stored?.documentCount === set.documents.length) return
  await loading.store.removeCollection(name)
  await loadInto(name, set, loading)
}

async function loadInto(
  collection: string,
  set: EvalSet,
  { store, embedder, signal, onBytes, onProgress }: Loading,
): Promise<void> {
  const options = { collection, pruneRoots: null, signal, onProgress }
  await load(
    (sort, { chunking }) =>
      documentsHere(documentsOf(set, onBytes), { ...readAs(embedder), chunking: chunkSettings(chunking) }, sort),
    {
      store,
      embed: embedEach(embedder),
      // The set is our own, so an error in it ends the run.
      rowFault: () => null,
      model: namedModel(embedder),
    },
    options,
  )
}

function readAs({ countTokens, maxTokens, windowTokens, readsCode, languages, unitsUpTo = 0 }: Embedder): DraftModel {
  return { countTokens, maxTokens, windowTokens, readsCode, languages, hasUnits: unitsUpTo > 0 }
}

function* documentsOf({ documents }: EvalSet, onBytes: (count: number) => void): Generator<SourceDocument> {
  for (const document of documents) {
    onBytes(document.text.length)
    yield document
  }
}
