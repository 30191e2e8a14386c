import type { ChatModel } from '../ask/chat.ts'
import type { Embedder } from '../ask/embedder.ts'
import { AskError, isAskError } from '../errors.ts'
import { createLocalEmbedder } from './local-embedder.ts'
import { createChat } from './openai-chat.ts'
import { createEmbedder, openEmbedder } from './openai-embedder.ts'
import { createOpenAIClient } from './openai.ts'

export interface ModelSettings {
  readonly apiKey: string | undefined
  readonly baseUrl: string | undefined
  /** Null: no language model; answers are extractive. */
  readonly chat: string | null
  /** 'local' or a model of the API. */
  readonly embedding: string
  readonly embeddingDimensions: number | undefined
  readonly embeddingMaxTokens: number
  readonly embeddingLanguages: readonly string[] | 'any'
  readonly timeoutMs: number
}

export interface Models {
  readonly embedder: Embedder
  readonly chat: ChatModel | null
  /** Loads what is loaded lazily, so that the first question does not wait for it. */
  warm(): Promise<void>
  close(): Promise<void>
}

export interface OpenModelsOptions {
  /** Length of the vectors this model made before; known, the API need not be there at start. */
  readonly knownDimensions?: (model: string) => Promise<number | undefined>
}

/** The local model's own name, which stands beside its vectors. */
export const localModel = 'use-lite-en'
const probeMs = 10_000

/** Rejects with `model_*` and what to check when the API must be asked and does not answer. */
export async function openModels(settings: ModelSettings, options: OpenModelsOptions = {}): Promise<Models> {
  const client = createOpenAIClient({ apiKey: settings.apiKey, baseUrl: settings.baseUrl, timeoutMs: settings.timeoutMs })
  const chat = settings.chat === null ? null : createChat(client, { model: settings.chat })
  if (settings.embedding === 'local' || settings.embedding === localModel) {
    const embedder = createLocalEmbedder()
    return { embedder, chat, warm: () => embedder.warm(), close: () => embedder.close() }
  }
  const embedder = await apiEmbedder(client, settings, options)
  return { embedder, chat, warm: async () => {}, close: () => embedder.close() }
}

async function apiEmbedder(client: ReturnType<typeof createOpenAIClient>, settings: ModelSettings, options: OpenModelsOptions): Promise<Embedder> {
  const { embedding: model, embeddingMaxTokens: maxTokens, embeddingLanguages: languages } = settings
  const dimensions = settings.embeddingDimensions
  const known = dimensions ?? (await options.knownDimensions?.(model))
  const shape = { model, maxTokens, languages, dimensions }
  if (known !== undefined) return createEmbedder(client, { ...shape, dimensions: known })
  try {
    return await openEmbedder(client, shape, AbortSignal.timeout(probeMs))
  } catch (error) {
    throw isAskError(error) ? unknownLength(model, error) : error
  }
}

function unknownLength(model: string, error: AskError): AskError {
  const detail = `cannot learn the vector length of EMBEDDING_MODEL "${model}": ${error.detail.replace(/\.$/, '')}. Mend that, or set EMBEDDING_DIMENSIONS to start without asking`
  return new AskError(error.code, { detail, cause: error.cause })
}
