import type { RawSettings } from './settings.ts'

/** A faulty key or address has its own message, and must not look like none. */
const faultyApi = /^(?:OPENAI|EMBEDDING|JUDGE)_(?:API_KEY|BASE_URL|URL)\b/

/**
 * Finds settings that are invalid only in combination with others; one message per fault. `known` are the faults that
 * were found before.
 */
export function faultsBetween(raw: RawSettings, known: readonly string[] = []): string[] {
  const isApiKnown = !known.some(fault => faultyApi.test(fault))
  return [
    ...(isApiKnown ? [...missingApis(raw), ...judgeFaults(raw)] : []),
    ...modelFaults(raw),
    ...budgetFaults(raw),
    ...rerankFaults(raw),
    ...listeningFaults(raw),
    ...traceFaults(raw),
  ]
}

function missingApis(raw: RawSettings): string[] {
  const { chatModel, embeddingModel } = raw
  return [missingApi('CHAT_MODEL', chatModel, raw), missingApi('EMBEDDING_MODEL', embeddingModel, raw)].flatMap(
    fault => fault ?? [],
  )
}

function modelFaults(raw: RawSettings): string[] {
  const { chatModel, embeddingModel } = raw
  const faults: string[] = []
  if (raw.openaiBaseUrl !== undefined && chatModel === undefined) {
    faults.unshift(
      'CHAT_MODEL is not set; with OPENAI_BASE_URL it must name a model of that API, or be "none" for extractive answers',
    )
  }
  faults.push(...embeddingApiFaults(raw))
  if (embeddingModel === 'local' && (raw.embeddingQueryPrefix ?? raw.embeddingPassagePrefix) !== undefined) {
    faults.push(
      'EMBEDDING_QUERY_PREFIX or EMBEDDING_PASSAGE_PREFIX is set, but the bundled model takes no prefix; set EMBEDDING_MODEL, or unset the prefixes',
    )
  }
  if (raw.embeddingPooling !== undefined && !embeddingModel?.startsWith('onnx:')) {
    faults.push(
      'EMBEDDING_POOLING is set, but only a model on disk (EMBEDDING_MODEL=onnx:…) is pooled by Askwell; unset it',
    )
  }
  return faults
}

function embeddingApiFaults(raw: RawSettings): string[] {
  const { embeddingModel: model, embeddingBaseUrl, embeddingApiKey, openaiBaseUrl } = raw
  const name = embeddingBaseUrl === undefined ? 'EMBEDDING_API_KEY' : 'EMBEDDING_BASE_URL'
  if (embeddingBaseUrl === undefined && embeddingApiKey === undefined) return []
  if (model === 'local' || model?.startsWith('onnx:'))
    return [
      `${name} is set, but EMBEDDING_MODEL is "${model}", which needs no API; unset ${name}, or name a model of it`,
    ]
  const isOpenAI = embeddingBaseUrl === undefined && openaiBaseUrl === undefined
  return model === undefined && !isOpenAI
    ? [`EMBEDDING_MODEL is not set; with ${name} it must name a model of that API`]
    : []
}

/** Returns a fault if `model` needs an API and none is configured. */
function missingApi(name: string, model: string | undefined, raw: RawSettings): string | null {
  const isBuiltIn = model === undefined || model === 'none' || model === 'local'
  const isFolder = name === 'EMBEDDING_MODEL' && /^onnx:./.test(model ?? '')
  const api = [raw.openaiApiKey, raw.openaiBaseUrl]
  const embeddingApi = name === 'EMBEDDING_MODEL' ? [raw.embeddingApiKey, raw.embeddingBaseUrl] : []
  const usesApi = [...api, ...embeddingApi].some(value => value !== undefined)
  if (isBuiltIn || isFolder || usesApi) return null
  return `${name} is "${model}", but no model API is configured; set OPENAI_API_KEY or OPENAI_BASE_URL${name === 'EMBEDDING_MODEL' ? ', or write pulled:NAME for a model of askwell models pull' : ''}`
}

