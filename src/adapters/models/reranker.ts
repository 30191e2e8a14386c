import { SpanKind } from '@opentelemetry/api'
import type { Reranker } from '../../ask/retrieval/rerank.ts'
import { AskError, type ErrorCode } from '../../errors.ts'
import { genAi } from '../../tracing/names.ts'
import { traceHeaders } from '../../tracing/outgoing.ts'
import { inChild, serverOf } from '../../tracing/span.ts'
import { assertNoLease } from '../postgres/one-lease-guard.ts'
import { ReplyTooLong, wholeOf } from './reply-bounds.ts'

export interface RerankerSettings {
  /** Of the endpoint itself, such as https://api.cohere.com/v2/rerank. */
  readonly url: string
  readonly model: string
  /** Undefined for servers that ask for none: then no Authorization header is sent. */
  readonly apiKey: string | undefined
}

/**
 * A reranker that speaks as Cohere's (v2) and Jina's do, and after them vLLM, llama.cpp, Infinity and OpenVINO: `{ model,
 * query, documents, top_n }` gives `{ results: [{ index, relevance_score }] }`. Text Embeddings Inference has a
 * /rerank of another form; it is not understood.
 */
export function createReranker({ url, model, apiKey }: RerankerSettings): Reranker {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  }

  const whose = {
    [genAi.operation]: 'rerank',
    [genAi.provider]: providerOf(url),
    [genAi.model]: model,
    ...serverOf(url),
  }

  async function score(query: string, texts: readonly string[], signal: AbortSignal): Promise<readonly number[]> {
    assertNoLease('the reranker')
    const attributes = () => ({ ...whose, 'askwell.rerank.texts': texts.length })
    return await inChild(`rerank ${model}`, SpanKind.CLIENT, attributes, () => scored(query, texts, signal))
  }

  async function scored(query: string, texts: readonly string[], signal: AbortSignal): Promise<readonly number[]> {
    const body = JSON.stringify({ model, query, documents: texts, top_n: texts.length })
    const reply = await sent({ method: 'POST', headers: { ...headers, ...traceHeaders() }, body, signal })
    if (!reply.ok) throw await refusal(reply, model)
    return scoresIn(await contentOf(reply, signal), texts.length)
  }

  /** A redirect is a fault: the key is meant for this address only. */
  async function sent(request: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
    try {
      return await fetch(url, { ...request, redirect: 'error' })
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason
      throw new AskError('model_unreachable', {
        detail: 'The reranker cannot be reached, or hung up. Check RERANK_URL and that the server is up.',
        cause,
      })
    }
  }

  return { model, score }
}

/** The conventions have no word for reranking, nor for most who offer it. */
function providerOf(url: string): string {
  const { hostname } = new URL(url)
  return hostname === 'api.cohere.com' ? 'cohere' : hostname === 'api.jina.ai' ? 'jina_ai' : 'cohere_compatible'
}

async function contentOf(reply: Response, signal: AbortSignal): Promise<unknown> {
  try {
    return JSON.parse(await wholeOf(reply.body)) as unknown
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw notUnderstood(cause instanceof ReplyTooLong ? 'it is too long' : 'it is not JSON', cause)
  }
}

/** The server's words are not read: some servers repeat the key in them. */
async function refusal(reply: Response, model: string): Promise<AskError> {
  const { status } = reply
  await reply.body?.cancel().catch(() => {})
  if (status === 429)
    return new AskError('model_busy', { detail: 'The reranker takes no more requests at the moment.' })
  const code: ErrorCode = status >= 500 || status === 408 ? 'model_failed' : 'model_rejected'
  return new AskError(code, { detail: `${wordsFor(status, model)} (status ${status})` })
}

function wordsFor(status: number, model: string): string {
  if (status >= 500 || status === 408) return 'The reranker failed.'
  if (status === 401 || status === 403) return 'The reranker does not accept the key: check RERANK_API_KEY.'
  if (status === 404 || status === 405)
    return `The reranker has no model "${model}", or is not at this address: check RERANK_MODEL and RERANK_URL.`
  return `The reranker refused the request: check RERANK_MODEL ("${model}"), and that RERANK_URL takes what Cohere's /v2/rerank does.`
}

/** Every text must have got its score, once: a part of an order is none. */
function scoresIn(reply: unknown, count: number): number[] {
  const results = (reply as { readonly results?: unknown } | null)?.results
  if (!Array.isArray(results)) throw notUnderstood('it has no list of results')
  const scores = new Map<unknown, unknown>(results.map((result: Result) => [result?.index, result?.relevance_score]))
  const inOrder = Array.from({ length: count }, (_, index) => scores.get(index))
  if (results.length !== count || !inOrder.every(isScore)) throw notUnderstood('it does not score each passage once')
  return inOrder
}

type Result = { readonly index?: unknown; readonly relevance_score?: unknown } | null

function isScore(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function notUnderstood(why: string, cause?: unknown): AskError {
  return new AskError('model_failed', {
    detail: `The reranker's reply is not understood: ${why}.`,
    kind: 'garbage',
    cause,
  })
}
