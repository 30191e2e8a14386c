import type { Serializable } from 'node:child_process'
import { AskError } from '../../errors.ts'
import { failureOf, lossOf, type Loss } from './loss.ts'
import type { FromChild } from './messages.ts'
import { startChild, type Child, type ChildEnd } from './process.ts'
import { watchChild, type ChildLimits, type ChildWatch, type Exceeded } from './watch.ts'

export type Outcome<Result> = { readonly result: Result } | { readonly loss: Loss }

export interface ChildPoolOptions {
  /** A program that calls `serveTasks` (program.ts). */
  readonly program: URL
  /** Maximum number of children. They are started when there is work. */
  readonly size: number
  readonly limits: ChildLimits
  /** Bounds on the places and the bytes they reserve at the same time; beyond them `enter` throws. */
  readonly room: { readonly bytes: number; readonly places: number }
  /** Idle time after which a child is ended. */
  readonly idleMs?: number
}

/** An admitted caller. Children are shared fairly between places. */
export interface Place {
  leave(): void
}

export interface RunOptions<Part, Answer> {
  readonly place: Place
  readonly signal: AbortSignal
  /** The child continues when it has the answer. */
  readonly onPart: (part: Part) => Answer | Promise<Answer>
}

export interface PoolStatus {
  readonly children: number
  readonly busy: number
  /** Tasks waiting for a child. */
  readonly waiting: number
  /** Admitted callers, and the bytes they reserve. */
  readonly places: number
  readonly bytes: number
}

interface Job {
  readonly task: unknown
  readonly place: Place
  readonly onPart: (part: unknown) => unknown
  readonly settle: (outcome: Outcome<unknown>) => void
  readonly reject: (reason: unknown) => void
  readonly stopListening: () => void
}

interface Worker {
  readonly child: Child
  job: Job | undefined
  watch: ChildWatch | undefined
  isReady: boolean
  exceeded: Exceeded | undefined
  idle: NodeJS.Timeout | undefined
}

const usualIdleMs = 60_000
/**
 * V8's heap may use this share of a child's memory. The rest is for what is outside the heap: the program itself,
 * buffers, garbage.
 */
const heapShare = 0.55
/**
 * A child whose memory grew beyond this share is replaced after its task, so that the next task has the full memory.
 */
const grownShare = 0.6

/**
 * Child processes with one queue. Whatever a task does to its process (loops, unbounded memory, a crash), this process
 * goes on: the child is ended, and replaced when there is work. Tasks of the place with the fewest running tasks go
 * first.
 */
