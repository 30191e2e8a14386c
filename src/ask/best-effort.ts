import { isAskError } from '../errors.ts'
import type { Run } from './terms.ts'

/** What models may spend on helping the search, of the time that is left: one that says nothing must leave enough to answer. */
const helpShare = 1 / 3

/** A model that helps the search but is not needed for it: when its share of the time is over, the question goes on without. */
export async function bestEffort<T>(without: T, run: Run, help: (brief: Run) => Promise<T>): Promise<T> {
  const now = performance.now()
  try {
    return await help({ ...run, deadline: now + (run.deadline - now) * helpShare })
  } catch (error) {
    if (run.signal.aborted || !isAskError(error, 'deadline_exceeded')) throw error
    run.log.warn({ code: error.code, detail: error.detail }, 'an optional step timed out: continuing without it')
    return without
  }
}
