import { AskError, isAskError } from '../errors.ts'
import type { TokenCounting } from '../ask/retrieval/embedder.ts'
import type { DraftModel } from './draft.ts'
import { addDraft, createPacker, type Packer, type Piece, type SayPart } from './pieces.ts'
import { contentHash } from './prepare.ts'
import type { DocumentInput } from './document-from.ts'
import type { FileToRead } from './read.ts'
import { UnreadableError, type ReadingOptions } from './readers/content.ts'
import { fileOriginal, givenOriginal, keptOf, restore, type Keep } from './originals.ts'
import { isTooDeep } from './readers/too-deep.ts'
import type { ReadDocument, ReadResult, Restorable, SourceDocument } from './terms.ts'

/** The properties of an embedding model that another process needs. */
export interface ModelFacts extends Omit<DraftModel, 'countTokens'> {
  readonly counting: TokenCounting
}

/** A document from a request. */
export interface GivenTask {
  readonly kind: 'given'
  readonly model: ModelFacts
  readonly document: DocumentInput
  /** What is kept of the document. */
  readonly keep: Keep
}

/** A document that is stored and is prepared again. */
export interface StoredTask {
  readonly kind: 'stored'
  readonly model: ModelFacts
  readonly document: Restorable
  readonly keep: Keep
  /** How scanned pages are read, or undefined if they are not. */
  readonly ocr: ReadingOptions['ocr']
}

/** Files whose documents are sent in order. */
export interface FilesTask {
  readonly kind: 'files'
  readonly model: ModelFacts
  readonly files: readonly FileToRead[]
  /** Number of results of the first file that have already been received. */
  readonly skip: number
  /** Whether to announce each document before working on it, because one of them ended an earlier process. */
  readonly isCareful: boolean
  readonly keep: Keep
}

export type PrepareTask = GivenTask | FilesTask | StoredTask

/** Why the document is rejected, or null when everything was sent. */
export interface PrepareResult {
  readonly refused: string | null
  /** Problems of a document from a request that did not prevent it. */
  readonly warnings?: readonly string[]
}

/** Reads, chunks and analyzes the documents of a task and sends them. Runs in a child process, which it may crash. */
export async function prepareTask(
  task: PrepareTask,
  countTokens: DraftModel['countTokens'],
  say: SayPart,
): Promise<PrepareResult> {
  const model = { ...task.model, countTokens }
  if (task.kind === 'given') return await prepareGiven(task, model, say)
  if (task.kind === 'stored') return await prepareStored(task, model, say)
  await prepareFiles(task, model, say)
  return { refused: null }
}

async function prepareGiven(
  { document: input, keep }: GivenTask,
  model: DraftModel,
  say: SayPart,
): Promise<PrepareResult> {
  const { readInput } = await import('./document-from.ts')
  try {
    const { document, warnings } = readInput(input)
    if (document.text.trim() === '') return { refused: 'has no text' }
    const packer = createPacker(say)
    const [isWanted] = await wantedOf([document], model, say)
    if (isWanted) await addDraft(packer, document, model, { original: givenOriginal(input, document, keep) })
    else await packer.add(unchanged(document))
    await packer.flush()
    return { refused: null, warnings }
  } catch (error) {
    return { refused: refusalOf(error) }
  }
}

async function prepareStored({ document: stored, keep, ocr }: StoredTask, model: DraftModel, say: SayPart) {
  try {
    const { document, isReadAgain } = await restore(stored, { ocr })
    if (document.text.trim() === '') return { refused: 'has no text' }
    const packer = createPacker(say)
    // Its name stays, even if names are written otherwise today.
    await addDraft(packer, { ...document, source: stored.source }, model, {
      original: keptOf(stored.original, document, keep),
      from: isReadAgain ? 'original' : 'stored text',
    })
    await packer.flush()
    return { refused: null }
  } catch (error) {
    return { refused: refusalOf(error) }
  }
}