export function createChildPool<Task extends Serializable, Part, Answer, Result>(options: ChildPoolOptions) {
  const { program, size: maxChildren, limits, room, idleMs = usualIdleMs } = options
  const heapMb = Math.max(16, Math.floor((limits.memoryBytes * heapShare) / 2 ** 20))
  const workers = new Set<Worker>()
  const places = new Set<Place>()
  let waiting: readonly Job[] = []
  let bytes = 0
  let isClosed = false

  /**
   * Reserves `size` bytes until the place is left. Throws `overloaded` when there is no room; a caller that is alone is
   * always admitted.
   */
  function enter(size: number): Place {
    const isFull = places.size >= room.places || (places.size > 0 && bytes + size > room.bytes)
    if (isFull)
      throw new AskError('overloaded', {
        detail: 'Too many documents are waiting to be prepared; try again later.',
        retryAfter: 2,
      })
    const place: Place = { leave: () => void (places.delete(place) && (bytes -= size)) }
    places.add(place)
    bytes += size
    return place
  }

  /**
   * Rejects with the signal's reason, or with `draining` when the pool is closed. Failures in the child are an outcome,
   * not a rejection.
   */
  function run(task: Task, { place, signal, onPart }: RunOptions<Part, Answer>): Promise<Outcome<Result>> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (isClosed) return Promise.reject(new AskError('draining'))
    const { promise, resolve, reject } = Promise.withResolvers<Outcome<Result>>()
    const onAbort = () => abandon(job, signal.reason)
    const job: Job = {
      task,
      place,
      onPart: onPart as Job['onPart'],
      settle: resolve as Job['settle'],
      reject,
      stopListening: () => signal.removeEventListener('abort', onAbort),
    }
    signal.addEventListener('abort', onAbort, { once: true })
    waiting = [...waiting, job]
    dispatch()
    return promise
  }

  function dispatch(): void {
    for (let job = nextJob(); job !== undefined; job = nextJob()) {
      const worker = freeWorker()
      if (worker === undefined) return
      waiting = waiting.filter(other => other !== job)
      assign(worker, job)
    }
  }

  function nextJob(): Job | undefined {
    const running = new Map<Place, number>()
    for (const { job } of workers) if (job) running.set(job.place, (running.get(job.place) ?? 0) + 1)
    return waiting.toSorted((a, b) => (running.get(a.place) ?? 0) - (running.get(b.place) ?? 0))[0]
  }

  function freeWorker(): Worker | undefined {
    for (const worker of workers) if (worker.job === undefined) return worker
    return workers.size < maxChildren ? startWorker() : undefined
  }

  function startWorker(): Worker {
    const child = startChild(
      { program, heapMb },
      message => void onMessage(worker, message as FromChild<unknown, unknown>),
    )
    const worker: Worker = {
      child,
      job: undefined,
      watch: undefined,
      isReady: false,
      exceeded: undefined,
      idle: undefined,
    }
    workers.add(worker)
    void child.ended.then(how => onEnded(worker, how))
    return worker
  }

  function assign(worker: Worker, job: Job): void {
    clearTimeout(worker.idle)
    worker.job = job
    worker.child.keepAlive(true)
    worker.watch =
      worker.child.pid === undefined ? undefined : watchChild(worker.child.pid, limits, what => killFor(worker, what))
    worker.child.send({ task: job.task as Serializable })
  }

  async function onMessage(worker: Worker, message: FromChild<unknown, unknown>): Promise<void> {
    const { job } = worker
    if (message.kind === 'ready') worker.isReady = true
    else if (job === undefined) return
    else if (message.kind === 'part') await answer(worker, job, message)
    else
      release(worker, job, message.kind === 'done' ? { result: message.result } : { loss: failureOf(message.reason) })
  }

  async function answer(worker: Worker, job: Job, { part, isNew }: { part: unknown; isNew: boolean }): Promise<void> {
    if (isNew) worker.watch?.restart()
    worker.watch?.setWaiting(true)
    try {
      const reply = await job.onPart(part)
      if (worker.job !== job) return
      worker.watch?.setWaiting(false)
      worker.child.send({ answer: reply as Serializable })
    } catch (error) {
      abandon(job, error)
    }
  }

  function release(worker: Worker, job: Job, outcome: Outcome<unknown>): void {
    worker.watch?.stop()
    worker.job = undefined
    worker.child.keepAlive(false)
    // A child that was killed may still have sent its last message. It must not get the next task, nor must that task
    // be blamed.
    if (worker.exceeded !== undefined || (worker.watch?.rssBytes ?? 0) > limits.memoryBytes * grownShare)
      discard(worker)
    else worker.idle = setTimeout(() => discard(worker), idleMs).unref()
    settle(job, outcome)
    dispatch()
  }

  /** Removes the worker from the pool and kills it. Its end is not reported. */
  function discard(worker: Worker): void {
    clearTimeout(worker.idle)
    worker.watch?.stop()
    workers.delete(worker)
    worker.job = undefined
    worker.child.kill()
  }

  function settle(job: Job, outcome: Outcome<unknown>): void {
    job.stopListening()
    job.settle(outcome)
  }

  function killFor(worker: Worker, what: Exceeded): void {
    worker.exceeded = what
    worker.child.kill()
  }

  function abandon(job: Job, reason: unknown): void {
    job.stopListening()
    waiting = waiting.filter(other => other !== job)
    for (const worker of workers) if (worker.job === job) discard(worker)
    job.reject(reason)
    dispatch()
  }

  function onEnded(worker: Worker, how: ChildEnd): void {
    clearTimeout(worker.idle)
    worker.watch?.stop()
    if (!workers.delete(worker)) return
    const { job } = worker
    worker.job = undefined
    if (job) settle(job, { loss: lossOf(how, worker) })
    dispatch()
  }

  async function close(): Promise<void> {
    isClosed = true
    const ending = [...workers]
    const jobs = [...waiting, ...ending.flatMap(({ job }) => job ?? [])]
    for (const job of jobs) abandon(job, new AskError('draining'))
    for (const worker of ending) {
      // Otherwise this process could exit while it waits for a child that does not keep it alive.
      worker.child.keepAlive(true)
      discard(worker)
    }
    await Promise.all(ending.map(({ child }) => child.ended))
  }

  const status = (): PoolStatus => ({
    children: workers.size,
    busy: [...workers].filter(({ job }) => job).length,
    waiting: waiting.length,
    places: places.size,
    bytes,
  })

  return { enter, run, status, close, pids: () => [...workers].flatMap(({ child }) => child.pid ?? []) }
}
