import { APIConnectionTimeoutError, APIError } from 'openai'
import { isAskError } from '../../../errors.ts'
import type { BatchFault } from '../../../resilience/load-batches/load-batches.ts'
import { serverMessage } from './errors.ts'

/** How servers say that a request has too many texts, or too long ones. */
const sizeWords =
  /batch[ _-]?size|too (many|large|long|big)|max(imum)?\b|max_\w+|exceed|at most|no more than|context length|\blimit/i

/** Statuses with which servers reject the size of a request; llama.cpp uses 500. */
const sizeStatuses: ReadonlySet<number | undefined> = new Set([400, 422, 429, 500])
/** The proxy in front of a model lost patience, or the server did. */
const lateStatuses: ReadonlySet<number | undefined> = new Set([408, 504, 524])

/** Whether the server rejected a request because of its size. */
export function isAboutSize(error: unknown): boolean {
  if (!(error instanceof APIError)) return false
  if (error.status === 413) return true
  const words = serverMessage(error)
  if (error.status === 429) return /too large/i.test(words)
  return sizeStatuses.has(error.status) && sizeWords.test(words)
}

/** Reads an error of a call that loads, as {@link toAskError} made it. */
export function readLoadFault(error: unknown): BatchFault {
  if (!isAskError(error)) return { kind: 'final' }
  const { code, kind, cause, retryAfter } = error
  if (code === 'deadline_exceeded' || isLate(cause)) return { kind: 'late' }
  if (isAboutSize(cause)) return { kind: 'too_large' }
  if (code === 'model_busy') return { kind: 'busy', ...(retryAfter !== undefined && { pauseMs: retryAfter * 1000 }) }
  const isPassing =
    code === 'model_unreachable' || (code === 'model_failed' && (kind === 'failed' || kind === 'hung_up'))
  return { kind: isPassing || (code === 'model_failed' && kind === undefined) ? 'passing' : 'final' }
}

function isLate(cause: unknown): boolean {
  if (cause instanceof APIConnectionTimeoutError) return true
  return cause instanceof APIError && lateStatuses.has(cause.status)
}
