import { APIConnectionError, APIError, type OpenAI } from 'openai'
import { AskError, isAskError, type ErrorCode } from '../../../errors.ts'
import type { ModelFault } from '../../../faults.ts'
import { proxyRefused } from '../fetch.ts'
import { namesOf, type ApiNames } from './client.ts'

/** What was being done; used in the error's message. */
export interface Call {
  readonly client: OpenAI
  readonly model: string
  readonly signal: AbortSignal
}

/**
 * Translates every error of the driver into an AskError; the original travels as `cause`, to the log. The server's
 * message is not shown because some servers repeat the key in it. After an abort, returns the signal's reason.
 */
export function toAskError(error: unknown, { client, model, signal }: Call): unknown {
  if (signal.aborted) return signal.reason
  if (isAskError(error)) return error
  const names = namesOf(client)
  if (error instanceof APIConnectionError) return fromConnection(error, names)
  if (error instanceof APIError && error.status !== undefined) return fromStatus(error, error.status, model, names)
  if (error instanceof APIError) return fromStream(error)
  return failed('The model cut off its reply or sent an invalid one.', error, 'garbage')
}

/** `kind` as in {@link ModelFault}. */
export function failed(detail: string, cause?: unknown, kind: ModelFault = 'failed'): AskError {
  return new AskError('model_failed', { detail, cause, kind })
}

/** The API's own message about a rejection, if there is one. It must never reach a client. */
export function serverMessage(error: APIError): string {
  return `${String(error.param ?? '')} ${error.error === undefined ? '' : error.message}`.trim()
}

/** The server accepted the connection, then broke it or did not speak HTTP. */
const brokenCodes = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE|HPE_\w+)$/

function fromConnection(error: APIConnectionError, { url }: ApiNames): AskError {
  const code = codeOf(error)
  if (code === proxyRefused) {
    const detail =
      'The proxy refused to connect to the model API. Check HTTPS_PROXY or HTTP_PROXY, or name the host of the API in NO_PROXY.'
    return new AskError('model_unreachable', { detail, cause: error })
  }
  if (brokenCodes.test(code)) return failed('The model API closed the connection before it replied.', error, 'hung_up')
  const detail = `The model API cannot be reached${code === '' ? ' in time' : ` (${code})`}. Check ${url} and that the server is up.`
  return new AskError('model_unreachable', { detail, cause: error })
}

/** `ECONNREFUSED` and the like; fetch wraps it in up to three errors. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return ''
}

function fromStatus(error: APIError, status: number, model: string, names: ApiNames): AskError {
  const retryAfter = retryAfterOf(error)
  const options = { cause: error, ...(retryAfter !== undefined && { retryAfter }) }
  if (status === 429 && error.code !== 'insufficient_quota') {
    return new AskError('model_busy', {
      ...options,
      detail: 'The rate limit of the model API is reached; try again later.',
    })
  }
  const code: ErrorCode =
    status >= 500 || status === 408 || status === 409 || status === 425 ? 'model_failed' : 'model_rejected'
  return new AskError(code, { ...options, detail: `${detailOf(status, model, names)} (status ${status})` })
}

function detailOf(status: number, model: string, { key, url }: ApiNames): string {
  if (status < 400) return `The model API has moved to another address. Set ${url} to that one.`
  if (status >= 500) return 'The model API failed.'
  if (status === 401 || status === 403) return `The model API rejected the key. Check ${key} and its permissions.`
  if (status === 404) return `The API has no model "${model}", or ${url} is not its address. Check both.`
  if (status === 429) return 'The quota of the model API is used up. Check its plan and billing.'
  return `The API rejected the request to model "${model}". Check the model name and its limits.`
}

/** Codes and types of errors that another attempt will not cure. */
const rejections =
  /invalid_request|context_length|content_filter|insufficient_quota|authentication|invalid_api_key|permission|not_found/

/** Errors inside the stream: some servers cannot report them otherwise after status 200. */
function fromStream(error: APIError): AskError {
  const signs = `${String(error.code)} ${String(error.type)}`
  const status = Number(error.code)
  const isRejection = status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status)
  if (rejections.test(signs) || isRejection)
    return new AskError('model_rejected', {
      detail: 'The API rejected the request inside its reply. Check the model name and its limits.',
      cause: error,
    })
  if (/rate_limit|429|too_many/.test(signs))
    return new AskError('model_busy', {
      detail: 'The rate limit of the model API is reached; try again later.',
      cause: error,
    })
  return failed('The model failed while sending its reply.', error)
}

/** Seconds, from either form of `Retry-After` or from OpenAI's finer `retry-after-ms`. */
function retryAfterOf({ headers }: APIError): number | undefined {
  const ms = Number(headers?.get('retry-after-ms') ?? Number.NaN)
  const header = headers?.get('retry-after') ?? ''
  const seconds = Number.isFinite(ms)
    ? ms / 1000
    : /^\d+(\.\d+)?$/.test(header)
      ? Number(header)
      : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined
}
