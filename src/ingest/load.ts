import type { Draft } from './draft.ts'
import type { Outcome, SortKnown } from './outcomes.ts'
import { documentId } from './prepare.ts'
import { createRunId } from './run-id.ts'
import type { Collection, PreparedDocument, ReadFault, Written } from './terms.ts'

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
  /** Embeds these, or those of them that can be; the others are faults. */
  readonly embed: (
    collection: string,
    drafts: readonly Draft[],
    onFault: (draft: Draft, reason: string) => void,
    signal: AbortSignal,
  ) => Promise<PreparedDocument[]>
  /** Why the database cannot hold what was written, or null when that is not what went wrong. */
  readonly rowFault: (error: unknown) => string | null
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

/** Documents and characters that are embedded and written together: large enough to batch, small enough to hold. */
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
 * Loads what the source gives, batch by batch, in transactions: killed in the middle, the next run finds the written
 * ones unchanged and goes on. While batches are written the next is prepared. What one document does wrong, wherever it
 * shows, is a fault of that document; what is wrong with the model or the database ends the loading.
 */
export async function load(
  source: (sort: SortKnown) => AsyncIterable<Outcome>,
  deps: LoadDeps,
  options: LoadOptions,
): Promise<LoadReport> {
  const runId = createRunId()
  const target = await deps.store.openCollection(options.collection, deps.model)
  const faulty = new Set<string>()
  let report: LoadReport = {
    documents: 0,
    added: 0,
    replaced: 0,
    unchanged: 0,
    removed: 0,
    chunks: 0,
    faults: 0,
    doneShare: 0,
  }
  let charactersRead = 0
  let charactersDone = 0
  const waiting: Batch[] = []
  let writing: Promise<void> | undefined
  const tell = (change: Partial<LoadReport>) => {
    report = { ...report, ...change }
    options.onProgress?.(report)
  }

  try {
    for await (const { drafts, unchanged, characters } of batches(source(sortWith(deps.store, target)), onFault)) {
      options.signal.throwIfAborted()
      charactersRead += characters
      const prepared = await deps.embed(options.collection, drafts, onDraftFault, options.signal)
      if (waiting.length >= maxWaiting) await writing
      waiting.push({ prepared, unchangedIds: unchanged.map(each => documentId(options.collection, each)), characters })
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

  function onDraftFault({ source: name }: Pick<Draft, 'source'>, reason: string): void {
    onFault({ path: name, source: name, reason })
  }

  /** Forgotten when all is written; a failure stays, and ends the loading. */
  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0) await put(joined(waiting.splice(0)))
    writing = undefined
  }

  async function put({ prepared, unchangedIds, characters }: Batch): Promise<void> {
    const written = await writeEach(prepared)
    if (options.pruneRoots && unchangedIds.length > 0) await deps.store.markSeen(unchangedIds, runId)
    charactersDone += characters
    tell({
      doneShare: charactersDone / charactersRead,
      documents: report.documents + written.documents + unchangedIds.length,
      added: report.added + written.added,
      replaced: report.replaced + written.replaced,
      unchanged: report.unchanged + unchangedIds.length + written.documents - written.added - written.replaced,
      chunks: report.chunks + written.chunks,
    })
  }

  /** All in one transaction; where one of them cannot be stored, each in its own. */
  async function writeEach(prepared: readonly PreparedDocument[]): Promise<Counted> {
    try {
      return countedOf(prepared, await deps.store.write(target, prepared, runId))
    } catch (error) {
      const reason = deps.rowFault(error)
      if (reason === null) throw error
      if (prepared.length === 1) return (onDraftFault(prepared[0]!, reason), nothing)
      let sum = nothing
      for (const document of prepared) sum = added(sum, await writeEach([document]))
      return sum
    }
  }
}

interface Counted {
  readonly documents: number
  readonly added: number
  readonly replaced: number
  readonly chunks: number
}

const nothing: Counted = { documents: 0, added: 0, replaced: 0, chunks: 0 }

function countedOf(prepared: readonly PreparedDocument[], written: Written): Counted {
  return {
    documents: prepared.length,
    added: written.added.length,
    replaced: written.replaced.length,
    chunks: written.chunks,
  }
}

function added(a: Counted, b: Counted): Counted {
  return {
    documents: a.documents + b.documents,
    added: a.added + b.added,
    replaced: a.replaced + b.replaced,
    chunks: a.chunks + b.chunks,
  }
}

function joined(batches: readonly Batch[]): Batch {
  return {
    prepared: batches.flatMap(batch => batch.prepared),
    unchangedIds: batches.flatMap(batch => batch.unchangedIds),
    characters: batches.reduce((sum, batch) => sum + batch.characters, 0),
  }
}

function sortWith(store: LoadStore, target: Collection): SortKnown {
  return async documents => {
    const known = await store.known(
      target.id,
      documents.map(document => document.source),
    )
    return documents.map(({ source, hash }) => !known.get(source)?.hash.equals(hash))
  }
}

interface Gathered {
  readonly drafts: readonly Draft[]
  /** Sources. */
  readonly unchanged: readonly string[]
  readonly characters: number
}

async function* batches(
  outcomes: AsyncIterable<Outcome>,
  onFault: (fault: ReadFault) => void,
): AsyncGenerator<Gathered> {
  let drafts: Draft[] = []
  let unchanged: string[] = []
  let characters = 0
  for await (const outcome of outcomes) {
    if ('fault' in outcome) {
      onFault(outcome.fault)
      continue
    }
    if ('draft' in outcome) drafts.push(outcome.draft)
    else unchanged.push(outcome.unchanged.source)
    characters += 'draft' in outcome ? outcome.draft.text.length : outcome.unchanged.characters
    if (drafts.length + unchanged.length < batchDocuments && characters < batchCharacters) continue
    yield { drafts, unchanged, characters }
    drafts = []
    unchanged = []
    characters = 0
  }
  if (drafts.length + unchanged.length > 0) yield { drafts, unchanged, characters }
}
