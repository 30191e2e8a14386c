import { Session } from 'node:inspector'
import { natives } from './natives.ts'

/**
 * Counts the steps of a piece of work: how often each block of our code ran, from V8's coverage counters, and the cost
 * of the engine's own functions. It uses no clock, so the work has the same count on every machine.
 */
export interface StepCounter {
  count(work: () => unknown): Promise<number>
  /** Blocks run in the last count, by URL of the file. */
  readonly blocks: ReadonlyMap<string, number>
}

interface Coverage {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[]
  }[]
}

/** Create it before the counted code is loaded. It also counts code below `node_modules`. */
export function createStepCounter(): StepCounter {
  const session = new Session()
  session.connect()
  ask('Profiler.enable')
  ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  let blocks: ReadonlyMap<string, number> = new Map()

  function ask(method: string, params: object = {}): unknown {
    let answer: unknown
    session.post(method, params, (error: Error | null, given?: object) => {
      if (error) throw error
      answer = given
    })
    return answer
  }

  function counts(): Map<string, number> {
    const { result } = ask('Profiler.takePreciseCoverage') as Coverage
    const found = new Map<string, number>()
    for (const { url, functions } of result) {
      if (!url.startsWith('file:') || url.includes('/test/')) continue
      let sum = 0
      for (const { ranges } of functions) for (const { count } of ranges) sum += count
      if (sum > 0) found.set(url, sum)
    }
    return found
  }

  return {
    async count(work) {
      counts()
      natives.steps = 0
      natives.isCounting = true
      try {
        await work()
      } finally {
        natives.isCounting = false
      }
      blocks = counts()
      return natives.steps + blocks.values().reduce((sum, count) => sum + count, 0)
    },
    get blocks() {
      return blocks
    },
  }
}
