import { setTimeout as sleep } from 'node:timers/promises'
import { isConflict } from './errors.ts'

const maxAttempts = 4
const longestPauseMs = 50

/**
 * Runs a write again, on another lease, if the server rolled it back in favour of another transaction (40001, 40P01) or it
 * did not get a lock in time (55P03). `work` must be one transaction, or safe to repeat.
 */
export async function retryConflicts<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isConflict(error) || attempt === maxAttempts || signal.aborted) throw error
      // Full jitter, so that the same transactions do not meet again.
      await sleep(Math.random() * longestPauseMs * attempt)
    }
  }
}
