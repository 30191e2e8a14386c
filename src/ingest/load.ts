import { withoutUnits, type Draft } from './draft.ts'
import { withoutVectors } from './embed-drafts.ts'
import type { Outcome, SortKnown } from './outcomes.ts'
import { documentId } from './prepare.ts'
import { createRunId } from './run-id.ts'
import type { Collection, FileColumns, NamedModel, PreparedDocument, PruneScope, ReadFault, Written } from './terms.ts'

/** The part of the document store that loading needs. */
export interface LoadStore {
  openCollection(name: string, model: NamedModel): Promise<Collection>
  known(collectionId: number, sources: readonly string[]): Promise<Map<string, { id: string; hash: Buffer }>>
  write(target: Collection, documents: readonly PreparedDocument[], runId: string | null): Promise<Written>
  markSeen(ids: readonly string[], runId: string): Promise<void>
  prune(target: Collection, scope: PruneScope): Promise<number>
}

export interface LoadDeps {
  readonly store: LoadStore
  /** Embeds the drafts and reports those that cannot be embedded as faults. */
  readonly embed: (
    collection: string,
    drafts: readonly Draft[],
    onFault: (draft: Draft, reason: string) => void,
    signal: AbortSignal,
  ) => Promise<PreparedDocument[]>
  /** Why the database cannot store a row, or null if the error has another cause. */
  readonly rowFault: (error: unknown) => string | null
  readonly model: NamedModel
  /** Chunks of the collection up to which units are embedded; without a limit if absent. */
  readonly unitsUpTo?: number | undefined
}

export interface LoadOptions {
  readonly collection: string
  /**
   * Time in milliseconds after which documents are stored without vectors, to be found by their words at once; the
   * caller fills them in (fill-vectors.ts). Never if absent.
   */
  readonly wordsAfterMs?: number | undefined
  /** Source prefixes under which documents that were not loaded are removed. Null removes nothing. */
  readonly pruneRoots: readonly string[] | null
  readonly signal: AbortSignal
  readonly onProgress?: (report: LoadReport) => void
  readonly onFault?: (fault: ReadFault) => void
  readonly onColumns?: (columns: FileColumns) => void
}

export interface LoadReport {
  readonly documents: number
  readonly added: number
  readonly replaced: number
  readonly unchanged: number
  readonly removed: number
  readonly chunks: number
  /** Chunks that were stored without vectors, to be filled in. */
  readonly chunksWithoutVectors: number
  /** Chunks whose units were left out because the collection has too many chunks. */
  readonly chunksWithoutUnits: number
  readonly faults: number
  /** Share of the characters read so far that are prepared and written, 0…1. */
  readonly doneShare: number
}

const emptyReport: LoadReport = {
  documents: 0,
  added: 0,
  replaced: 0,
  unchanged: 0,
  removed: 0,
  chunks: 0,
  chunksWithoutVectors: 0,
  chunksWithoutUnits: 0,
  faults: 0,
  doneShare: 0,
}

/** Limits of a batch that is embedded and written together: large enough to be efficient, small enough for memory. */
const batchDocuments = 64
const batchCharacters = 60_000
const batchOriginalBytes = 4 * 2 ** 20
/**
 * Batches that may wait while others are written and then share a transaction, in which a term of several batches is
 * counted once. If embedding is slower than the database, none wait, and each batch is written as soon as it is ready.
 */
const maxWaiting = 3

/** Content of one write transaction. */
interface Batch {
  readonly prepared: readonly PreparedDocument[]
  readonly unchangedIds: readonly string[]
  readonly characters: number
}

/**
 * Loads the documents of the source in batches, each in a transaction. If the process is killed, the next run finds the
 * written documents unchanged and resumes. The next batch is prepared while earlier ones are written.
 *
 * A problem with a document, at whatever stage, is a fault of that document. A problem with the model or the database
 * ends the loading.
 */
export async function load(
  source: (sort: SortKnown, target: Pick<Collection, 'languages' | 'chunking'>) => AsyncIterable<Outcome>,
  deps: LoadDeps,
  options: LoadOptions,
): Promise<LoadReport> {
  const prepare = preparationOf(deps, options)
  const runId = createRunId()
  const target = await deps.store.openCollection(options.collection, deps.model)
  const faultySources = new Set<string>()
  let report = emptyReport
  let charactersRead = 0
  let charactersDone = 0
  const waiting: Batch[] = []
  let writing: Promise<void> | undefined
  const update = (change: Partial<LoadReport>) => {
    report = { ...report, ...change }
    options.onProgress?.(report)
  }

  try {
    const outcomes = source(sortFor(deps.store, target), target)
    const hooks = { onFault, onColumns: options.onColumns ?? (() => {}) }
    for await (const { drafts, unchanged, characters } of batches(outcomes, hooks)) {
      options.signal.throwIfAborted()
      charactersRead += characters
      const { prepared, ...lacking } = await prepare(drafts, target.chunkCount + report.chunks, onDraftFault)
      report = withLacking(report, lacking)
      if (waiting.length >= maxWaiting) await writing
      waiting.push({ prepared, unchangedIds: unchanged.map(each => documentId(options.collection, each)), characters })
      writing ??= writeWaiting()
      writing.catch(() => {}) // awaited later; until then a rejection must not count as unhandled
    }
  } finally {
    await writing?.catch(() => {}) // on any error, finish writing what is ready before the database closes
  }
  await writing
  if (options.pruneRoots) {
    options.signal.throwIfAborted()
    const scope = { roots: options.pruneRoots, spared: [...faultySources], runId }
    update({ removed: await deps.store.prune(target, scope) })
  }
  return report

  function onFault(fault: ReadFault): void {
    faultySources.add(fault.source ?? fault.path)
    options.onFault?.(fault)
    update({ faults: report.faults + 1 })
  }

  function onDraftFault({ source: name }: Pick<Draft, 'source'>, reason: string): void {
    onFault({ path: name, source: name, reason })
  }

  /** Clears `writing` when everything is written. After a failure it stays set, so that loading ends. */
  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0) await put(joined(waiting.splice(0)))
    writing = undefined
  }

  async function put({ prepared, unchangedIds, characters }: Batch): Promise<void> {
    const written = await writeEach(prepared)
    if (options.pruneRoots && unchangedIds.length > 0) await deps.store.markSeen(unchangedIds, runId)
    charactersDone += characters
    update({
      doneShare: charactersDone / charactersRead,
      documents: report.documents + written.documents + unchangedIds.length,
      added: report.added + written.added,
      replaced: report.replaced + written.replaced,
      unchanged: report.unchanged + unchangedIds.length + written.documents - written.added - written.replaced,
      chunks: report.chunks + written.chunks,
    })
  }

  /** Writes the documents in one transaction or, if one of them cannot be stored, each in its own. */
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

