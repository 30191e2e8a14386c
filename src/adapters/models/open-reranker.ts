import type { Reranker } from '../../ask/retrieval/rerank.ts'
import type { Config } from '../../config/terms.ts'
import { onnxScheme } from './names.ts'
import { openCrossEncoder } from './onnx/cross-encoder.ts'
import { createReranker, type RerankerOptions } from './reranker.ts'

export interface OpenReranker extends Reranker {
  close(): Promise<void>
}

/** Null when none is configured. A model on disk is loaded here; rejects with what to do if it is unusable. */
export async function openReranker(
  settings: Config['rerank'],
  options?: RerankerOptions,
): Promise<OpenReranker | null> {
  if (settings === null) return null
  const { url, model } = settings
  if (url === null) return await openCrossEncoder(model.slice(onnxScheme.length))
  return { ...createReranker({ ...settings, url }, options), close: async () => {} }
}
