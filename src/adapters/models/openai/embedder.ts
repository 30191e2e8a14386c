import { setTimeout as sleep } from 'node:timers/promises'
import { APIError, type OpenAI } from 'openai'
import type { EmbeddingCreateParams } from 'openai/resources/embeddings'
import type { Embedder, LoadingCall, TextKind } from '../../../ask/retrieval/embedder.ts'
import { AskError, isAskError } from '../../../errors.ts'
import { createBatch } from '../../../resilience/batch.ts'
import { createLoadBatches } from '../../../resilience/load-batches/load-batches.ts'
import { createUrgentWork } from '../../../resilience/load-batches/urgent.ts'
import { traceHeaders } from '../../../tracing/outgoing.ts'
import { apiModelName } from '../names.ts'
import { assertNoLease } from '../../postgres/one-lease-guard.ts'
import { failed, toAskError } from './errors.ts'
import { isAboutSize, readLoadFault } from './load-faults.ts'
import { createServerQuirks } from './server-quirks.ts'
import { countTokens } from './tokens.ts'
import { noPrefixes, type Prefixes } from '../prefixes.ts'
import { noteEmbedded } from '../traced-embedder.ts'

export interface EmbedderOptions {
  readonly model: string
  /**
   * Undefined to use the model's own length, learned by one call. Otherwise the API is asked for vectors of this
   * length.
   */
  readonly dimensions?: number | undefined
  readonly maxTokens: number
  readonly languages: readonly string[] | 'any'
  /** Put before every text of that kind, verbatim. */
  readonly prefixes?: Prefixes
  /** Longest wait for the vectors of one call that loads documents. */
  readonly loadTimeoutMs?: number
}

/**
 * OpenAI takes 2,048 texts and 300,000 tokens per call. Smaller calls are as fast overall and lose less when one fails.
 */
const textsPerCall = 96
const tokensPerCall = 60_000
/** Of a call that loads, below the tokens of a call in any language. */
const charactersPerCall = tokensPerCall
/** The time of a text that does not depend on its length, as characters. */
const charactersPerText = 50
const usualLoadTimeoutMs = 60_000
/** Long enough that the round trips do not count, and short enough that one late call loses little. */
const loadAimMs = 2500
/** While questions are asked: they may have to wait for a call. */
const besideQuestionsMs = 300
/** A paragraph or two: with longer windows the vector becomes vague, however much the model could take. */
const bestWindow = 256

type Quirk = 'asNumbers' | 'ownDimensions'

/** Opens an embedding model. One test vector proves the key, the address and the model name. */
export async function openEmbedder(client: OpenAI, options: EmbedderOptions, signal: AbortSignal): Promise<Embedder> {
  const call = createCall(client, options)
  const [probe] = await call(['dimensions'], signal)
  return createEmbedder(client, { ...options, dimensions: probe!.length }, call)
}

/** Interval between attempts to learn the vector length while the API is down. */
const learnAgainMs = 5000

/**
 * Opens an embedding model whose API is down and whose vector length is unknown; the API is called until it responds.
 * Until then `dimensions` is null: there are no vectors to search, and none can be made.
 */
export function createLearningEmbedder(client: OpenAI, options: EmbedderOptions): Embedder {
  const call = createCall(client, options)
  const embedder = createEmbedder(client, { ...options, dimensions: null }, call)
  const closed = new AbortController()
  void learn()

  async function learn(): Promise<void> {
    while (!closed.signal.aborted && embedder.dimensions() === null) {
      await sleep(learnAgainMs, undefined, { signal: closed.signal, ref: false }).catch(() => {})
      await embedder
        .embed(['dimensions'], AbortSignal.any([closed.signal, AbortSignal.timeout(learnAgainMs)]))
        .catch(() => {})
    }
  }

  return { ...embedder, close: async () => closed.abort() }
}

