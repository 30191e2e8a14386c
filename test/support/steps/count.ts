import { Session } from 'node:inspector'
import { natives } from './natives.ts'

/**
 * Counts the steps that a piece of work takes: how often each block of ours ran, as V8 counts it for coverage, and
 * what the engine's own functions did. No clock: the same work is the same number on any machine.
 */
export interface StepCounter {
  count(work: () => unknown): Promise<number>
  /** Where the last count's steps were made: address of the file → blocks run. */
  readonly blocks: ReadonlyMap<string, number>
}

interface Coverage {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[]
  }[]
}

/** To be made before what it counts is loaded. Of other people's code it counts that below `node_modules`, too. */
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
