import { createQueue, type Queue } from './queue.ts'

export interface InOrderOptions<Group, T> {
  /** Groups that run at once. */
  readonly width: number
  /** What a group may put before it is its turn. */
  readonly most: number
  /** Puts what comes of a group. */
  readonly run: (group: Group, put: Queue<T>['put'], signal: AbortSignal) => Promise<void>
}

/**
 * Runs several groups at once and gives what comes of them in the groups' order. A later group waits when it is far ahead.
 * Whoever stops taking ends those that run.
 */
export async function* inOrder<Group, T>(
  groups: Iterable<Group>,
  signal: AbortSignal,
  { width, most, run }: InOrderOptions<Group, T>,
): AsyncGenerator<T> {
  const stopped = new AbortController()
  const ending = AbortSignal.any([signal, stopped.signal])
  const left = groups[Symbol.iterator]()
  const queues: Queue<T>[] = []
  let running = 0

  function start(): void {
    while (running < width) {
      const { done, value: group } = left.next()
      if (done) return
      const queue = createQueue<T>(most)
      queues.push(queue)
      running += 1
      run(group, queue.put, ending)
        .then(
          () => queue.end(),
          (error: unknown) => queue.end(error),
        )
        .finally(() => {
          running -= 1
          if (!ending.aborted) start()
        })
    }
  }

  try {
    start()
    for (let queue = queues.shift(); queue !== undefined; queue = queues.shift()) yield* queue
  } finally {
    stopped.abort(new Error('nobody takes any more'))
    for (const queue of queues) queue.end()
  }
}
