import { createQueue, type Queue } from './queue.ts'

export interface InOrderOptions<Group, T> {
  /** Maximum number of groups that run concurrently. */
  readonly width: number
  /** Total size that a group may queue before its turn. */
  readonly most: number
  /** Runs a group and queues its results with `put`. */
  readonly run: (group: Group, put: Queue<T>['put'], signal: AbortSignal) => Promise<void>
}

/**
 * Runs several groups concurrently and yields their results in the order of the groups. A group that is far ahead
 * waits. When the consumer stops, the running groups are aborted.
 */
export async function* inOrder<Group, T>(
  groups: Iterable<Group>,
  signal: AbortSignal,
  { width, most, run }: InOrderOptions<Group, T>,
): AsyncGenerator<T> {
  const stopped = new AbortController()
  const aborted = AbortSignal.any([signal, stopped.signal])
  const remaining = groups[Symbol.iterator]()
  const queues: Queue<T>[] = []
  let running = 0

  function start(): void {
    while (running < width) {
      const { done, value: group } = remaining.next()
      if (done) return
      const queue = createQueue<T>(most)
      queues.push(queue)
      running += 1
      run(group, queue.put, aborted)
        .then(
          () => queue.end(),
          (error: unknown) => queue.end(error),
        )
        .finally(() => {
          running -= 1
          if (!aborted.aborted) start()
        })
    }
  }

  try {
    start()
    for (let queue = queues.shift(); queue !== undefined; queue = queues.shift()) yield* queue
  } finally {
    stopped.abort(new Error('the consumer has stopped'))
    for (const queue of queues) queue.end()
  }
}
