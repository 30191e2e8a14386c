import { writeFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import type { FromChild, ToChild } from './messages.ts'
import { watchParent } from './orphan-watch.ts'

/** Hands a part of the result over and waits for the answer. `isNew`: a new piece of work begins, with limits of its own. */
export type Say<Part, Answer> = (part: Part, isNew?: boolean) => Promise<Answer>

/**
 * The other end of pool.ts: does one task after the other until the parent goes away. What `work` throws is told as
 * its failure, and the next task may come.
 */
export function serveTasks<Task, Part, Answer, Result>(
  work: (task: Task, say: Say<Part, Answer>) => Promise<Result>,
): void {
  let take: (answer: Answer) => void = () => {}
  const tell = (message: FromChild<Part, Result>) => void process.send?.(message)
  const say: Say<Part, Answer> = async (part, isNew = false) => {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    take = resolve
    tell({ kind: 'part', part, isNew })
    return await promise
  }

  watchParent(Number(process.argv[2]))
  ignoreSignals()
  volunteer()
  stepBack()
  process.on('message', (message: ToChild<Task, Answer>) => {
    if ('answer' in message) return take(message.answer)
    work(message.task, say).then(
      result => tell({ kind: 'done', result }),
      (error: unknown) => tell({ kind: 'failed', reason: describe(error) }),
    )
  })
  tell({ kind: 'ready' })
}

/** Ctrl-C and a service manager's SIGTERM go to all processes at once; the parent finishes its work first, and then ends us. */
function ignoreSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
}

/** Where memory runs out, the kernel ends us rather than the service: a document is lost, not every request. */
function volunteer(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500')
  } catch {
    // Not Linux, or not allowed: then it is as it is.
  }
}

/** About a thirtieth of the parent's weight: while all processors are busy, questions run before uploads. */
const niceness = 15

function stepBack(): void {
  try {
    setPriority(Math.min(19, getPriority() + niceness))
  } catch {
    // Not allowed: then they are equals.
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
