import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { AskError } from '../../errors.ts'
import { assertNoLease } from '../postgres/one-lease-guard.ts'

/** A worker's reply to a few items: one result per item, in order, or an error message. */
export type WorkerReply<Result> = { readonly results: readonly Result[] } | { readonly error: string }

export interface PoolOptions {
  /** What error messages call the model: `The embedding model`. */
  readonly name: string
  /**
   * A program that posts `{ results: [] }` once its model is loaded and then replies to every list of items with a
   * {@link WorkerReply}.
   */
  readonly program: URL
  /** Maximum number of threads. One is started with the first item, another when enough work waits. */
  readonly size: number
  /** Items that a thread is given at a time: a question waits for at most that many items of a bulk load. */
  readonly itemsAtOnce: number
  /** Which of the waiting calls is served next; `singlesFirst` when absent. */
  readonly order?: Order
  /** Passed to the program as `workerData`. */
  readonly data?: unknown
}

/**
 * - `singlesFirst`: calls with one item (questions) before bulk loads, then in order of arrival.
 * - `inTurn`: the call that has received least so far, so that a question with much work does not hold up the others.
 */
export type Order = 'singlesFirst' | 'inTurn'

/** Called with each part of the results as it arrives; `first` is the index of its first item. */
export type OnResults<Result> = (first: number, results: readonly Result[]) => void

/** A call to `run`. Its items are handed out a few at a time, and it is done when the last result has arrived. */
interface Job<Item, Result> {
  readonly items: readonly Item[]
  readonly results: Result[]
  readonly onResults: OnResults<Result> | undefined
  next: number
  done: number
  readonly resolve: (results: Result[]) => void
  readonly reject: (reason: unknown) => void
}

interface Thread<Item, Result> {
  readonly worker: Worker
  readonly exited: Promise<void>
  /**
   * The thread is still loading its model, which takes seconds: a thread that is already working finishes an
   * item sooner.
   */
  isLoading: boolean
  /** What it computes now. Its job may have been abandoned since. */
  task: { readonly job: Job<Item, Result>; readonly first: number } | undefined
}

/**
 * Backlog that justifies another thread. Loading the model takes as long as a hundred texts, so less work would be done
 * before the thread is ready.
 */
const backlog = { calls: 4, items: 64 } as const

export type WorkerPool<Item, Result> = ReturnType<typeof createWorkerPool<Item, Result>>

/**
 * Worker threads with one queue. A thread takes a few items at a time, and `order` chooses whose, so no call waits for
 * all of a longer one. A thread that dies fails the call it was working on and is replaced when there is work.
 */
