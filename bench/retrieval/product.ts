import { openDatabase } from '../../src/adapters/database.ts'
import { createPassageStore } from '../../src/adapters/passages.ts'
import { retrievalFrom, type Asked } from './asked.ts'
import type { Done, Load } from './pgbench.ts'
import { randomOf } from './random.ts'

const warmUpSeconds = 2

/** Everything the product does between the embedding and the prompt (both arms, fusion, reading five passages), in this process. */
export async function throughProduct(url: string, questions: readonly Asked[], { clients, seconds }: Load): Promise<Done> {
  const database = await openDatabase({ url, dataDir: undefined, poolSize: clients, poolMaxOverflow: 0, poolMaxWaiting: clients, statementTimeoutMs: 60_000 })
  const retrieve = retrievalFrom(createPassageStore(database))
  const latencies: number[] = []
  let queries = 0
  const warm = performance.now() + warmUpSeconds * 1000
  const end = warm + seconds * 1000
  await Promise.all(Array.from({ length: clients }, async (_, client) => {
    const random = randomOf(31, client)
    for (let start = performance.now(); start < end; start = performance.now()) {
      await retrieve(random.pick(questions))
      queries++
      if (start >= warm) latencies.push(performance.now() - start)
    }
  }))
  await database.close()
  return { latencies, queries }
}
