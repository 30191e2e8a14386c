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
  /** Children at the most, started when there is work for them. */
  readonly size: number
  readonly limits: ChildLimits
  /** What may be held at once by those who have entered; the next one is refused. */
  readonly room: { readonly bytes: number; readonly places: number }
  /** A child without work ends after so long. */
  readonly idleMs?: number
}

/** One who has entered: its tasks share the children fairly with those of others. */
export interface Place {
  leave(): void
}

export interface RunOptions<Part, Answer> {
  readonly place: Place
  readonly signal: AbortSignal
  /** Its answer lets the child go on. */
  readonly onPart: (part: Part) => Answer | Promise<Answer>
}

export interface PoolStatus {
  readonly children: number
  readonly busy: number
  /** Tasks that wait for a child. */
  readonly waiting: number
  /** Those who have entered, and what they hold. */
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
/** V8's heap has so much of a child's memory; the rest is for what is outside of it: the program itself, buffers, garbage. */
const heapShare = 0.55
/** A child that has grown beyond this is replaced after its task, so that the next one has its memory to itself. */
const grownShare = 0.6

/**
 * Child processes with one queue. Whatever a task does to its process (loops, memory without end, a crash), this one goes
 * on: the child is ended and replaced when there is work. Tasks of the place that has the fewest running come first.
 */
export function createChildPool<Task extends Serializable, Part, Answer, Result>(options: ChildPoolOptions) {
  const { program, size, limits, room, idleMs = usualIdleMs } = options
  const heapMb = Math.max(16, Math.floor((limits.memoryBytes * heapShare) / 2 ** 20))
  const workers = new Set<Worker>()
  const places = new Set<Place>()
  let waiting: readonly Job[] = []
  let bytes = 0
  let isClosed = false

  /** `size`: bytes that are held until it leaves. Throws `overloaded` when there is no room; alone, anybody has. */
  function enter(held: number): Place {
    const isFull = places.size >= room.places || (places.size > 0 && bytes + held > room.bytes)
    if (isFull)
      throw new AskError('overloaded', {
        detail: 'too many documents wait to be prepared; try again later',
        retryAfter: 2,
      })
    const place: Place = { leave: () => void (places.delete(place) && (bytes -= held)) }
    places.add(place)
    bytes += held
    return place
  }

  /** Rejects with the signal's reason, and with `draining` when the pool is closed; what goes wrong in the child is an outcome. */
  function run(task: Task, { place, signal, onPart }: RunOptions<Part, Answer>): Promise<Outcome<Result>> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (isClosed) return Promise.reject(new AskError('draining'))
    const { promise, resolve, reject } = Promise.withResolvers<Outcome<Result>>()
    const leave = () => abandon(job, signal.reason)
    const job: Job = {
      task,
      place,
      onPart: onPart as Job['onPart'],
      settle: resolve as Job['settle'],
      reject,
      stopListening: () => signal.removeEventListener('abort', leave),
    }
    signal.addEventListener('abort', leave, { once: true })
    waiting = [...waiting, job]
    dispatch()
    return promise
  }

  function dispatch(): void {
    for (let job = nextJob(); job !== undefined; job = nextJob()) {
      const worker = freeWorker()
      if (worker === undefined) return
      waiting = waiting.filter(other => other !== job)
      give(worker, job)
    }
  }

  function nextJob(): Job | undefined {
    const running = new Map<Place, number>()
    for (const { job } of workers) if (job) running.set(job.place, (running.get(job.place) ?? 0) + 1)
    return waiting.toSorted((a, b) => (running.get(a.place) ?? 0) - (running.get(b.place) ?? 0))[0]
  }

  function freeWorker(): Worker | undefined {
    for (const worker of workers) if (worker.job === undefined) return worker
    return workers.size < size ? startWorker() : undefined
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
    void child.ended.then(end => lose(worker, end))
    return worker
  }

  function give(worker: Worker, job: Job): void {
    clearTimeout(worker.idle)
    worker.job = job
    worker.child.hold(true)
    worker.watch =
      worker.child.pid === undefined ? undefined : watchChild(worker.child.pid, limits, what => exceed(worker, what))
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
      const given = await job.onPart(part)
      if (worker.job !== job) return
      worker.watch?.setWaiting(false)
      worker.child.send({ answer: given as Serializable })
    } catch (error) {
      abandon(job, error)
    }
  }

  function release(worker: Worker, job: Job, outcome: Outcome<unknown>): void {
    worker.watch?.stop()
    worker.job = undefined
    worker.child.hold(false)
    // One that was told to end may have said its last word all the same; the next task must not be given to it, nor blamed.
    if (worker.exceeded !== undefined || (worker.watch?.rssBytes ?? 0) > limits.memoryBytes * grownShare) retire(worker)
    else worker.idle = setTimeout(() => retire(worker), idleMs).unref()
    end(job, outcome)
    dispatch()
  }

  /** It is none of ours any more; what comes of it is told to nobody. */
  function retire(worker: Worker): void {
    clearTimeout(worker.idle)
    worker.watch?.stop()
    workers.delete(worker)
    worker.job = undefined
    worker.child.kill()
  }

  function end(job: Job, outcome: Outcome<unknown>): void {
    job.stopListening()
    job.settle(outcome)
  }

  function exceed(worker: Worker, what: Exceeded): void {
    worker.exceeded = what
    worker.child.kill()
  }

  function abandon(job: Job, reason: unknown): void {
    job.stopListening()
    waiting = waiting.filter(other => other !== job)
    for (const worker of workers) if (worker.job === job) retire(worker)
    job.reject(reason)
    dispatch()
  }

  function lose(worker: Worker, how: ChildEnd): void {
    clearTimeout(worker.idle)
    worker.watch?.stop()
    if (!workers.delete(worker)) return
    const { job } = worker
    worker.job = undefined
    if (job) end(job, { loss: lossOf(how, worker) })
    dispatch()
  }

  async function close(): Promise<void> {
    isClosed = true
    const ending = [...workers]
    const jobs = [...waiting, ...ending.flatMap(({ job }) => job ?? [])]
    for (const job of jobs) abandon(job, new AskError('draining'))
    for (const worker of ending) {
      // Or this process would end while it waits for one that does not keep it.
      worker.child.hold(true)
      retire(worker)
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
