import { randomUUID } from 'node:crypto'
import type { PreparedDocument } from '../adapters/document-rows.ts'
import type { Collection } from '../adapters/collections.ts'
import type { Written } from '../adapters/documents.ts'
import { contentHash } from './prepare.ts'
import type { ReadFault, ReadResult, SourceDocument } from './terms.ts'

/** The write side of the document store, as loading sees it. */
export interface LoadStore {
  openCollection(name: string, model: { name: string; dimensions: number }): Promise<Collection>
  known(collectionId: number, sources: readonly string[]): Promise<Map<string, { id: string; hash: Buffer }>>
  write(target: Collection, documents: readonly PreparedDocument[], runId: string | null): Promise<Written>
  markSeen(ids: readonly string[], runId: string): Promise<void>
  prune(target: Collection, roots: readonly string[], spared: readonly string[], runId: string): Promise<number>
}

export interface LoadDeps {
  readonly store: LoadStore
  readonly prepare: (collection: string, documents: readonly SourceDocument[], signal: AbortSignal) => Promise<PreparedDocument[]>
  readonly model: { readonly name: string; readonly dimensions: number }
}

export interface LoadOptions {
  readonly collection: string
  /** Remove documents under these source prefixes that are not among the results; null keeps them. */
  readonly pruneRoots: readonly string[] | null
  readonly signal: AbortSignal
  readonly onProgress?: (report: LoadReport) => void
  readonly onFault?: (fault: ReadFault) => void
}

export interface LoadReport {
  readonly documents: number
  readonly added: number
  readonly replaced: number
  readonly unchanged: number
  readonly removed: number
  readonly chunks: number
  readonly faults: number
  /** Of what was read so far, the share that is prepared and written: 0…1. */
  readonly doneShare: number
}

/** Documents and characters that are prepared and written together: large enough to batch, small enough to hold. */
const batchDocuments = 64
const batchCharacters = 60_000
/**
 * Batches that may gather while others are written, to share a transaction: a term that stands in four batches is
 * counted once. Where embedding is slower than the database none gather, and each is safe as soon as it is ready.
 */
const maxWaiting = 3

/** What a transaction writes. */
interface Batch {
  readonly prepared: readonly PreparedDocument[]
  readonly unchangedIds: readonly string[]
  readonly characters: number
}

/**
 * Loads what `results` gives, batch by batch, in transactions: killed in the middle, the next run finds the written
 * ones unchanged and goes on. While batches are written the next is prepared.
 */
export async function load(results: AsyncIterable<ReadResult>, deps: LoadDeps, options: LoadOptions): Promise<LoadReport> {
  const runId = randomUUID()
  const target = await deps.store.openCollection(options.collection, deps.model)
  const faulty = new Set<string>()
  let report: LoadReport = { documents: 0, added: 0, replaced: 0, unchanged: 0, removed: 0, chunks: 0, faults: 0, doneShare: 0 }
  let charactersRead = 0
  let charactersDone = 0
  const waiting: Batch[] = []
  let writing: Promise<void> | undefined
  const tell = (change: Partial<LoadReport>) => {
    report = { ...report, ...change }
    options.onProgress?.(report)
  }

  try {
    for await (const batch of batches(results, onFault)) {
      options.signal.throwIfAborted()
      const characters = lengthOf(batch)
      charactersRead += characters
      const { changed, unchangedIds } = await sorted(batch, target, deps.store)
      const prepared = await deps.prepare(options.collection, changed, options.signal)
      if (waiting.length >= maxWaiting) await writing
      waiting.push({ prepared, unchangedIds, characters })
      writing ??= writeWaiting()
      writing.catch(() => {}) // awaited when enough wait, or at the end; until then it must not count as unhandled
    }
  } finally {
    await writing?.catch(() => {}) // whatever stops us: what is ready is written before the database closes
  }
  await writing
  if (options.pruneRoots) {
    options.signal.throwIfAborted()
    tell({ removed: await deps.store.prune(target, options.pruneRoots, [...faulty], runId) })
  }
  return report

  function onFault(fault: ReadFault): void {
    faulty.add(fault.source ?? fault.path)
    options.onFault?.(fault)
    tell({ faults: report.faults + 1 })
  }

  /** Forgotten when all is written; a failure stays, and ends the loading. */
  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0) await put(joined(waiting.splice(0)))
    writing = undefined
  }

  async function put({ prepared, unchangedIds, characters }: Batch): Promise<void> {
    const written = await deps.store.write(target, prepared, runId)
    if (options.pruneRoots && unchangedIds.length > 0) await deps.store.markSeen(unchangedIds, runId)
    charactersDone += characters
    tell({
      doneShare: charactersDone / charactersRead,
      documents: report.documents + prepared.length + unchangedIds.length,
      added: report.added + written.added.length,
      replaced: report.replaced + written.replaced.length,
      unchanged: report.unchanged + unchangedIds.length + prepared.length - written.added.length - written.replaced.length,
      chunks: report.chunks + written.chunks,
    })
  }
}

function joined(batches: readonly Batch[]): Batch {
  return {
    prepared: batches.flatMap(batch => batch.prepared),
    unchangedIds: batches.flatMap(batch => batch.unchangedIds),
    characters: batches.reduce((sum, batch) => sum + batch.characters, 0),
  }
}

function lengthOf(batch: readonly SourceDocument[]): number {
  return batch.reduce((sum, document) => sum + document.text.length, 0)
}

/** Splits a batch into what changed and the ids of what is stored just so already. */
async function sorted(batch: readonly SourceDocument[], target: Collection, store: LoadStore) {
  const known = await store.known(target.id, batch.map(document => document.source))
  const changed: SourceDocument[] = []
  const unchangedIds: string[] = []
  for (const document of batch) {
    const stored = known.get(document.source)
    if (stored?.hash.equals(contentHash(document))) unchangedIds.push(stored.id)
    else changed.push(document)
  }
  return { changed, unchangedIds }
}

async function* batches(results: AsyncIterable<ReadResult>, onFault: (fault: ReadFault) => void): AsyncGenerator<SourceDocument[]> {
  let batch: SourceDocument[] = []
  let characters = 0
  for await (const result of results) {
    if ('fault' in result) {
      onFault(result.fault)
      continue
    }
    batch.push(result.document)
    characters += result.document.text.length
    if (batch.length < batchDocuments && characters < batchCharacters) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}
