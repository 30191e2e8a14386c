import type { RawSettings } from './settings.ts'

/** What is wrong with settings only in combination with others: a line per fault. */
export function faultsBetween(raw: RawSettings): string[] {
  return [...modelFaults(raw), ...rerankFaults(raw), ...listeningFaults(raw)]
}

function modelFaults(raw: RawSettings): string[] {
  const { chatModel, embeddingModel } = raw
  const faults = [
    unreachable('CHAT_MODEL', chatModel, raw),
    unreachable('EMBEDDING_MODEL', embeddingModel, raw),
  ].flatMap(fault => fault ?? [])
  if (raw.openaiBaseUrl !== undefined && chatModel === undefined) {
    faults.unshift(
      'CHAT_MODEL is not set; with OPENAI_BASE_URL it must name a model of that API, or be "none" for extractive answers',
    )
  }
  if (embeddingModel === 'local' && (raw.embeddingQueryPrefix ?? raw.embeddingPassagePrefix) !== undefined) {
    faults.push(
      'EMBEDDING_QUERY_PREFIX or EMBEDDING_PASSAGE_PREFIX is set, but the model in the package takes none; set EMBEDDING_MODEL, or unset them',
    )
  }
  return faults
}

/** A model of an API, where no API is configured. */
function unreachable(name: string, model: string | undefined, raw: RawSettings): string | null {
  const isOurs = model === undefined || model === 'none' || model === 'local'
  const isFolder = name === 'EMBEDDING_MODEL' && /^onnx:./.test(model ?? '')
  const usesApi = raw.openaiApiKey !== undefined || raw.openaiBaseUrl !== undefined
  if (isOurs || isFolder || usesApi) return null
  return `${name} is "${model}", but there is no API to ask; set OPENAI_API_KEY or OPENAI_BASE_URL`
}

function rerankFaults({ rerankUrl, rerankModel, rerankApiKey }: RawSettings): string[] {
  if (rerankUrl !== undefined && rerankModel === undefined) {
    return [
      'RERANK_MODEL is not set; with RERANK_URL it must name a model of that reranker (one that serves a single model takes any name)',
    ]
  }
  if (rerankUrl !== undefined) return []
  const set = [
    ['RERANK_MODEL', rerankModel],
    ['RERANK_API_KEY', rerankApiKey],
  ].filter(([, value]) => value !== undefined)
  return set.map(([name]) => `${name} is set, but there is no reranker to ask; set RERANK_URL`)
}

function listeningFaults(raw: RawSettings): string[] {
  const faults: string[] = []
  if (raw.headersTimeoutMs > raw.receiveTimeoutMs) {
    faults.push(
      'HEADERS_TIMEOUT_MS is longer than RECEIVE_TIMEOUT_MS, which is the time for the whole request; set one of them',
    )
  }
  if (raw.monitoringPort !== undefined && raw.monitoringPort === raw.port && raw.port !== 0) {
    faults.push('MONITORING_PORT is the same as PORT; unset it, and the monitoring is served there')
  }
  return faults
}
