import { AskError } from '../../../errors.ts'

type Transformers = typeof import('@huggingface/transformers')

const detail =
  'EMBEDDING_MODEL=onnx:… needs a package that Askwell does not bring along, because it is large: npm install --no-save --save-prod @huggingface/transformers'

/**
 * The library that runs ONNX models, set to read nothing but the disk and to be silent: what it would say of a failure
 * has the texts in it, and the failure itself is thrown.
 */
export async function loadTransformers(): Promise<Transformers> {
  const transformers = await import('@huggingface/transformers').catch((cause: unknown) => {
    throw new AskError('model_failed', { detail, cause })
  })
  const { env, LogLevel } = transformers
  env.allowRemoteModels = false
  env.useFSCache = false
  env.logLevel = LogLevel.NONE
  return transformers
}
