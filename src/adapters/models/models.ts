import type { ChatModel } from '../../ask/generation/chat.ts'
import type { Embedder, TextKind } from '../../ask/retrieval/embedder.ts'
import { requestHeaders } from '../../config/request-headers.ts'
import type { ApiSettings, Config, FollowSecret } from '../../config/terms.ts'
import { AskError, isAskError } from '../../errors.ts'
import { serverOf } from '../../tracing/span.ts'
import { createLocalEmbedder } from './local/embedder.ts'
import { apiModelName, localModel, onnxScheme } from './names.ts'
import { openOnnxEmbedder } from './onnx/embedder.ts'
import { createChat } from './openai/chat.ts'
import { createEmbedder, createLearningEmbedder, openEmbedder } from './openai/embedder.ts'
import { createOpenAIClient, providerOf, type ModelApi } from './openai/client.ts'
import { asPrefix, noPrefixes, type Prefixes } from './prefixes.ts'
import { traceEmbedder } from './traced-embedder.ts'

type ModelSettings = Config['models']

export interface Models {
  readonly embedder: Embedder
  readonly chat: ChatModel | null
  /** Whether the embedder is behind an API, where it may fail or not respond. */
  readonly isEmbedderRemote: boolean
  /** Tokens of a text as it is embedded, with its prefix; at least as many as the API charges for. */
  sentTokens(text: string, kind: TextKind): number
  /** Loads everything that is loaded lazily, so that the first question does not wait for it. */
  warm(): Promise<void>
  close(): Promise<void>
}

export interface OpenModelsOptions {
  /** Length of the vectors that this model made before. If it is known, the API need not be up at startup. */
  readonly knownDimensions?: (model: string) => Promise<number | undefined>
  /**
   * Called when the vector length must be asked from the API and the API is down; it is then asked until it responds.
   * Without this callback, that is an error.
   */
  readonly onAbsent?: (error: AskError) => void
  /** Follows the keys and headers of the APIs. */
  readonly follow?: FollowSecret
  /** Called when an API rejected the key; a new one is tried at once. */
  readonly onKeyRejected?: (() => void) | undefined
  /** Called with what was assumed about a model on disk because nothing says it. */
  readonly onAssumed?: (assumption: string) => void
}

const probeMs = 10_000

/** Rejects with `model_*` and what to check if the API must be asked and does not respond. */
export async function openModels(settings: ModelSettings, options: OpenModelsOptions = {}): Promise<Models> {
  const models = await openEach(settings, options)
  const { unitsUpTo } = settings
  return { ...models, embedder: { ...models.embedder, unitsUpTo, areUnitsBehind: areUnitsBehind(settings) } }
}

/**
 * The bundled model is quick, and reads a sentence or two at a time: with units, it embeds twice as many texts. Others
 * embed several times as many. What costs something is embedded only when documents are written or somebody agreed.
 */
function areUnitsBehind({ embedding, prices }: ModelSettings): boolean {
  return embedding !== 'local' && embedding !== localModel && !isPriced(prices)
}

function isPriced(prices: ModelSettings['prices']): boolean {
  return (prices?.embedding ?? 0) > 0
}

async function openEach(settings: ModelSettings, options: OpenModelsOptions): Promise<Models> {
  const client = openApi({ ...settings, names: openaiNames }, settings, options)
  const chat = settings.chat === null ? null : createChat(client, { model: settings.chat })
  if (settings.embedding === 'local' || settings.embedding === localModel) {
    const embedder = traceEmbedder(createLocalEmbedder(), { model: localModel })
    return {
      embedder,
      chat,
      isEmbedderRemote: false,
      sentTokens: embedder.countTokens,
      warm: () => embedder.warm(),
      close: () => embedder.close(),
    }
  }
  const isOnDisk = settings.embedding.startsWith(onnxScheme)
  const embedder = isOnDisk ? await onnxEmbedder(settings, options) : await remoteEmbedder(settings, options)
  const prefixes = { ...noPrefixes, ...prefixesOf(settings) }
  const sentTokens = (text: string, kind: TextKind) => embedder.countTokens(prefixes[kind] + text)
  return {
    embedder,
    chat,
    isEmbedderRemote: !isOnDisk,
    sentTokens,
    warm: async () => {},
    close: () => embedder.close(),
  }
}

async function onnxEmbedder(settings: ModelSettings, { onAssumed }: OpenModelsOptions): Promise<Embedder> {
  const path = settings.embedding.slice(onnxScheme.length)
  const embedder = await openOnnxEmbedder({
    path,
    languages: settings.embeddingLanguages,
    prefixes: prefixesOf(settings),
    pooling: settings.embeddingPooling,
    onAssumed,
  })
  return traceEmbedder(embedder, { model: embedder.model })
}

const openaiNames = { url: 'OPENAI_BASE_URL', key: 'OPENAI_API_KEY', headers: 'OPENAI_HEADERS' }

function openApi(
  api: ApiSettings,
  { timeoutMs }: Pick<ModelSettings, 'timeoutMs'>,
  { follow = () => {}, onKeyRejected }: OpenModelsOptions,
): ModelApi {
  const client = createOpenAIClient({ ...api, timeoutMs, onKeyRejected })
  follow(api.names.key, key => void (client.apiKey = key))
  follow(api.names.headers, text => void (client.sentHeaders = requestHeaders.read(text) ?? client.sentHeaders))
  return client
}

async function remoteEmbedder(settings: ModelSettings, options: OpenModelsOptions): Promise<Embedder> {
  const client = openApi(settings.embeddingApi, settings, options)
  const embedder = await apiEmbedder(client, settings, options)
  const remote = { provider: providerOf(client), server: serverOf(client.baseURL) }
  return traceEmbedder(embedder, { model: settings.embedding, remote })
}

function prefixesOf({
  embeddingQueryPrefix: query,
  embeddingPassagePrefix: passage,
}: ModelSettings): Partial<Prefixes> {
  return {
    ...(query !== undefined && { query: asPrefix(query) }),
    ...(passage !== undefined && { passage: asPrefix(passage) }),
  }
}

async function apiEmbedder(client: ModelApi, settings: ModelSettings, options: OpenModelsOptions): Promise<Embedder> {
  const { embedding: model, embeddingMaxTokens: maxTokens, embeddingLanguages: languages } = settings
  const dimensions = settings.embeddingDimensions
  const prefixes = { ...noPrefixes, ...prefixesOf(settings) }
  const known = dimensions ?? (await options.knownDimensions?.(apiModelName(model, prefixes.passage)))
  const shape = { model, maxTokens, languages, dimensions, prefixes, loadTimeoutMs: settings.embeddingLoadTimeoutMs }
  if (known !== undefined) return createEmbedder(client, { ...shape, dimensions: known })
  try {
    return await openEmbedder(client, shape, AbortSignal.timeout(probeMs))
  } catch (error) {
    const failure = isAskError(error)
      ? error
      : new AskError('model_unreachable', { detail: 'The model API does not respond.', cause: error })
    // A rejection will not go away by itself: a wrong key, or a model that the API does not have.
    if (!options.onAbsent || isAskError(failure, 'model_rejected')) throw unknownLength(model, failure)
    options.onAbsent(failure)
    return createLearningEmbedder(client, shape)
  }
}

function unknownLength(model: string, error: AskError): AskError {
  const detail = `cannot learn the vector length of EMBEDDING_MODEL "${model}": ${error.detail.replace(/\.$/, '')}. Fix that, or set EMBEDDING_DIMENSIONS to start without asking the API`
  return new AskError(error.code, { detail, cause: error.cause })
}