/** Opens an embedding model without a call, for a known number of dimensions; null to take that of the first vector. */
export function createEmbedder(
  client: OpenAI,
  options: Omit<EmbedderOptions, 'dimensions'> & { readonly dimensions: number | null },
  call: EmbedCall = createCall(client, { ...options, dimensions: options.dimensions ?? undefined }),
): Embedder {
  const { model, languages, prefixes = noPrefixes } = options
  let { dimensions } = options
  const maxTokens = options.maxTokens - Math.max(countTokens(prefixes.query), countTokens(prefixes.passage))

  const { loadTimeoutMs = usualLoadTimeoutMs } = options
  const questions = createUrgentWork()

  async function embedAll(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    try {
      const vectors = await call(texts, signal)
      return checkLengths(vectors, (dimensions ??= vectors[0]!.length))
    } catch (error) {
      if (signal.aborted || texts.length === 1 || readLoadFault(error).kind !== 'too_large') throw error
      // Some servers take only 32 texts per call, or fewer.
      const middle = Math.ceil(texts.length / 2)
      return [...(await embedAll(texts.slice(0, middle), signal)), ...(await embedAll(texts.slice(middle), signal))]
    }
  }

  const loadAll = createLoadBatches<string, Float32Array>({
    run: async (texts, signal) => {
      // A little longer than the time-out of the batch, which is the one that counts.
      const vectors = await call(texts, signal, loadTimeoutMs + 5000)
      return checkLengths(vectors, (dimensions ??= vectors[0]!.length))
    },
    read: readLoadFault,
    weigh: text => text.length + charactersPerText,
    mostItems: textsPerCall,
    mostWeight: charactersPerCall,
    timeoutMs: loadTimeoutMs,
    yieldTo: questions.settled,
    aimMs: () => Math.min(questions.isRecent() ? besideQuestionsMs : loadAimMs, loadTimeoutMs / 4),
  })

  async function load(texts: readonly string[], signal: AbortSignal, about: LoadingCall = {}): Promise<Float32Array[]> {
    const onDone = (count: number) => about.onEmbedded?.(count)
    const onWait = (ms: number, error: unknown) => about.onWait?.(ms, error)
    try {
      return await loadAll(texts, signal, { patienceMs: () => about.patienceMs ?? 0, onDone, onWait })
    } catch (error) {
      throw isAskError(error, 'deadline_exceeded') && !signal.aborted ? tooSlow(loadTimeoutMs, error) : error
    }
  }

  const isItemFault = (error: unknown) => isAskError(error, 'model_rejected')
  // Concurrent questions share a call, and so do documents of one text.
  const embedOne = createBatch<string, Float32Array>({ run: embedAll, maxItems: textsPerCall, isItemFault })
  const loadOne = createBatch<string, Float32Array>({ run: load, maxItems: textsPerCall, isItemFault })

  async function embed(
    texts: readonly string[],
    signal: AbortSignal,
    kind: TextKind = 'passage',
    about?: LoadingCall,
  ): Promise<Float32Array[]> {
    assertNoLease('the embedding model')
    for (const text of texts) rejectUnfit(text, maxTokens)
    signal.throwIfAborted()
    const inputs = texts.map(text => prefixes[kind] + text)
    if (inputs.length !== 1 || about?.patienceMs) return await load(inputs, signal, about)
    if (kind === 'query') return [await questions.run(async () => await embedOne(inputs[0]!, signal))]
    const vector = await loadOne(inputs[0]!, signal)
    about?.onEmbedded?.(1)
    return [vector]
  }

  const windowTokens = Math.min(bestWindow, maxTokens)
  const name = apiModelName(model, prefixes.passage)
  return {
    model: name,
    dimensions: () => dimensions,
    maxTokens,
    windowTokens,
    languages,
    readsCode: true,
    countTokens,
    counting: 'api',
    embed,
    close: async () => {},
  }
}

function rejectUnfit(text: string, maxTokens: number): void {
  if (text.trim() === '') throw new AskError('model_rejected', { detail: 'An empty text has no vector.' })
  // A token is at least one character, so most texts need not be counted.
  if (text.length <= maxTokens / 2) return
  const tokens = countTokens(text)
  if (tokens <= maxTokens) return
  throw new AskError('model_rejected', {
    detail: `A text of ${tokens} tokens is too long to embed; the model takes ${maxTokens}.`,
  })
}

