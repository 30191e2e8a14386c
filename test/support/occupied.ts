import type { Priority } from '../../src/priority.ts'
import type { App } from './app.ts'
import { runOf } from './run-of.ts'

export interface Occupied {
  /** Ends the runs and waits until they have left. */
  release(): Promise<void>
}

/**
 * Lets runs enter the service's own admission and keeps them there: as many as `count`, or as there is room for. A
 * question holds its place only while it is searched, which no test can make as slow as it needs.
 */
export function occupied({ deps: { admission } }: App, count: number, priority: Priority = 'interactive'): Occupied {
  const { promise: held, resolve } = Promise.withResolvers<void>()
  const stay = async () => {
    const events = admission.events({ ...runOf(), deadline: Infinity, priority }, async function* () {
      await held
      yield* []
    })
    await events.next()
  }
  const stays = Array.from({ length: count }, stay)
  const ended = Promise.allSettled(stays)
  return {
    async release() {
      resolve()
      await ended
    },
  }
}
