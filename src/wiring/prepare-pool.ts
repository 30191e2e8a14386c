import type { Loss } from '../adapters/child-processes/loss.ts'
import { createChildPool, type Place, type PoolStatus } from '../adapters/child-processes/pool.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { AskError } from '../errors.ts'
import { silent, type Events } from '../events.ts'
import { chunkSettings } from '../ingest/chunk-settings.ts'
import type { DocumentInput } from '../ingest/document-from.ts'
import type { Draft } from '../ingest/draft.ts'
import type { FileOrFault } from '../ingest/find-files.ts'
import { groupsOf, type Group } from '../ingest/groups.ts'
import { inOrder } from '../ingest/in-order.ts'
import type { Outcome, SortKnown } from '../ingest/outcomes.ts'
import { createAssembler, TooLargeError, type Answer, type Known, type Part } from '../ingest/pieces.ts'
import type { ModelFacts, PrepareResult, PrepareTask } from '../ingest/prepare-task.ts'
import type { FileOptions } from '../ingest/read.ts'
import type { Collection, Restorable } from '../ingest/terms.ts'
import { readGroup } from '../ingest/read-group.ts'
import type { Config } from '../config/terms.ts'

/** What drafts depend on of their collection; null and undefined for a new one. */
export type DraftedFor = Pick<Collection, 'languages' | 'chunking'>

export interface DraftOptions {
  readonly place: Place
  readonly signal: AbortSignal
  /** True when it is already stored unchanged and needs no draft. */
  readonly isStored: (known: Known) => boolean
  readonly collection?: DraftedFor | null | undefined
}

export interface FilesOptions extends FileOptions {
  readonly signal: AbortSignal
  readonly sort: SortKnown
  readonly collection?: DraftedFor | null | undefined
  readonly onBytes?: (count: number) => void
}

/** Reads, chunks and analyzes documents in separate processes, so that no document can take the service down. */
export interface Preparing {
  /** Reserves room for this many bytes of documents. Throws `overloaded` when there is none. */
  enter(bytes: number): Place
  /**
   * Null when it is already stored unchanged. Rejects with `document_refused`, `document_too_costly` or
   * `preparing_failed`.
   */
  draft(embedder: Embedder, document: DocumentInput, options: DraftOptions): Promise<Draft | null>
  /** The outcomes of files, in order. A file that cannot be prepared is a fault among them. */
  files(embedder: Embedder, found: Iterable<FileOrFault>, options: FilesOptions): AsyncIterable<Outcome>
  /** Prepares a stored document again. Rejects as `draft` does. */
  restored(embedder: Embedder, document: Restorable, options: Omit<DraftOptions, 'isStored'>): Promise<Draft>
  close(): Promise<void>
  status(): PoolStatus
  /** Ids of the processes. */
  pids(): number[]
}

const program = new URL('./prepare-child.ts', import.meta.url)
/** Maximum number of requests with documents in memory, however small. */
const maxPlaces = 200
/** Longer than a process waits for its disk; one that stalls this long never continues. */
const stalledMs = 120_000
/** Maximum characters of drafts that a group of files may be ahead. */
const maxAhead = 4_000_000