function checkLengths(vectors: readonly Float32Array[], dimensions: number): readonly Float32Array[] {
  const odd = vectors.find(vector => vector.length !== dimensions)
  if (odd === undefined) return vectors
  throw failed(
    `The embedding model sent a vector of ${odd.length} numbers instead of ${dimensions}.`,
    undefined,
    'wrong_dimensions',
  )
}

/** One request: returns vectors of unit length in the order of the texts. */
type EmbedCall = (texts: readonly string[], signal: AbortSignal, timeoutMs?: number) => Promise<Float32Array[]>

function createCall(client: OpenAI, { model, dimensions }: EmbedderOptions): EmbedCall {
  const quirks = createServerQuirks<Quirk>({
    asNumbers: /encoding_format|base64/i,
    // A model with a fixed length may reject the parameter even for its own length; the reply is checked in any case.
    ownDimensions: /dimensions|matryoshka/i,
  })

  async function attempt(
    texts: readonly string[],
    signal: AbortSignal,
    timeoutMs: number | undefined,
    learned: ReadonlySet<Quirk>,
  ): Promise<Float32Array[]> {
    const params: EmbeddingCreateParams = {
      model,
      input: [...texts],
      encoding_format: learned.has('asNumbers') ? 'float' : 'base64',
      ...(dimensions !== undefined && !learned.has('ownDimensions') && { dimensions }),
    }
    const options = { signal, headers: traceHeaders(), ...(timeoutMs !== undefined && { timeout: timeoutMs }) }
    const reply = await client.embeddings.create(params, options)
    noteEmbedded(reply, texts.length)
    return vectorsOf(reply, texts.length)
  }

  return async function call(texts, signal, timeoutMs) {
    try {
      return await quirks.call(learned => attempt(texts, signal, timeoutMs, learned))
    } catch (error) {
      // Some servers report that with status 500, which would look like a failure that passes.
      if (error instanceof APIError && (error.status ?? 0) >= 500 && isAboutSize(error)) throw tooLong(error)
      throw toAskError(error, { client, model, signal })
    }
  }
}

function tooLong(cause: APIError): AskError {
  const detail =
    'The model API says that the text is too large for it. Set EMBEDDING_MAX_TOKENS to the tokens that the model takes, or give the server larger batches.'
  return new AskError('model_rejected', { detail, cause })
}

function tooSlow(ms: number, cause: AskError): AskError {
  const detail = `The embedding model did not reply within ${ms / 1000} s, not even to a single text. Check its server, or raise EMBEDDING_LOAD_TIMEOUT_MS.`
  return new AskError('model_unreachable', { detail, cause })
}

/** Do not trust the reply: a server may omit texts, reorder them or send no numbers at all. */
function vectorsOf(reply: unknown, count: number): Float32Array[] {
  const rows = isObject(reply) && Array.isArray(reply['data']) ? (reply['data'] as unknown[]) : []
  const vectors = Array.from<Float32Array | undefined>({ length: count })
  rows.forEach((row, i) => {
    if (!isObject(row)) return
    const index = typeof row['index'] === 'number' ? row['index'] : i
    if (index in vectors) vectors[index] = unitVector(numbersOf(row['embedding']))
  })
  if (rows.length === count && vectors.every(vector => vector !== undefined)) return vectors
  throw failed(`The embedding model sent ${rows.length} vectors for ${count} texts.`, undefined, 'garbage')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Servers without base64 support send plain numbers whatever was requested. */
function numbersOf(embedding: unknown): Float32Array {
  if (Array.isArray(embedding)) return Float32Array.from(embedding as number[])
  const bytes = typeof embedding === 'string' ? Buffer.from(embedding, 'base64') : Buffer.alloc(0)
  if (bytes.length % 4 !== 0) throw failed('The embedding model sent an incomplete number.', undefined, 'garbage')
  // Copied because the memory of a Buffer is shared and need not be aligned to four bytes.
  return new Float32Array(Uint8Array.from(bytes).buffer)
}

function unitVector(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  if (!(length > 0 && Number.isFinite(length)))
    throw failed('The embedding model sent a zero or non-finite vector.', undefined, 'garbage')
  return vector.map(value => value / length)
}
