import { createAssembler, sizeOf, TooLargeError, type Answer, type Part, type Piece } from './pieces.ts'
import type { Outcome, SortKnown } from './outcomes.ts'
import type { FilesTask, ModelFacts } from './prepare-task.ts'
import type { FileToRead } from './read.ts'
import type { Queue } from './queue.ts'

/** Why a process that read files has ended before it was done. */
export interface GroupLoss {
  readonly by: 'cpu' | 'memory' | 'failed' | 'gone'
  readonly reason: string
}

export interface GroupDeps {
  readonly model: ModelFacts
  /** Does the task in a process of its own. Null: it was done. */
  readonly run: (
    task: FilesTask,
    onPart: (part: Part) => Promise<Answer>,
    signal: AbortSignal,
  ) => Promise<GroupLoss | null>
  readonly sort: SortKnown
  /** What is wrong with a document that ends a process, in words that follow its name. */
  readonly reasonOf: (loss: GroupLoss) => string
  readonly onBytes: (count: number) => void
}

/** Where a task is: how many results of which file are told, and what comes next. */
interface At {
  readonly file: number
  readonly done: number
  readonly work: 'reading' | 'drafting'
  readonly line?: number | undefined
}

/** A file that has ended so many processes is left. */
const mostLosses = 20

/**
 * The documents of some files, read and drafted in another process. One that ends is started again where it was, now
 * announcing each document: so it is known which of them has ended it. That one is a fault; the rest is told.
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
    }
    const told = createTold(first, deps, put)
    const loss = await deps.run(task, told.onPart, signal).catch((error: unknown) => tooLarge(error))
    if (loss === null) return
    at = told.at()
    const isSame = goneAt !== null && goneAt.file === at.file && goneAt.done === at.done
    if (!isCareful) {
      isCareful = true
    } else if (loss.by === 'gone' && !isSame) {
      goneAt = at
    } else {
      losses = at.file === first.file ? losses + 1 : 1
      const isLeft = at.work === 'reading' || losses >= mostLosses
      const rest =
        losses >= mostLosses && at.work === 'drafting' ? '; so did others, and the rest of the file is not read' : ''
      await put({ fault: faultOf(files[at.file]!, at, deps.reasonOf(loss) + rest) }, 0)
      at = isLeft
        ? { file: at.file + 1, done: 0, work: 'reading' }
        : { ...at, done: at.done + 1, work: 'reading', line: undefined }
    }
  }
}

function tooLarge(error: unknown): GroupLoss {
  if (error instanceof TooLargeError) return { by: 'memory', reason: 'it comes to far more than it is' }
  throw error
}

function faultOf({ path, source }: FileToRead, { line }: At, reason: string) {
  return { path, source, reason, ...(line !== undefined && { line }) }
}

/** Takes what the process tells, and knows where it is. */
function createTold(first: At, { sort, onBytes }: GroupDeps, put: Queue<Outcome>['put']) {
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

  /** A result counts before it is taken over: it must not be told twice. */
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
