import { parentPort, workerData } from 'node:worker_threads'
import type { Tensor } from '@huggingface/transformers'
import type { WorkerReply } from '../worker-pool.ts'
import type { Unsupported } from './modules.ts'
import { pooled, unitVector, type Pooling } from './pooling.ts'
import { numbersOf, openSession, type Outputs, type SessionSettings } from './session.ts'

/** The model and how to run it; the thread's `workerData`. */
export interface WorkerSettings extends SessionSettings {
  readonly pooling: Pooling | Unsupported
}

const port = parentPort!
const settings = workerData as WorkerSettings
const { tokenizer, model } = await openSession(settings)

port.on('message', async (texts: string[]) => {
  const reply = await embed(texts).catch((error: unknown): WorkerReply<Float32Array> => ({ error: String(error) }))
  port.postMessage(reply, 'results' in reply ? reply.results.map(vector => vector.buffer as ArrayBuffer) : [])
})
port.postMessage({ results: [] } satisfies WorkerReply<Float32Array>)

async function embed(texts: string[]): Promise<WorkerReply<Float32Array>> {
  const inputs = tokenizer(texts, { padding: true, truncation: false })
  const tokens = inputs.input_ids.dims.at(-1) ?? 0
  if (tokens > settings.maxTokens)
    return { error: `a text has ${tokens} tokens, although fewer were counted; the model takes ${settings.maxTokens}` }
  const outputs = (await model(inputs)) as Outputs
  const vectors = vectorsOf(outputs, inputs.attention_mask.data as BigInt64Array)
  return vectors.every(vector => vector !== null)
    ? { results: vectors }
    : { error: 'the model returned a zero or non-finite vector' }
}

/** Some exports pool in the graph; their result takes precedence. */
function vectorsOf(outputs: Outputs, mask: BigInt64Array): (Float32Array | null)[] {
  const { sentence_embedding: sentences, last_hidden_state: hidden = outputs['token_embeddings'] } = outputs
  if (sentences !== undefined) return rowsOf(sentences).map(unitVector)
  if (hidden === undefined)
    throw new Error(
      `the model returns ${Object.keys(outputs).join(', ')}, but neither sentence_embedding nor last_hidden_state`,
    )
  if (typeof settings.pooling === 'string')
    return pooled({ data: numbersOf(hidden), dims: hidden.dims }, mask, settings.pooling)
  throw new Error(
    `the model has ${settings.pooling.unsupported} and no sentence_embedding: export it with "optimum-cli export onnx --library sentence_transformers"`,
  )
}

function rowsOf(tensor: Tensor): Float32Array[] {
  const [rows = 0, width = 0] = tensor.dims
  const numbers = numbersOf(tensor)
  return Array.from({ length: rows }, (_, row) => numbers.slice(row * width, (row + 1) * width))
}
