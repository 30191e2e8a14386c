import { setTimeout as sleep } from 'node:timers/promises'

const usualLimitMs = 15_000

/**
 * Asks again until the answer is yes, and gives it back: for what another process or thread does in its own time.
 * The limit only ends a test that would wait for ever.
 */
export async function until<T>(what: string, ask: () => T | Promise<T>, limitMs = usualLimitMs): Promise<NonNullable<T>> {
  const limit = performance.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (performance.now() > limit) throw new Error(`it never came to be that ${what}`)
    await sleep(10)
  }
}
