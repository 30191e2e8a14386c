import { isAskError } from '../errors.ts'
import type { Run } from './terms/run.ts'

/**
 * Share of the remaining time that an optional model call may take, so that a model that hangs leaves enough time to
 * answer.
 */
const optionalShare = 1 / 3

/**
 * Runs a model call that improves the search but is not required. When its share of the time is over, returns the
 * fallback.
 */
export async function bestEffort<T>(fallback: T, run: Run, attempt: (bounded: Run) => Promise<T>): Promise<T> {
  const now = performance.now()
  try {
    return await attempt({ ...run, deadline: now + (run.deadline - now) * optionalShare })
  } catch (error) {
    if (run.signal.aborted || !isAskError(error, 'deadline_exceeded')) throw error
    run.log.warn({ code: error.code, detail: error.detail }, 'an optional step timed out: continuing without it')
    return fallback
  }
}
