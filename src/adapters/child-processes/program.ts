import { readdirSync, writeFileSync } from 'node:fs'
import type { FromChild, ToChild } from './messages.ts'
import { watchParent } from './orphan-watch.ts'
import { lowerPriority } from './priority.ts'

/** Sends a part of the result and waits for the answer. `isNew` starts a new piece of work with limits of its own. */
export type SendPart<Part, Answer> = (part: Part, isNew?: boolean) => Promise<Answer>

/**
 * The counterpart of pool.ts: runs one task after another until the parent goes away. What `work` throws is reported as
 * the task's failure, and the next task may follow.
 */
export function serveTasks<Task, Part, Answer, Result>(
  work: (task: Task, sendPart: SendPart<Part, Answer>) => Promise<Result>,
): void {
  let resolveAnswer: (answer: Answer) => void = () => {}
  const send = (message: FromChild<Part, Result>) => void process.send?.(message)
  const sendPart: SendPart<Part, Answer> = async (part, isNew = false) => {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    resolveAnswer = resolve
    send({ kind: 'part', part, isNew })
    return await promise
  }

  watchParent(Number(process.argv[2]))
  ignoreSignals()
  raiseOomScore()
  for (const thread of threads()) lowerPriority(thread)
  process.on('message', (message: ToChild<Task, Answer>) => {
    if ('answer' in message) return resolveAnswer(message.answer)
    work(message.task, sendPart).then(
      result => send({ kind: 'done', result }),
      (error: unknown) => send({ kind: 'failed', reason: describe(error) }),
    )
  })
  send({ kind: 'ready' })
}

/**
 * Ctrl-C and a service manager's SIGTERM go to all processes. The parent finishes its work first and then ends this
 * one.
 */
function ignoreSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
}

/**
 * Makes the kernel kill this process before the service when memory runs out: that loses one document rather than every
 * request.
 */
function raiseOomScore(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500')
  } catch {
    // not Linux, or not permitted: keep the default
  }
}

/** Ids of the threads of this process (0: the calling one, where there is no list). */
function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    return [0]
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
