import { parentPort, workerData } from 'node:worker_threads'

/** Indices into the shared state: number of started threads, and whether all but the first may finish loading (1). */
const [started, mayLoad] = [0, 1]
const state = new Int32Array((workerData as SharedArrayBuffer | undefined) ?? new SharedArrayBuffer(8))
const isFirst = Atomics.add(state, started, 1) === 0
Atomics.notify(state, started)
if (!isFirst) Atomics.wait(state, mayLoad, 0)

/** A stand-in for the local embedder's worker that dies, fails or waits for another thread, depending on the text. */
parentPort!.on('message', (texts: readonly string[]) => {
  if (texts.includes('die')) throw new Error('as told')
  if (texts.includes('both')) Atomics.wait(state, started, 1)
  parentPort!.postMessage(
    texts.includes('fail') ? { error: 'as told' } : { results: texts.map(() => Float32Array.of(1)) },
  )
})
parentPort!.postMessage({ results: [] })
