import { isAskError } from '../errors.ts'
import { chunkingMark, chunkSettings } from './chunk-settings.ts'
import { withoutUnits, type Draft } from './draft.ts'
import type { LoadDeps } from './load.ts'
import { isFromStoredText } from './prepare.ts'
import type {
  Collection,
  NamedModel,
  PendingDocument,
  PreparedDocument,
  ReadFault,
  ReindexStore,
  Restorable,
  StoredForReindex,
} from './terms.ts'

export interface ReindexDeps {
  readonly store: ReindexStore
  readonly prepare: (document: Restorable, target: Collection, signal: AbortSignal) => Promise<Draft>
  readonly embed: LoadDeps['embed']
  readonly rowFault: LoadDeps['rowFault']
  readonly model: NamedModel
  /** Chunks of the collection up to which units are embedded. */
  readonly unitsUpTo?: number | undefined
}

export interface ReindexOptions {
  readonly signal: AbortSignal
  readonly onProgress?: (report: ReindexReport) => void
  readonly onFault?: (fault: ReadFault) => void
}

export interface ReindexReport {
  readonly reindexed: number
  /** Of these, prepared from their stored text, because what they were made from was not kept. */
  readonly fromStoredText: number
  /** Written or deleted by others meanwhile, who have the last word. */
  readonly overtaken: number
  readonly faults: number
  readonly chunks: number
}

const nothing: ReindexReport = { reindexed: 0, fromStoredText: 0, overtaken: 0, faults: 0, chunks: 0 }

/** Limits of a batch that is prepared, embedded and written together. */
const batchDocuments = 64
const batchBytes = 400_000

/**
 * Prepares the documents of a collection again and replaces each as a whole, a batch per transaction. If the process is
 * killed, the next run finds those that were written up to date and resumes. If its chunk settings change meanwhile, it
 * begins again with those. Throws if the model or the database fails; a document that cannot be prepared stays as it is
 * and is a fault.
 */
export async function reindex(name: string, deps: ReindexDeps, options: ReindexOptions): Promise<ReindexReport> {
  const { store } = deps
  const { signal } = options
  let target = await store.open(name, deps.model)
  let report = nothing
  for (let after = ''; ;) {
    signal.throwIfAborted()
    const before = target
    target = await store.open(name, deps.model)
    if (!isDividedAs(target, before)) after = ''
    const pending = await store.next(target.id, after, batchDocuments)
    if (pending.length === 0) return report
    const batch = pending.slice(0, countWithin(pending))
    after = batch.at(-1)!.source
    const stored = await store.read(batch.map(each => each.id))
    report = added(report, await reindexBatch(target, stored, deps, options))
    const missing = batch.length - stored.length
    report = { ...report, overtaken: report.overtaken + missing }
    options.onProgress?.(report)
  }
}

function isDividedAs(collection: Collection, other: Collection): boolean {
  const [one, two] = [collection, other].map(({ chunking }) => chunkingMark(chunkSettings(chunking)))
  return one!.equals(two!)
}

/** How many documents make a batch: at least one. */
function countWithin(pending: readonly PendingDocument[]): number {
  let bytes = 0
  const tooMany = pending.findIndex(each => (bytes += each.bytes) > batchBytes)
  return tooMany === -1 ? pending.length : Math.max(1, tooMany)
}

async function reindexBatch(
  target: Collection,
  stored: readonly StoredForReindex[],
  deps: ReindexDeps,
  { signal, onFault }: ReindexOptions,
): Promise<ReindexReport> {
  let faults = 0
  const fault = (source: string, reason: string) => {
    faults += 1
    onFault?.({ path: source, source, reason })
  }
  const drafts = await Promise.all(stored.map(each => draftOf(each, target, { ...deps, fault }, signal)))
  const hasUnits = target.chunkCount <= (deps.unitsUpTo ?? Infinity)
  const prepared = await deps.embed(
    target.name,
    drafts.filter(draft => draft !== null).map(draft => (hasUnits ? draft : withoutUnits(draft))),
    (draft, reason) => fault(draft.source, reason),
    signal,
  )
  signal.throwIfAborted()
  const expected = new Map(stored.map(each => [each.id, each.hash]))
  const written = new Set(await rewriteEach(target, prepared, expected, { ...deps, fault }))
  const replaced = prepared.filter(({ id }) => written.has(id))
  return {
    reindexed: replaced.length,
    fromStoredText: replaced.filter(({ hash }) => isFromStoredText(hash)).length,
    overtaken: stored.length - replaced.length - faults,
    faults,
    chunks: replaced.reduce((sum, { chunks }) => sum + chunks.length, 0),
  }
}

type Fault = (source: string, reason: string) => void

async function draftOf(
  { document }: StoredForReindex,
  target: Collection,
  { prepare, fault }: ReindexDeps & { readonly fault: Fault },
  signal: AbortSignal,
): Promise<Draft | null> {
  try {
    return await prepare(document, target, signal)
  } catch (error) {
    const isOfDocument =
      isAskError(error, 'document_refused') ||
      isAskError(error, 'document_too_costly') ||
      isAskError(error, 'preparing_failed')
    if (!isOfDocument) throw error
    fault(document.source, error.detail)
    return null
  }
}

/** In one transaction or, if a document cannot be stored, each in its own. */
async function rewriteEach(
  target: Collection,
  prepared: readonly PreparedDocument[],
  expected: ReadonlyMap<string, Buffer>,
  deps: Pick<ReindexDeps, 'store' | 'rowFault'> & { readonly fault: Fault },
): Promise<string[]> {
  try {
    return [...(await deps.store.rewrite(target, prepared, expected))]
  } catch (error) {
    const reason = deps.rowFault(error)
    if (reason === null) throw error
    const [first] = prepared
    if (prepared.length === 1 && first) return (deps.fault(first.source, reason), [])
    const written: string[] = []
    for (const document of prepared) written.push(...(await rewriteEach(target, [document], expected, deps)))
    return written
  }
}

function added(a: ReindexReport, b: ReindexReport): ReindexReport {
  return {
    reindexed: a.reindexed + b.reindexed,
    fromStoredText: a.fromStoredText + b.fromStoredText,
    overtaken: a.overtaken + b.overtaken,
    faults: a.faults + b.faults,
    chunks: a.chunks + b.chunks,
  }
}
