import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { retrievalFrom, type Asked } from './asked.ts'
import type { Done, Load } from './pgbench.ts'
import { randomOf } from './random.ts'

const warmUpSeconds = 2

/** Everything the product does between the embedding and the prompt (both arms, fusion, reading five passages), in this process. */
export async function throughProduct(
  url: string,
  questions: readonly Asked[],
  { clients, seconds }: Load,
): Promise<Done> {
  const latencies: number[] = []
  let queries = 0
  const warm = performance.now() + warmUpSeconds * 1000
  const end = warm + seconds * 1000
  await withClients(url, clients, async (retrieve, client) => {
    const random = randomOf(31, client)
    for (let start = performance.now(); start < end; start = performance.now()) {
      await retrieve(random.pick(questions))
      queries++
      if (start >= warm) latencies.push(performance.now() - start)
    }
  })
  return { latencies, queries }
}

/** Every question once, so that what they read is in memory. */
export async function warmUp(url: string, questions: readonly Asked[], clients: number): Promise<void> {
  const left = questions.values()
  await withClients(url, clients, async retrieve => {
    for (const asked of left) await retrieve(asked)
  })
}

type Retrieve = ReturnType<typeof retrievalFrom>

async function withClients(
  url: string,
  clients: number,
  work: (retrieve: Retrieve, client: number) => Promise<void>,
): Promise<void> {
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: clients,
    poolMaxOverflow: 0,
    poolMaxWaiting: clients,
    statementTimeoutMs: 60_000,
  })
  const retrieve = retrievalFrom(createPassageStore(database))
  await Promise.all(Array.from({ length: clients }, (_, client) => work(retrieve, client)))
  await database.close()
}
