import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits at least `ms` milliseconds, for a limit that must have expired or a reader that must be slow. On a busy machine
 * it takes longer, which must not fail the test. To wait for something to happen, use `until`.
 */
export async function atLeast(ms: number): Promise<void> {
  await sleep(ms)
}
