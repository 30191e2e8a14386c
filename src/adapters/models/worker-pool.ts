import { Worker } from 'node:worker_threads'
import { AskError } from '../../errors.ts'
import { assertNoLease } from '../postgres/one-lease-guard.ts'

/** A worker's reply to a few texts: their vectors, of unit length, or an error message. */
export type WorkerReply = { readonly vectors: readonly Float32Array[] } | { readonly error: string }

export interface PoolOptions {
  /**
   * A program that posts `{ vectors: [] }` once its model is loaded and then replies to every `string[]` with a {@link
   * WorkerReply}.
   */
  readonly program: URL
  /** Maximum number of threads. One is started with the first text, another when enough work waits. */
  readonly size: number
  /** Texts that a thread is given at a time: a question waits for at most that many texts of a bulk load. */
  readonly textsAtOnce: number
  /** Passed to the program as `workerData`. */
  readonly data?: unknown
}

/** A call to `embed`. Its texts are handed out a few at a time, and it is done when the last vector has arrived. */
interface Job {
  readonly texts: readonly string[]
  readonly vectors: Float32Array[]
  next: number
  done: number
  readonly resolve: (vectors: Float32Array[]) => void
  readonly reject: (reason: unknown) => void
}

interface Thread {
  readonly worker: Worker
  readonly exited: Promise<void>
  /**
   * The thread is still loading its model, which takes seconds: a thread that is already working finishes a text
   * sooner.
   */
  isLoading: boolean
  /** What it computes now. Its job may have been abandoned since. */
  task: { readonly job: Job; readonly first: number } | undefined
}

/**
 * Backlog that justifies another thread. Loading the model takes as long as a hundred texts, so less work would be done
 * before the thread is ready.
 */
const backlog = { calls: 4, texts: 64 } as const

/**
 * Worker threads with one queue. A thread takes a few texts at a time, and single texts (questions) go before bulk
 * loads, so a question waits for at most `textsAtOnce` texts of a bulk load. A thread that dies fails the call it was
 * working on and is replaced when there is work.
 */
export function createWorkerPool({ program, size, textsAtOnce, data }: PoolOptions) {
  const threads = new Set<Thread>()
  let jobs: readonly Job[] = []
  let isClosed = false

  function embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    assertNoLease('the embedding model')
    if (signal.aborted) return Promise.reject(signal.reason)
    if (isClosed) return Promise.reject(modelFailed('The embedding model is closed.'))
    if (texts.length === 0) return Promise.resolve([])
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array[]>()
    const job: Job = { texts, vectors: [], next: 0, done: 0, resolve, reject }
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

  function freeThread(): Thread | undefined {
    for (const thread of threads) if (thread.task === undefined && !thread.isLoading) return thread
    if (threads.size === 0 || (threads.size < size && isWorthAThread(jobs)))
      threads.add(startThread(program, data, { onReply, onExit }))
    return undefined
  }

  function assign(thread: Thread, job: Job): void {
    thread.task = { job, first: job.next }
    // A busy thread must keep the process alive, an idle one must not.
    thread.worker.ref()
    const texts = job.texts.slice(job.next, job.next + textsAtOnce)
    job.next += texts.length
    thread.worker.postMessage(texts)
  }

  function onReply(thread: Thread, reply: WorkerReply): void {
    const { task } = thread
    thread.task = undefined
    thread.isLoading = false
    thread.worker.unref()
    if (task !== undefined) deliver(task.job, task.first, reply)
    dispatch()
  }

  function deliver(job: Job, first: number, reply: WorkerReply): void {
    if ('error' in reply) return abandon(job, modelFailed('The embedding model failed.', new Error(reply.error)))
    reply.vectors.forEach((vector, i) => void (job.vectors[first + i] = vector))
    job.done += reply.vectors.length
    if (job.done < job.texts.length) return
    jobs = jobs.filter(other => other !== job)
    job.resolve(job.vectors)
  }

  /** A thread still finishes the texts it has: a few milliseconds of work are not worth restarting a thread. */
  function abandon(job: Job, reason: unknown): void {
    jobs = jobs.filter(other => other !== job)
    job.reject(reason)
  }

  function onExit(thread: Thread, cause?: unknown): void {
    if (!threads.delete(thread)) return
    // If no other thread is working, the next job was waiting for this one and must fail too. Otherwise a model that
    // cannot be loaded would be loaded forever.
    const isLast = [...threads].every(each => each.isLoading)
    const job = thread.task?.job ?? (isLast ? nextJob(jobs) : undefined)
    if (job !== undefined) abandon(job, modelFailed('The embedding model stopped unexpectedly.', cause))
    dispatch()
  }

  async function close(): Promise<void> {
    isClosed = true
    for (const job of jobs) abandon(job, modelFailed('The embedding model is closed.'))
    const ending = [...threads]
    threads.clear()
    await Promise.all(ending.map(stopThread))
  }

  return { embed, close }
}

/** Questions first, then in order of arrival. */
function nextJob(jobs: readonly Job[]): Job | undefined {
  const ready = jobs.filter(job => job.next < job.texts.length)
  return ready.find(job => job.texts.length === 1) ?? ready[0]
}

function isWorthAThread(jobs: readonly Job[]): boolean {
  let [calls, texts] = [0, 0]
  for (const job of jobs) {
    const waiting = job.texts.length - job.next
    calls += waiting > 0 ? 1 : 0
    texts += waiting
    if (calls >= backlog.calls || texts >= backlog.texts) return true
  }
  return false
}

interface ThreadEvents {
  readonly onReply: (thread: Thread, reply: WorkerReply) => void
  readonly onExit: (thread: Thread, cause?: unknown) => void
}

function startThread(program: URL, data: unknown, { onReply, onExit }: ThreadEvents): Thread {
  const worker = new Worker(program, { workerData: data })
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  const thread: Thread = { worker, exited, isLoading: true, task: undefined }
  // `node --watch` makes every thread report the files it reads, with messages that are not replies.
  worker.on(
    'message',
    (reply: WorkerReply | object) => void (('vectors' in reply || 'error' in reply) && onReply(thread, reply)),
  )
  // 'error' precedes 'exit', but 'exit' also occurs alone.
  worker.on('error', error => onExit(thread, error))
  worker.once('exit', () => onExit(thread))
  return thread
}

async function stopThread({ worker, exited }: Thread): Promise<void> {
  await worker.terminate()
  await exited
}

function modelFailed(detail: string, cause?: unknown): AskError {
  return new AskError('model_failed', { detail, cause })
}
