import { join } from 'node:path'
import { inCatalogue, type CatalogueModel } from './model-catalogue.ts'
import type { RawSettings } from './settings.ts'

/** `EMBEDDING_MODEL=pulled:NAME`: a model that `askwell models pull NAME` has put into {@link modelsFolder}. */
const pulledScheme = 'pulled:'
const onnxScheme = 'onnx:'

/** Folder of the pulled models; each has one of its name. */
export function modelsFolder(dataDir: string): string {
  return join(dataDir, 'models')
}

/**
 * Replaces the names of pulled models by their folders. `pulled:NAME` always is one. A name of the catalogue alone is
 * one where no API is configured that it could be a model of.
 */
export function withPulledModels(raw: RawSettings): RawSettings {
  const apis = [raw.openaiApiKey, raw.openaiBaseUrl, raw.embeddingApiKey, raw.embeddingBaseUrl]
  const hasApi = apis.some(each => each !== undefined)
  const embedding = pulledName(raw.embeddingModel, 'embedding', hasApi)
  const reranker = pulledName(raw.rerankModel, 'reranker', raw.rerankUrl !== undefined)
  const folder = (name: string) => onnxScheme + join(modelsFolder(raw.dataDir), name)
  return {
    ...raw,
    ...(embedding !== null && { embeddingModel: folder(embedding) }),
    ...(reranker !== null && { rerankModel: folder(reranker) }),
  }
}

function pulledName(value: string | undefined, kind: CatalogueModel['kind'], hasApi: boolean): string | null {
  if (value === undefined) return null
  if (value.startsWith(pulledScheme)) return value.slice(pulledScheme.length)
  return !hasApi && inCatalogue(value)?.kind === kind ? value : null
}
