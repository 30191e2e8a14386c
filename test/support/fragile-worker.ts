import { parentPort } from 'node:worker_threads'

/** Stands in for the local embedder's worker: dies or fails when it is told to. */
parentPort!.on('message', (text: string) => {
  if (text === 'die') throw new Error('as told')
  parentPort!.postMessage(text === 'fail' ? { error: 'as told' } : { vector: Float32Array.of(1) })
})