function withLacking(report: LoadReport, { vectors, units }: Pick<Preparation, 'vectors' | 'units'>): LoadReport {
  return {
    ...report,
    chunksWithoutVectors: report.chunksWithoutVectors + vectors,
    chunksWithoutUnits: report.chunksWithoutUnits + units,
  }
}

interface Preparation {
  readonly prepared: PreparedDocument[]
  /** Chunks whose vectors follow. */
  readonly vectors: number
  /** Chunks whose units were left out. */
  readonly units: number
}

/** Embeds the drafts or, when the load has taken `wordsAfterMs`, leaves that for later. */
function preparationOf(
  { embed, unitsUpTo }: Pick<LoadDeps, 'embed' | 'unitsUpTo'>,
  { collection, wordsAfterMs = Infinity, signal }: Pick<LoadOptions, 'collection' | 'wordsAfterMs' | 'signal'>,
) {
  const startedAt = performance.now()
  return async (
    drafts: readonly Draft[],
    chunks: number,
    onFault: Parameters<LoadDeps['embed']>[2],
  ): Promise<Preparation> => {
    if (performance.now() - startedAt >= wordsAfterMs) {
      const prepared = withoutVectors(collection, drafts)
      const vectors = prepared.reduce((sum, { lackingVectors = 0 }) => sum + lackingVectors, 0)
      return { prepared, vectors, units: 0 }
    }
    const fitting = withinLimit(drafts, chunks, unitsUpTo)
    return { prepared: await embed(collection, fitting.drafts, onFault, signal), vectors: 0, units: fitting.without }
  }
}

/** The drafts, without their units if the collection has too many chunks, and how many chunks then lack them. */
function withinLimit(drafts: readonly Draft[], chunks: number, unitsUpTo = Infinity) {
  if (chunks < unitsUpTo) return { drafts, without: 0 }
  const without = drafts.flatMap(draft => draft.chunks).filter(({ units }) => units !== undefined).length
  return { drafts: drafts.map(withoutUnits), without }
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

/** Which documents must be prepared: those that the collection does not have unchanged; all if there is no collection. */
export function sortFor(store: Pick<LoadStore, 'known'>, target: Pick<Collection, 'id'> | null): SortKnown {
  return async documents => {
    if (target === null) return documents.map(() => true)
    const known = await store.known(
      target.id,
      documents.map(document => document.source),
    )
    return documents.map(({ source, hash }) => !known.get(source)?.hash.equals(hash))
  }
}

interface Gathered {
  readonly drafts: readonly Draft[]
  /** Sources of unchanged documents. */
  readonly unchanged: readonly string[]
  readonly characters: number
}

async function* batches(
  outcomes: AsyncIterable<Outcome>,
  { onFault, onColumns }: Required<Pick<LoadOptions, 'onFault' | 'onColumns'>>,
): AsyncGenerator<Gathered> {
  let drafts: Draft[] = []
  let unchanged: string[] = []
  let characters = 0
  let bytes = 0
  for await (const outcome of outcomes) {
    if ('fault' in outcome) {
      onFault(outcome.fault)
      continue
    }
    if ('columns' in outcome) {
      onColumns(outcome.columns)
      continue
    }
    if ('draft' in outcome) drafts.push(outcome.draft)
    else unchanged.push(outcome.unchanged.source)
    characters += 'draft' in outcome ? outcome.draft.text.length : outcome.unchanged.characters
    bytes +=
      'draft' in outcome && typeof outcome.draft.original === 'object'
        ? (outcome.draft.original?.content.length ?? 0)
        : 0
    const isFull = drafts.length + unchanged.length >= batchDocuments || characters >= batchCharacters
    if (!isFull && bytes < batchOriginalBytes) continue
    yield { drafts, unchanged, characters }
    drafts = []
    unchanged = []
    characters = 0
    bytes = 0
  }
  if (drafts.length + unchanged.length > 0) yield { drafts, unchanged, characters }
}
