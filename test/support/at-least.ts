import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Lets at least so much time pass, for what is only so after it: a limit that is over, a reader who is slow. On a busy
 * machine it is more, and the test must hold all the same: whatever is to happen is waited for by `until`.
 */
export async function atLeast(ms: number): Promise<void> {
  await sleep(ms)
}