/** Without prices, a budget of money would never be used up. */
function budgetFaults({ modelPrices, budgetCostPerDay, budgetCollections = {} }: RawSettings): string[] {
  if (modelPrices !== undefined) return []
  const unknown = 'but the price of the language model is unknown; set MODEL_PRICES'
  const ofCollections = Object.values(budgetCollections).some(({ cost }) => cost !== undefined)
  return [
    ...(budgetCostPerDay === undefined ? [] : [`BUDGET_COST_PER_DAY is set, ${unknown}, or use BUDGET_TOKENS_PER_DAY`]),
    ...(ofCollections ? [`BUDGET_COLLECTIONS has a cost, ${unknown}, or give the collection tokens`] : []),
  ]
}

function rerankFaults({ rerankUrl, rerankModel, rerankApiKey }: RawSettings): string[] {
  const isFolder = rerankModel?.startsWith('onnx:') ?? false
  if (isFolder) return folderFaults({ rerankUrl, rerankModel, rerankApiKey })
  if (rerankUrl !== undefined && rerankModel === undefined) {
    return [
      'RERANK_MODEL is not set; with RERANK_URL it must name a model of that reranker (a server with a single model accepts any name)',
    ]
  }
  if (rerankUrl !== undefined) return []
  const set = [
    ['RERANK_MODEL', rerankModel],
    ['RERANK_API_KEY', rerankApiKey],
  ].filter(([, value]) => value !== undefined)
  return set.map(
    ([name]) =>
      `${name} is set, but no reranker is configured; set RERANK_URL, or RERANK_MODEL=pulled:NAME or onnx:FOLDER for one on disk`,
  )
}

function folderFaults({
  rerankUrl,
  rerankModel,
  rerankApiKey,
}: Pick<RawSettings, 'rerankUrl' | 'rerankModel' | 'rerankApiKey'>): string[] {
  const faults: string[] = []
  if (rerankModel === 'onnx:')
    faults.push(
      'RERANK_MODEL is "onnx:" without a folder; name the folder of a cross-encoder: RERANK_MODEL=onnx:FOLDER',
    )
  if (rerankUrl !== undefined)
    faults.push(
      `RERANK_URL is set, but RERANK_MODEL is "${rerankModel}", a model on disk; unset RERANK_URL, or name a model of that reranker`,
    )
  if (rerankApiKey !== undefined && rerankUrl === undefined)
    faults.push('RERANK_API_KEY is set, but a model on disk (RERANK_MODEL=onnx:…) needs no key; unset it')
  return faults
}

function judgeFaults({ judgeModel, judgeUrl, judgeApiKey, openaiApiKey, openaiBaseUrl }: RawSettings): string[] {
  const usesApi = [judgeUrl, openaiApiKey, openaiBaseUrl].some(value => value !== undefined)
  if (judgeModel !== undefined && !usesApi && judgeApiKey === undefined)
    return [`JUDGE_MODEL is "${judgeModel}", but no model API is configured; set JUDGE_URL or OPENAI_API_KEY`]
  if (judgeModel === undefined && judgeUrl !== undefined)
    return ['JUDGE_URL is set, but JUDGE_MODEL is not; set it to a model of that API, or unset JUDGE_URL']
  return []
}

function traceFaults({ otlpEndpoint, otlpTracesEndpoint, otelDisabled, tracesExporter }: RawSettings): string[] {
  const isWanted = !otelDisabled && tracesExporter !== 'none' && otlpTracesEndpoint === undefined
  if (!isWanted || otlpEndpoint === undefined || !/\/v1\/traces\/?$/.test(new URL(otlpEndpoint).pathname)) return []
  return [
    'OTEL_EXPORTER_OTLP_ENDPOINT ends in /v1/traces, which is appended to it; remove that, or set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT instead',
  ]
}

function listeningFaults(raw: RawSettings): string[] {
  const faults: string[] = []
  if (raw.headersTimeoutMs > raw.receiveTimeoutMs) {
    faults.push(
      'HEADERS_TIMEOUT_MS is longer than RECEIVE_TIMEOUT_MS, the time limit for the whole request; lower the first or raise the second',
    )
  }
  if (raw.monitoringPort !== undefined && raw.monitoringPort === raw.port && raw.port !== 0) {
    faults.push('MONITORING_PORT equals PORT; unset it to serve monitoring on PORT, or choose another port')
  }
  return faults
}