export function openPreparing(
  { workers, cpuSeconds, memoryMb, queueMb, ocr, keepOriginals: keep }: Config['prepare'],
  { documentLost }: Pick<Events, 'documentLost'> = silent,
): Preparing {
  const pool = createChildPool<PrepareTask, Part, Answer, PrepareResult>({
    program,
    size: workers,
    limits: { cpuMs: cpuSeconds * 1000, memoryBytes: memoryMb * 2 ** 20, stalledMs },
    room: { bytes: queueMb * 2 ** 20, places: maxPlaces },
  })

  const { errorOf, reasonOf } = describeLosses({ cpuSeconds, memoryMb })

  const draft: Preparing['draft'] = async (embedder, document, options) =>
    await drafted({ kind: 'given', model: factsOf(embedder, options.collection), document, keep }, options)

  const restored: Preparing['restored'] = async (embedder, document, options) => {
    const task = {
      kind: 'stored',
      model: factsOf(embedder, options.collection),
      document,
      keep,
      ocr,
    } as const
    const found = await drafted(task, { ...options, isStored: () => false })
    if (found === null) throw new Error(`${document.source} was not prepared`)
    return found
  }

  async function drafted(
    task: Exclude<PrepareTask, { kind: 'files' }>,
    { place, signal, isStored }: DraftOptions,
  ): Promise<Draft | null> {
    const { document } = task
    for (let attempts = 1; ; attempts++) {
      const receiver = createDraftReceiver(isStored)
      const outcome = await pool.run(task, { place, signal, onPart: receiver.onPart }).catch(tooLarge)
      if ('result' in outcome) {
        const { refused, warnings = [] } = outcome.result
        if (refused !== null) return refuse(document, refused)
        const draft = receiver.draft()
        return draft && { ...draft, warnings }
      }
      documentLost({ ...outcome.loss, source: document.source })
      if (outcome.loss.by !== 'gone' || attempts > 1) throw errorOf(document, outcome.loss)
    }
  }

  async function* files(
    embedder: Embedder,
    found: Iterable<FileOrFault>,
    { signal, sort, collection, onBytes = () => {}, ...options }: FilesOptions,
  ): AsyncGenerator<Outcome> {
    const place = pool.enter(0)
    const deps = {
      model: factsOf(embedder, collection),
      sort,
      keep,
      reasonOf,
      run: async (task: PrepareTask, onPart: (part: Part) => Promise<Answer>, ending: AbortSignal) => {
        const outcome = await pool.run(task, { place, signal: ending, onPart })
        return 'loss' in outcome ? outcome.loss : null
      },
    }
    try {
      const outcomes = inOrder<Group, Outcome | Read>(groupsOf(found, { ...options, ocr }), signal, {
        width: workers,
        most: maxAhead,
        async run(group, put, ending) {
          if ('fault' in group) return await put(group, 0)
          // In line with the documents: those that are prepared ahead are not what progress is about.
          const countBytes = (count: number) => void put({ bytes: count }, 0)
          await readGroup(group.files, { ...deps, onBytes: countBytes }, put, ending)
        },
      })
      for await (const each of outcomes) {
        if ('bytes' in each) onBytes(each.bytes)
        else yield each
      }
    } finally {
      place.leave()
    }
  }

  return { enter: pool.enter, draft, restored, files, close: pool.close, status: pool.status, pids: pool.pids }
}

/** Bytes of the files of the documents that follow. */
interface Read {
  readonly bytes: number
}

/** Describes a document that could not be prepared, for API clients (`errorOf`) and for files (`reasonOf`). */
function describeLosses({ cpuSeconds, memoryMb }: Pick<Config['prepare'], 'cpuSeconds' | 'memoryMb'>) {
  function errorOf({ source }: Pick<DocumentInput, 'source'>, { by, reason }: Loss): AskError {
    if (by === 'gone')
      return new AskError('preparing_failed', {
        detail: `Document "${source}" could not be prepared: its process was killed twice; check whether the machine runs out of memory.`,
        retryAfter: 5,
        cause: new Error(reason),
      })
    if (by === 'failed')
      return new AskError('document_refused', {
        detail: `Document "${source}" cannot be prepared.`,
        cause: new Error(reason),
      })
    return new AskError('document_too_costly', { detail: `Document "${source}" ${costOf(by)}.` })
  }

  function costOf(by: 'cpu' | 'memory'): string {
    const [limit, setting] =
      by === 'cpu'
        ? [`${cpuSeconds} s of CPU time`, 'PREPARE_CPU_SECONDS']
        : [`${memoryMb} MB of memory`, 'PREPARE_MEMORY_MB']
    return `takes more than ${limit} to prepare (${setting}); split it or simplify its markup (5 MB of ordinary Markdown or HTML and 10 MB of plain text are within the limits; very many short items or deep nesting cost more)`
  }

  function reasonOf({ by, reason }: Loss): string {
    if (by === 'cpu' || by === 'memory') return costOf(by)
    return by === 'gone' ? `the process preparing it was killed twice (${reason})` : reason.replace(/^AskError: /, '')
  }

  return { errorOf, reasonOf }
}

function refuse({ source }: Pick<DocumentInput, 'source'>, reason: string): never {
  throw new AskError('document_refused', { detail: `Document "${source}" ${reason}.` })
}

function factsOf(
  { counting, maxTokens, windowTokens, readsCode, languages, unitsUpTo = 0, areUnitsBehind = false }: Embedder,
  collection: DraftedFor | null = null,
): ModelFacts {
  const ofCollection = collection && { spoken: collection.languages, chunking: chunkSettings(collection.chunking) }
  const hasUnits = unitsUpTo > 0 && !areUnitsBehind
  return { counting, maxTokens, windowTokens, readsCode, languages, hasUnits, ...ofCollection }
}

/** Assembles the pieces of one document. */
function createDraftReceiver(isStored: (known: Known) => boolean) {
  const assembler = createAssembler()
  let draft: Draft | null = null
  const onPart = (part: Part): Answer => {
    if ('known' in part) return part.known.map(known => !isStored(known))
    for (const piece of part.pieces) draft = assembler.take(piece) ?? draft
    return null
  }
  return { onPart, draft: () => draft }
}

function tooLarge(error: unknown): { readonly loss: Loss } {
  if (error instanceof TooLargeError) return { loss: { by: 'memory', reason: 'it comes to far more than it is' } }
  throw error
}
