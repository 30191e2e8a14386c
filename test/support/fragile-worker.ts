import { parentPort, workerData } from 'node:worker_threads'

/** Threads that were started, in a pool that counts them. */
const started = new Int32Array((workerData as SharedArrayBuffer | undefined) ?? new SharedArrayBuffer(4))
Atomics.add(started, 0, 1)
Atomics.notify(started, 0)

/** Stands in for the local embedder's worker: dies or fails when it is told to, or stands still until another thread is there. */
parentPort!.on('message', (texts: readonly string[]) => {
  if (texts.includes('die')) throw new Error('as told')
  if (texts.includes('both')) Atomics.wait(started, 0, 1)
  parentPort!.postMessage(texts.includes('fail') ? { error: 'as told' } : { vectors: texts.map(() => Float32Array.of(1)) })
})
