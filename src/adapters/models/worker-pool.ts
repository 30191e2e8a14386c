import { Worker } from 'node:worker_threads'
import { AskError } from '../../errors.ts'
import { assertNoLease } from '../postgres/one-lease-guard.ts'

/** What a worker program answers to a few texts: their vectors of unit length, or a failure as words. */
export type WorkerReply = { readonly vectors: readonly Float32Array[] } | { readonly error: string }

export interface PoolOptions {
  /** A program that says `{ vectors: [] }` once its model is loaded, then answers every `string[]` with a {@link WorkerReply}. */
  readonly program: URL
  /** Threads at the most; one is started with the first text, another when enough waits to be worth it. */
  readonly size: number
  /** What a thread is given at once: a question waits for that much of a bulk load. */
  readonly textsAtOnce: number
  /** For the program, as its `workerData`. */
  readonly data?: unknown
}

/** A call of `embed`: its texts are handed out a few at a time, and it is done when the last vector is there. */
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
  /** Loads its model, which takes seconds: a text is done sooner by a thread that works. */
  isLoading: boolean
  /** What it computes now; its job may have been abandoned meanwhile. */
  task: { readonly job: Job; readonly first: number } | undefined
}

/** A further thread loads the model once more, which takes as long as a hundred texts: fewer are done before it is there. */
const backlog = { calls: 4, texts: 64 } as const

/**
 * Worker threads with one queue. A thread takes a few texts at a time, from a single text (a question) before a
 * bulk, so a question waits for at most `textsAtOnce` texts of a bulk load. A thread that dies fails the call it
 * worked on and is replaced when there is work.
 */
export function createWorkerPool({ program, size, textsAtOnce, data }: PoolOptions) {
  const threads = new Set<Thread>()
  let jobs: readonly Job[] = []
  let isClosed = false

  function embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    assertNoLease('the embedding model')
    if (signal.aborted) return Promise.reject(signal.reason)
    if (isClosed) return Promise.reject(gone('The embedding model is closed.'))
    if (texts.length === 0) return Promise.resolve([])
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array[]>()
    const job: Job = { texts, vectors: [], next: 0, done: 0, resolve, reject }
    const leave = () => abandon(job, signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    jobs = [...jobs, job]
    dispatch()
    return promise.finally(() => signal.removeEventListener('abort', leave))
  }

  function dispatch(): void {
    for (let job = nextJob(); job !== undefined; job = nextJob()) {
      const thread = freeThread()
      if (thread === undefined) return
      give(thread, job)
    }
  }

  /** Questions first, then whoever came first. */
  function nextJob(): Job | undefined {
    const ready = jobs.filter(job => job.next < job.texts.length)
    return ready.find(job => job.texts.length === 1) ?? ready[0]
  }

  function freeThread(): Thread | undefined {
    for (const thread of threads) if (thread.task === undefined && !thread.isLoading) return thread
    if (threads.size === 0 || (threads.size < size && isWorthAThread())) start()
    return undefined
  }

  function isWorthAThread(): boolean {
    let [calls, texts] = [0, 0]
    for (const job of jobs) {
      const waiting = job.texts.length - job.next
      calls += waiting > 0 ? 1 : 0
      texts += waiting
      if (calls >= backlog.calls || texts >= backlog.texts) return true
    }
    return false
  }

  function give(thread: Thread, job: Job): void {
    thread.task = { job, first: job.next }
    // An idle thread must not keep the process alive, a busy one must.
    thread.worker.ref()
    const texts = job.texts.slice(job.next, job.next + textsAtOnce)
    job.next += texts.length
    thread.worker.postMessage(texts)
  }

  function start(): void {
    const worker = new Worker(program, { workerData: data })
    const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
    const thread: Thread = { worker, exited, isLoading: true, task: undefined }
    threads.add(thread)
    // `node --watch` has every thread tell which files it reads, by messages that are none of ours.
    worker.on(
      'message',
      (reply: WorkerReply | object) => void (('vectors' in reply || 'error' in reply) && onReply(thread, reply)),
    )
    // 'error' comes before 'exit', which also comes without it.
    worker.on('error', error => lose(thread, error))
    worker.once('exit', () => lose(thread))
  }

  function onReply(thread: Thread, reply: WorkerReply): void {
    const { task } = thread
    thread.task = undefined
    thread.isLoading = false
    thread.worker.unref()
    if (task !== undefined) settle(task.job, task.first, reply)
    dispatch()
  }

  function settle(job: Job, first: number, reply: WorkerReply): void {
    if ('error' in reply) return abandon(job, gone('The embedding model failed.', new Error(reply.error)))
    reply.vectors.forEach((vector, i) => void (job.vectors[first + i] = vector))
    job.done += reply.vectors.length
    if (job.done < job.texts.length) return
    jobs = jobs.filter(other => other !== job)
    job.resolve(job.vectors)
  }

  /** The texts that a thread is at are finished for nobody: some milliseconds of work are not worth a thread. */
  function abandon(job: Job, reason: unknown): void {
    jobs = jobs.filter(other => other !== job)
    job.reject(reason)
  }

  function lose(thread: Thread, cause?: unknown): void {
    if (!threads.delete(thread)) return
    // Where no thread works, what waits was waiting for this one; else a model that cannot be loaded would be loaded for ever.
    const isLast = [...threads].every(each => each.isLoading)
    const job = thread.task?.job ?? (isLast ? nextJob() : undefined)
    if (job !== undefined) abandon(job, gone('The embedding model broke down.', cause))
    dispatch()
  }

  async function close(): Promise<void> {
    isClosed = true
    for (const job of jobs) abandon(job, gone('The embedding model is closed.'))
    const ending = [...threads]
    threads.clear()
    await Promise.all(
      ending.map(async ({ worker, exited }) => {
        await worker.terminate()
        await exited
      }),
    )
  }

  return { embed, close }
}

function gone(detail: string, cause?: unknown): AskError {
  return new AskError('model_failed', { detail, cause })
}
