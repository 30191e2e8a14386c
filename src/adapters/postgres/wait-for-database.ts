import type { Logger } from 'pino'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAskError } from '../../errors.ts'

/** Full jitter, so that replicas that start together do not connect together. */
const firstPauseMs = 200
const longestPauseMs = 5000

export interface Patience {
  /** How long to keep trying, in milliseconds from now; 0 for one attempt. */
  readonly ms: number
  readonly log: Pick<Logger, 'warn'>
  /** Aborts the wait; rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly random?: () => number
}

/**
 * Retries opening a database that cannot be reached yet. Errors that waiting cannot fix are thrown immediately: a wrong
 * password, a missing database, a server that is too old.
 */
export async function waitForDatabase<T>(
  open: () => Promise<T>,
  { ms, log, signal, random = Math.random }: Patience,
): Promise<T> {
  const endsAt = performance.now() + ms
  for (let tries = 1; ; tries++) {
    try {
      return await open()
    } catch (error) {
      signal?.throwIfAborted()
      const pauseMs = Math.round(random() * Math.min(longestPauseMs, firstPauseMs * 2 ** tries))
      if (!mayRecover(error) || performance.now() + pauseMs > endsAt) throw error
      log.warn({ err: error.cause ?? error, tries, pauseMs }, 'the database cannot be reached: retrying')
      await sleep(pauseMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}

/** Connection errors have a retryAfter; errors about an unsuitable server do not. */
function mayRecover(error: unknown): error is Error {
  return isAskError(error, 'database_unavailable') && error.retryAfter !== undefined
}
