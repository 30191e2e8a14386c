import { AskError, isAskError } from '../errors.ts'
import type { TokenCounting } from '../ask/retrieval/embedder.ts'
import type { DraftModel } from './draft.ts'
import { addDraft, createPacker, type Packer, type Piece, type SayPart } from './pieces.ts'
import { contentHash } from './prepare.ts'
import type { DocumentInput } from './document-from.ts'
import type { FileToRead } from './read.ts'
import { UnreadableError } from './readers/content.ts'
import { isTooDeep } from './readers/too-deep.ts'
import type { ReadResult, SourceDocument } from './terms.ts'

/** The properties of an embedding model that another process needs. */
export interface ModelFacts extends Omit<DraftModel, 'countTokens'> {
  readonly counting: TokenCounting
}

/** A document from a request. */
export interface GivenTask {
  readonly kind: 'given'
  readonly model: ModelFacts
  readonly document: DocumentInput
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
}

export type PrepareTask = GivenTask | FilesTask

/** Why the document is rejected, or null when everything was sent. */
export type PrepareResult = { readonly refused: string | null }

/** Reads, chunks and analyzes the documents of a task and sends them. Runs in a child process, which it may crash. */
export async function prepareTask(
  task: PrepareTask,
  countTokens: DraftModel['countTokens'],
  say: SayPart,
): Promise<PrepareResult> {
  const model = { ...task.model, countTokens }
  if (task.kind === 'given') return await prepareGiven(task, model, say)
  await prepareFiles(task, model, say)
  return { refused: null }
}

async function prepareGiven({ document: input }: GivenTask, model: DraftModel, say: SayPart): Promise<PrepareResult> {
  const { documentFrom } = await import('./document-from.ts')
  try {
    const document = documentFrom(input)
    if (document.text.trim() === '') return { refused: 'has no text' }
    const packer = createPacker(say)
    const [isWanted] = await wantedOf([document], say)
    if (isWanted) await addDraft(packer, document, model)
    else await packer.add(unchanged(document))
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
  say: SayPart,
  isNew = false,
): Promise<readonly boolean[]> {
  if (documents.length === 0) return []
  return (
    (await say(
      { known: documents.map(document => ({ source: document.source, hash: contentHash(document) })) },
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
  const batch = createBatch(task.isCareful, model, say)
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

function createBatch(isCareful: boolean, model: DraftModel, say: SayPart) {
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
    const answers = await wantedOf(documents, say, true)
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
    await sendDraft(packer, entry.document, model)
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
async function sendDraft(packer: Packer, document: SourceDocument, model: DraftModel): Promise<void> {
  try {
    await addDraft(packer, document, model)
  } catch (error) {
    throw new AskError('internal', {
      detail: isTooDeep(error)
        ? 'is nested too deeply'
        : `cannot be prepared (${error instanceof Error ? error.message : String(error)})`,
      cause: error,
    })
  }
}