function refusalOf(error: unknown): string {
  if (error instanceof UnreadableError) return error.message
  if (isTooDeep(isAskError(error) ? error.cause : error)) return 'is nested too deeply'
  throw error
}

function unchanged({ source, text }: SourceDocument): Piece {
  return { kind: 'unchanged', source, characters: text.length }
}

async function wantedOf(
  documents: readonly SourceDocument[],
  model: DraftModel,
  say: SayPart,
  isNew = false,
): Promise<readonly boolean[]> {
  if (documents.length === 0) return []
  return (
    (await say(
      { known: documents.map(document => ({ source: document.source, hash: contentHash(document, model) })) },
      isNew,
    )) ?? []
  )
}

/** Limits of a batch of documents that share one `known` message. */
const batchDocuments = 64
const batchCharacters = 60_000

type Entry = ReadResult | { readonly file: number }

async function prepareFiles(task: FilesTask, model: DraftModel, say: SayPart): Promise<void> {
  const { readFound } = await import('./read.ts')
  const batch = createBatch(task, model, say)
  for (const [index, file] of task.files.entries()) {
    await batch.file(index)
    let known = index === 0 ? task.skip : 0
    for await (const result of readFound(file, { onBytes: batch.bytes })) {
      if (known === 0) await batch.add(result)
      else if (--known % 1000 === 0) await say({ pieces: [] }, true)
    }
  }
  await batch.drain()
}

function createBatch({ isCareful, keep }: FilesTask, model: DraftModel, say: SayPart) {
  const packer = createPacker(say)
  let entries: Entry[] = []
  let characters = 0
  let bytes = 0

  async function file(index: number): Promise<void> {
    entries.push({ file: index })
    if (!isCareful) return
    await drain()
    await announce({ kind: 'at', work: 'reading' })
  }

  async function add(result: ReadResult): Promise<void> {
    entries.push(result)
    if ('document' in result) characters += result.document.text.length
    if (isCareful || entries.length >= batchDocuments || characters >= batchCharacters) await drain()
  }

  async function drain(): Promise<void> {
    const full = entries
    entries = []
    characters = 0
    const documents = full.flatMap(entry => ('document' in entry ? entry.document : []))
    const wanted = new Set<SourceDocument>()
    const answers = await wantedOf(documents, model, say, true)
    documents.forEach((document, i) => answers[i] && wanted.add(document))
    if (bytes > 0) await packer.add({ kind: 'bytes', count: bytes })
    bytes = 0
    for (const entry of full) await send(entry, wanted)
    await packer.flush()
  }

  async function send(entry: Entry, wanted: ReadonlySet<SourceDocument>): Promise<void> {
    if ('file' in entry) return await packer.add({ kind: 'file', index: entry.file })
    if ('fault' in entry) return await packer.add({ kind: 'fault', fault: entry.fault })
    if (entry.columns !== undefined) await packer.add({ kind: 'columns', columns: entry.columns })
    if (!wanted.has(entry.document)) return await packer.add(unchanged(entry.document))
    if (isCareful) await announce({ kind: 'at', work: 'drafting', line: entry.line })
    await sendDraft(packer, entry, model, keep)
    if (isCareful) await announce({ kind: 'at', work: 'reading' })
  }

  async function announce(piece: Piece): Promise<void> {
    await packer.flush()
    await say({ pieces: [piece] }, true)
  }

  return { file, add, drain, bytes: (count: number) => void (bytes += count) }
}

/**
 * An error here ends the task, which is then retried in careful mode, because part of the document may have been sent.
 */
async function sendDraft(packer: Packer, entry: ReadDocument, model: DraftModel, keep: Keep): Promise<void> {
  try {
    await addDraft(packer, entry.document, model, { original: fileOriginal(entry, keep) })
  } catch (error) {
    throw new AskError('internal', {
      detail: isTooDeep(error)
        ? 'is nested too deeply'
        : `cannot be prepared (${error instanceof Error ? error.message : String(error)})`,
      cause: error,
    })
  }
}
