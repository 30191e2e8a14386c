import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Lets at least `ms` milliseconds pass: for a limit that must have expired, or a reader that must be slow. A busy machine
 * makes it longer, and the test must still hold. To wait for something to happen, use `until`.
 */
export async function atLeast(ms: number): Promise<void> {
  await sleep(ms)
}
