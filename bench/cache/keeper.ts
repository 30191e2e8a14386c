import type { Owner } from '../../test/support/server-process.ts'

/** What a benchmark started, ended in reverse order: the helpers of the tests hang their servers on it. */
export interface Keeper extends Owner {
  end(): Promise<void>
}

export function createKeeper(): Keeper {
  const works: (() => unknown)[] = []
  return {
    teardown: work => works.push(work),
    passing: () => true,
    async end() {
      for (const work of works.splice(0).reverse()) await work()
    },
  }
}
