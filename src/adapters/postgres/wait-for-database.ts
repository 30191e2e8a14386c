import type { Logger } from 'pino'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAskError } from '../../errors.ts'

/** Full jitter: replicas that start together do not knock together. */
const firstPauseMs = 200
const longestPauseMs = 5000

export interface Patience {
  /** From now; 0: one try. */
  readonly ms: number
  readonly log: Pick<Logger, 'warn'>
  /** Ends the waiting; rejects with its reason. */
  readonly signal?: AbortSignal | undefined
  readonly random?: () => number
}

/**
 * Opens what cannot be reached yet, again and again. What waiting cannot mend is thrown at once: a wrong password, a
 * database of that name that is not there, a server too old.
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
      if (!mayComeBack(error) || performance.now() + pauseMs > endsAt) throw error
      log.warn({ err: error.cause ?? error, tries, pauseMs }, 'the database cannot be reached: waiting for it')
      await sleep(pauseMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}

/** Who cannot connect is told when to try again; who finds a server that will not do is not. */
function mayComeBack(error: unknown): error is Error {
  return isAskError(error, 'database_unavailable') && error.retryAfter !== undefined
}
