import { parentPort } from 'node:worker_threads'

/** Stands in for the local embedder's worker: dies or fails when it is told to. */
parentPort!.on('message', (texts: readonly string[]) => {
  if (texts.includes('die')) throw new Error('as told')
  parentPort!.postMessage(texts.includes('fail') ? { error: 'as told' } : { vectors: texts.map(() => Float32Array.of(1)) })
})
