import { availableParallelism } from 'node:os'
import { parse } from 'node:path'
import type { PreTrainedModel, PreTrainedTokenizer, Tensor } from '@huggingface/transformers'
import type { ModelSetting } from './json.ts'
import { loadTransformers } from './library.ts'

/** Cores per text; models of this size gain little from more. */
const mostCores = 4

/** The model file of a folder and how to run it: the `workerData` of a thread. */
export interface SessionSettings {
  readonly setting: ModelSetting
  readonly folder: string
  readonly file: string
  /** Longest input in tokens, including special tokens. */
  readonly maxTokens: number
  /** Threads of the ONNX runtime per text. */
  readonly cores: number
}

/** One core is left free for the rest of the process. */
export function coresPerText(): number {
  return Math.max(1, Math.min(mostCores, availableParallelism() - 1))
}

/** What a graph returns, by the names of its outputs. */
export type Outputs = Readonly<Record<string, Tensor>>

export interface Session {
  readonly tokenizer: PreTrainedTokenizer
  readonly model: PreTrainedModel
  /** A tensor of whole numbers. */
  integers(values: BigInt64Array, shape: number[]): Tensor
}

/** Loads tokenizer and model, in the worker thread that runs them. */
export async function openSession({ setting, folder, file, cores }: SessionSettings): Promise<Session> {
  const { AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, Tensor } = await loadTransformers(setting)
  const { dir, name } = parse(file)
  const session_options = {
    intraOpNumThreads: cores,
    interOpNumThreads: 1,
    // Without this, threads that wait for the next text would spin and take cores from the rest of the process.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  }
  const local = { local_files_only: true } as const
  // Some exports of rerankers have no config.json. It only names the class, and encoders all run alike.
  const config = await AutoConfig.from_pretrained(folder, local).catch(() => new PretrainedConfig(encoder))
  // 'fp32' adds no suffix to the file name, whatever the precision of the weights.
  const where = { ...local, config, subfolder: dir, model_file_name: name, dtype: 'fp32', device: 'cpu' } as const
  const [tokenizer, model] = await Promise.all([
    AutoTokenizer.from_pretrained(folder, local),
    AutoModel.from_pretrained(folder, { ...where, session_options }),
  ])
  return { tokenizer, model, integers: (values, shape) => new Tensor('int64', values, shape) }
}

const encoder = { model_type: 'bert' }

/** Models of half precision return float16. */
export function numbersOf(tensor: Tensor): Float32Array {
  return (tensor.type === 'float32' ? tensor : tensor.to('float32')).data as Float32Array
}
