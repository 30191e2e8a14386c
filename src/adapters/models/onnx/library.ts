import { AskError } from '../../../errors.ts'
import type { ModelSetting } from './json.ts'

type Transformers = typeof import('@huggingface/transformers')

const needed =
  'needs a package that does not ship with Askwell because it is large: npm install --no-save --save-prod @huggingface/transformers'

/**
 * Loads the library that runs ONNX models, restricted to reading from disk and silent: its log messages about failures
 * contain texts, and the failure itself is thrown anyway.
 */
export async function loadTransformers(setting: ModelSetting): Promise<Transformers> {
  const transformers = await import('@huggingface/transformers').catch((cause: unknown) => {
    throw new AskError('model_failed', { detail: `${setting}=onnx:… ${needed}`, cause })
  })
  const { env, LogLevel } = transformers
  env.allowRemoteModels = false
  env.useFSCache = false
  env.logLevel = LogLevel.NONE
  return transformers
}
