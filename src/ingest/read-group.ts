import { createAssembler, sizeOf, TooLargeError, type Answer, type Part, type Piece } from './pieces.ts'
import type { Outcome, SortKnown } from './outcomes.ts'
import type { FilesTask, ModelFacts } from './prepare-task.ts'
import type { FileToRead } from './read.ts'
import type { Queue } from './queue.ts'

/** Why a process that read files ended early. */
export interface GroupLoss {
  readonly by: 'cpu' | 'memory' | 'failed' | 'gone'
  readonly reason: string
}

export interface GroupDeps {
  readonly model: ModelFacts
  /** Runs the task in a separate process. Resolves with null when it finished. */
  readonly run: (
    task: FilesTask,
    onPart: (part: Part) => Promise<Answer>,
    signal: AbortSignal,
  ) => Promise<GroupLoss | null>
  readonly sort: SortKnown
  readonly keep: FilesTask['keep']
  /** Describes the fault of a document that ended a process, in words that follow its name. */
  readonly reasonOf: (loss: GroupLoss) => string
  readonly onBytes: (count: number) => void
}

/** Progress of a task: the current file, the number of its results received so far, and the current work. */
interface At {
  readonly file: number
  readonly done: number
  readonly work: 'reading' | 'drafting'
  readonly line?: number | undefined
}

/** A file is skipped after it has ended this many processes. */
const maxLosses = 20

/**
 * Reads and drafts the documents of a group in another process. If that process ends early, a new one resumes in
 * careful mode and announces each document. This identifies the document that ends the process; it becomes a fault, and
 * the rest is read.
 */
export async function readGroup(
  files: readonly FileToRead[],
  deps: GroupDeps,
  put: Queue<Outcome>['put'],
  signal: AbortSignal,
): Promise<void> {
  let at: At = { file: 0, done: 0, work: 'reading' }
  let isCareful = false
  let losses = 0
  let goneAt: At | null = null
  while (at.file < files.length) {
    const first = at
    const task: FilesTask = {
      kind: 'files',
      model: deps.model,
      files: files.slice(first.file),
      skip: first.done,
      isCareful,
      keep: deps.keep,
    }
    const receiver = createReceiver(first, deps, put)
    const loss = await deps.run(task, receiver.onPart, signal).catch((error: unknown) => tooLarge(error))
    if (loss === null) return
    at = receiver.at()
    const isSame = goneAt !== null && goneAt.file === at.file && goneAt.done === at.done
    if (!isCareful) {
      isCareful = true
    } else if (loss.by === 'gone' && !isSame) {
      goneAt = at
    } else {
      losses = at.file === first.file ? losses + 1 : 1
      const isFileSkipped = at.work === 'reading' || losses >= maxLosses
      const rest =
        losses >= maxLosses && at.work === 'drafting'
          ? '; so did other documents, and the rest of the file was skipped'
          : ''
      await put({ fault: faultOf(files[at.file]!, at, deps.reasonOf(loss) + rest) }, 0)
      at = isFileSkipped
        ? { file: at.file + 1, done: 0, work: 'reading' }
        : { ...at, done: at.done + 1, work: 'reading', line: undefined }
    }
  }
}

function tooLarge(error: unknown): GroupLoss {
  if (error instanceof TooLargeError) return { by: 'memory', reason: 'its chunks are far larger than its text' }
  throw error
}

function faultOf({ path, source }: FileToRead, { line }: At, reason: string) {
  return { path, source, reason, ...(line !== undefined && { line }) }
}

/** Receives the messages of the process and tracks its progress. */
function createReceiver(first: At, { sort, onBytes }: GroupDeps, put: Queue<Outcome>['put']) {
  const assembler = createAssembler()
  let at: At = { ...first, work: 'reading', line: undefined }
  let isFirst = true

  async function onPart(part: Part): Promise<Answer> {
    if ('known' in part) return await sort(part.known)
    for (const piece of part.pieces) await take(piece)
    return null
  }

  async function take(piece: Piece): Promise<void> {
    if (piece.kind === 'bytes') return onBytes(piece.count)
    if (piece.kind === 'at') return void (at = { ...at, work: piece.work, line: piece.line })
    if (piece.kind === 'file') return enter(piece.index)
    // Comes with a document, so it does not count as a result of its own.
    if (piece.kind === 'columns') return await put({ columns: piece.columns }, 100)
    if (piece.kind === 'fault') return await give({ fault: piece.fault }, 0)
    if (piece.kind === 'unchanged') return await give({ unchanged: piece }, 100)
    characters += sizeOf(piece)
    const draft = assembler.take(piece)
    if (draft === null) return
    const size = characters
    characters = 0
    await give({ draft }, size)
  }

  let characters = 0

  /** Counts a result before it is queued, so that it is never received twice. */
  async function give(outcome: Outcome, size: number): Promise<void> {
    at = { ...at, done: at.done + 1, work: 'reading', line: undefined }
    await put(outcome, size)
  }

  function enter(index: number): void {
    if (!isFirst || index > 0) at = { file: first.file + index, done: 0, work: 'reading' }
    isFirst = false
  }

  return { onPart, at: () => at }
}
