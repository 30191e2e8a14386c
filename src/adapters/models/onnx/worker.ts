import { parse } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { PreTrainedModel, PreTrainedTokenizer, Tensor } from '@huggingface/transformers'
import type { WorkerReply } from '../worker-pool.ts'
import { loadTransformers } from './library.ts'
import type { Unsupported } from './modules.ts'
import { pooled, unitVector, type Pooling } from './pooling.ts'

/** The model and how to run it; the thread's `workerData`. */
export interface WorkerSettings {
  readonly folder: string
  readonly file: string
  readonly pooling: Pooling | Unsupported
  /** Longest input in tokens, including special tokens. */
  readonly maxTokens: number
  /** Threads of the ONNX runtime per text. */
  readonly cores: number
}

const port = parentPort!
const settings = workerData as WorkerSettings
const [tokenizer, model] = await load(settings)

port.on('message', async (texts: string[]) => {
  const reply = await embed(texts).catch((error: unknown): WorkerReply => ({ error: String(error) }))
  port.postMessage(reply, 'vectors' in reply ? reply.vectors.map(vector => vector.buffer as ArrayBuffer) : [])
})
port.postMessage({ vectors: [] } satisfies WorkerReply)

async function load({ folder, file, cores }: WorkerSettings): Promise<[PreTrainedTokenizer, PreTrainedModel]> {
  const { AutoModel, AutoTokenizer } = await loadTransformers()
  const { dir, name } = parse(file)
  // 'fp32' adds no suffix to the file name, whatever the precision of the weights.
  const where = { subfolder: dir, model_file_name: name, dtype: 'fp32', device: 'cpu', local_files_only: true } as const
  const session_options = {
    intraOpNumThreads: cores,
    interOpNumThreads: 1,
    // Without this, threads that wait for the next text would spin and take cores from the rest of the process.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  }
  return await Promise.all([
    AutoTokenizer.from_pretrained(folder, { local_files_only: true }),
    AutoModel.from_pretrained(folder, { ...where, session_options }),
  ])
}

async function embed(texts: string[]): Promise<WorkerReply> {
  const inputs = tokenizer(texts, { padding: true, truncation: false })
  const tokens = inputs.input_ids.dims.at(-1) ?? 0
  if (tokens > settings.maxTokens)
    return { error: `a text has ${tokens} tokens, although fewer were counted; the model takes ${settings.maxTokens}` }
  const outputs = (await model(inputs)) as Readonly<Record<string, Tensor>>
  const vectors = vectorsOf(outputs, inputs.attention_mask.data as BigInt64Array)
  return vectors.every(vector => vector !== null)
    ? { vectors }
    : { error: 'the model returned a zero or non-finite vector' }
}

/** Some exports pool in the graph; their result takes precedence. */
function vectorsOf(outputs: Readonly<Record<string, Tensor>>, mask: BigInt64Array): (Float32Array | null)[] {
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

/** Models of half precision return float16. */
function numbersOf(tensor: Tensor): Float32Array {
  return (tensor.type === 'float32' ? tensor : tensor.to('float32')).data as Float32Array
}