export function createWorkerPool<Item, Result>({ name, program, size, itemsAtOnce, order, data }: PoolOptions) {
  const threads = new Set<Thread<Item, Result>>()
  const nextJob = order === 'inTurn' ? leastServed<Item, Result> : singleOrFirst<Item, Result>
  let jobs: readonly Job<Item, Result>[] = []
  let isClosed = false

  function run(items: readonly Item[], signal: AbortSignal, onResults?: OnResults<Result>): Promise<Result[]> {
    assertNoLease(`${name.charAt(0).toLowerCase()}${name.slice(1)}`)
    if (signal.aborted) return Promise.reject(signal.reason)
    if (isClosed) return Promise.reject(modelFailed(`${name} is closed.`))
    if (items.length === 0) return Promise.resolve([])
    const { promise, resolve, reject } = Promise.withResolvers<Result[]>()
    const job: Job<Item, Result> = { items, results: [], onResults, next: 0, done: 0, resolve, reject }
    const onAbort = () => abandon(job, signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    jobs = [...jobs, job]
    dispatch()
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  function dispatch(): void {
    for (let job = nextJob(jobs); job !== undefined; job = nextJob(jobs)) {
      const thread = freeThread()
      if (thread === undefined) return
      assign(thread, job)
    }
  }

  function freeThread(): Thread<Item, Result> | undefined {
    for (const thread of threads) if (thread.task === undefined && !thread.isLoading) return thread
    if (threads.size === 0 || (threads.size < size && isWorthAThread(jobs)))
      threads.add(startThread<Item, Result>(program, data, { onReply, onExit }))
    return undefined
  }

  function assign(thread: Thread<Item, Result>, job: Job<Item, Result>): void {
    thread.task = { job, first: job.next }
    // A busy thread must keep the process alive, an idle one must not.
    thread.worker.ref()
    const items = job.items.slice(job.next, job.next + itemsAtOnce)
    job.next += items.length
    thread.worker.postMessage(items)
  }

  function onReply(thread: Thread<Item, Result>, reply: WorkerReply<Result>): void {
    const { task } = thread
    thread.task = undefined
    thread.isLoading = false
    thread.worker.unref()
    if (task !== undefined) deliver(task.job, task.first, reply)
    dispatch()
  }

  function deliver(job: Job<Item, Result>, first: number, reply: WorkerReply<Result>): void {
    if ('error' in reply) return abandon(job, modelFailed(`${name} failed.`, new Error(reply.error)))
    reply.results.forEach((result, i) => void (job.results[first + i] = result))
    job.done += reply.results.length
    job.onResults?.(first, reply.results)
    if (job.done < job.items.length) return
    jobs = jobs.filter(other => other !== job)
    job.resolve(job.results)
  }

  /** A thread still finishes the items it has: a few milliseconds of work are not worth restarting a thread. */
  function abandon(job: Job<Item, Result>, reason: unknown): void {
    jobs = jobs.filter(other => other !== job)
    job.reject(reason)
  }

  function onExit(thread: Thread<Item, Result>, cause?: unknown): void {
    if (!threads.delete(thread)) return
    // If no other thread is working, the next job was waiting for this one and must fail too. Otherwise a model that
    // cannot be loaded would be loaded forever.
    const isLast = [...threads].every(each => each.isLoading)
    const job = thread.task?.job ?? (isLast ? nextJob(jobs) : undefined)
    if (job !== undefined) abandon(job, modelFailed(`${name} stopped unexpectedly.`, cause))
    dispatch()
  }

  async function close(): Promise<void> {
    isClosed = true
    for (const job of jobs) abandon(job, modelFailed(`${name} is closed.`))
    const ending = [...threads]
    threads.clear()
    await Promise.all(ending.map(stopThread))
  }

  /** Calls that are not finished. */
  return { run, close, waiting: () => jobs.length }
}

function singleOrFirst<Item, Result>(jobs: readonly Job<Item, Result>[]): Job<Item, Result> | undefined {
  const ready = jobs.filter(isReady)
  return ready.find(job => job.items.length === 1) ?? ready[0]
}

function leastServed<Item, Result>(jobs: readonly Job<Item, Result>[]): Job<Item, Result> | undefined {
  const ready = jobs.filter(isReady)
  const least = Math.min(...ready.map(job => job.next))
  return ready.find(job => job.next === least)
}

function isReady({ next, items }: Pick<Job<unknown, unknown>, 'next' | 'items'>): boolean {
  return next < items.length
}

function isWorthAThread(jobs: readonly Pick<Job<unknown, unknown>, 'items' | 'next'>[]): boolean {
  let [calls, items] = [0, 0]
  for (const job of jobs) {
    const waiting = job.items.length - job.next
    calls += waiting > 0 ? 1 : 0
    items += waiting
    if (calls >= backlog.calls || items >= backlog.items) return true
  }
  return false
}

interface ThreadEvents<Item, Result> {
  readonly onReply: (thread: Thread<Item, Result>, reply: WorkerReply<Result>) => void
  readonly onExit: (thread: Thread<Item, Result>, cause?: unknown) => void
}

function startThread<Item, Result>(
  program: URL,
  data: unknown,
  { onReply, onExit }: ThreadEvents<Item, Result>,
): Thread<Item, Result> {
  const worker = new Worker(program, { workerData: data })
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  const thread: Thread<Item, Result> = { worker, exited, isLoading: true, task: undefined }
  // `node --watch` makes every thread report the files it reads, with messages that are not replies.
  worker.on(
    'message',
    (reply: WorkerReply<Result> | object) => void (('results' in reply || 'error' in reply) && onReply(thread, reply)),
  )
  // 'error' precedes 'exit', but 'exit' also occurs alone.
  worker.on('error', error => onExit(thread, error))
  worker.once('exit', () => onExit(thread))
  return thread
}

/** Longest wait for what a thread computes when the pool is closed. */
const patienceMs = 10_000

/**
 * What the thread computes is waited for: ending a thread while the ONNX runtime works in it aborts the whole process.
 */
async function stopThread({
  worker,
  exited,
  task,
}: Pick<Thread<unknown, unknown>, 'worker' | 'exited'> & { readonly task: unknown }): Promise<void> {
  if (task !== undefined) {
    const patience = new AbortController()
    const finished = once(worker, 'message', { signal: patience.signal }).catch(() => {})
    await Promise.race([finished, exited, sleep(patienceMs, undefined, { signal: patience.signal })])
    patience.abort()
  }
  await worker.terminate()
  await exited
}

function modelFailed(detail: string, cause?: unknown): AskError {
  return new AskError('model_failed', { detail, cause })
}
