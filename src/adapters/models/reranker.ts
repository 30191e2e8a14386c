import { SpanKind } from '@opentelemetry/api'
import type { RerankCall, Reranker } from '../../ask/retrieval/rerank.ts'
import type { FollowSecret } from '../../config/terms.ts'
import { AskError, type ErrorCode } from '../../errors.ts'
import { genAi } from '../../tracing/names.ts'
import { traceHeaders } from '../../tracing/outgoing.ts'
import { inChild, serverOf } from '../../tracing/span.ts'
import { requestHeaders } from '../../config/request-headers.ts'
import { assertNoLease } from '../postgres/one-lease-guard.ts'
import { createModelFetch, discard } from './fetch.ts'
import { ReplyTooLong, wholeOf } from './reply-bounds.ts'
import { tokensIn } from './token-usage.ts'

export interface RerankerSettings {
  /** URL of the endpoint itself, such as https://api.cohere.com/v2/rerank. */
  readonly url: string
  readonly model: string
  /** Undefined for servers that need no key: no Authorization header is then sent. */
  readonly apiKey: string | undefined
  /** Sent with every request, in place of headers of the same name. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface RerankerOptions {
  readonly follow?: FollowSecret | undefined
  /** Called when the reranker rejected the key; a new one is tried at once. */
  readonly onKeyRejected?: (() => void) | undefined
}

/**
 * A reranker with the API of Cohere (v2) and Jina, which vLLM, llama.cpp, Infinity and OpenVINO also implement: `{
 * model, query, documents, top_n }` returns `{ results: [{ index, relevance_score }] }`. The /rerank of Text Embeddings
 * Inference has another format and is not supported.
 */
export function createReranker(
  { url, model, apiKey, headers: given = {} }: RerankerSettings,
  { follow = () => {}, onKeyRejected }: RerankerOptions = {},
): Reranker {
  let key = apiKey
  let sentHeaders = given
  follow('RERANK_API_KEY', current => void (key = current))
  follow('RERANK_HEADERS', text => void (sentHeaders = requestHeaders.read(text) ?? sentHeaders))
  const fetchFrom = createModelFetch({
    headers: () => ({ ...(key !== undefined && { authorization: `Bearer ${key}` }), ...sentHeaders }),
    onKeyRejected,
  })

  const spanAttributes = {
    [genAi.operation]: 'rerank',
    [genAi.provider]: providerOf(url),
    [genAi.model]: model,
    ...serverOf(url),
  }

  async function score(...args: Parameters<Reranker['score']>): Promise<readonly number[]> {
    assertNoLease('the reranker')
    const attributes = () => ({ ...spanAttributes, 'askwell.rerank.texts': args[1].length })
    return await inChild(`rerank ${model}`, SpanKind.CLIENT, attributes, () => requestScores(...args))
  }

  async function requestScores(
    query: string,
    texts: readonly string[],
    signal: AbortSignal,
    call?: RerankCall,
  ): Promise<readonly number[]> {
    const body = JSON.stringify({ model, query, documents: texts, top_n: texts.length })
    const headers = { 'content-type': 'application/json', accept: 'application/json', ...traceHeaders() }
    const reply = await send({ method: 'POST', headers, body, signal })
    if (!reply.ok) throw refusal(reply, model)
    const scored = await jsonOf(reply, signal)
    const tokens = tokensIn((scored as Charged | null)?.usage?.total_tokens)
    if (tokens > 0) call?.onTokens?.(tokens)
    return scoresIn(scored, texts.length)
  }

  /** Redirects are rejected: the key is meant for this address only. */
  async function send(request: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
    try {
      return await fetchFrom(url, { ...request, redirect: 'error' })
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason
      throw new AskError('model_unreachable', {
        detail: 'The reranker cannot be reached or closed the connection. Check RERANK_URL and that the server is up.',
        cause,
      })
    }
  }

  return { model, score }
}

/** The OpenTelemetry conventions name neither reranking nor most providers of it. */
function providerOf(url: string): string {
  const { hostname } = new URL(url)
  return hostname === 'api.cohere.com' ? 'cohere' : hostname === 'api.jina.ai' ? 'jina_ai' : 'cohere_compatible'
}

async function jsonOf(reply: Response, signal: AbortSignal): Promise<unknown> {
  try {
    return JSON.parse(await wholeOf(reply.body)) as unknown
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw invalidReply(cause instanceof ReplyTooLong ? 'it is too long' : 'it is not JSON', cause)
  }
}

/** The server's own message is not read: some servers repeat the key in it. */
function refusal(reply: Response, model: string): AskError {
  const { status } = reply
  discard(reply)
  if (status === 429)
    return new AskError('model_busy', { detail: 'The rate limit of the reranker is reached; try again later.' })
  const code: ErrorCode = status >= 500 || status === 408 ? 'model_failed' : 'model_rejected'
  return new AskError(code, { detail: `${hintFor(status, model)} (status ${status})` })
}

function hintFor(status: number, model: string): string {
  if (status >= 500 || status === 408) return 'The reranker failed.'
  if (status === 401 || status === 403) return 'The reranker rejected the key: check RERANK_API_KEY.'
  if (status === 404 || status === 405)
    return `The reranker has no model "${model}", or RERANK_URL is not its endpoint: check RERANK_MODEL and RERANK_URL.`
  return `The reranker rejected the request: check RERANK_MODEL ("${model}") and that RERANK_URL accepts the format of Cohere's /v2/rerank.`
}

/** Every text must have exactly one score: a partial order is of no use. */
function scoresIn(reply: unknown, count: number): number[] {
  const results = (reply as { readonly results?: unknown } | null)?.results
  if (!Array.isArray(results)) throw invalidReply('it has no list of results')
  const scores = new Map<unknown, unknown>(results.map((result: Result) => [result?.index, result?.relevance_score]))
  const inOrder = Array.from({ length: count }, (_, index) => scores.get(index))
  if (results.length !== count || !inOrder.every(isScore))
    throw invalidReply('it does not score each passage exactly once')
  return inOrder
}

/** As Jina and vLLM report what they charge for. */
type Charged = { readonly usage?: { readonly total_tokens?: unknown } | null }

type Result = { readonly index?: unknown; readonly relevance_score?: unknown } | null

/** No model's log-odds are nearly as large. Sums and squares of scores stay finite. */
const largestScore = 1e9

function isScore(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= largestScore
}

function invalidReply(why: string, cause?: unknown): AskError {
  return new AskError('model_failed', {
    detail: `The reranker sent an invalid reply: ${why}.`,
    kind: 'garbage',
    cause,
  })
}
