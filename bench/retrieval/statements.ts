import postgres from 'postgres'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { vectorSearch } from '../../src/adapters/postgres/store/vector-search.ts'
import type { Sql } from '../../src/adapters/postgres/database.ts'
import { retrievalFrom, type Asked } from './asked.ts'

/** What the driver sends to the server: text with `$1`…, and the values as it prints them. */
export interface Statement {
  readonly text: string
  readonly parameters: readonly string[]
}

/**
 * The product's own statements, taken down while the product runs them: the vector arm alone, and both arms in one.
 * What follows the search (reading the few chosen passages) is left out.
 */
export async function takeDown(
  url: string,
  questions: readonly Asked[],
): Promise<{ vector: Statement[]; hybrid: Statement[] }> {
  const sent: Statement[] = []
  const debug = (_: number, text: string, parameters: unknown[]) =>
    void sent.push({ text, parameters: parameters.map(printed) })
  const sql: Sql = postgres(url, { max: 1, onnotice: () => {}, transform: { undefined: null }, debug })
  await sql`select 1` // the driver asks for the server's array types first
  const taken = async (work: () => PromiseLike<unknown>) => {
    sent.length = 0
    await work()
    if (sent.length !== 1) throw new Error(`one statement was expected, not ${sent.length}`)
    return sent[0]!
  }
  const { search } = createPassageStore({ lease: async (_, work) => await work(sql) })
  const hybridOnly = retrievalFrom({ search: (query, _, terms) => search(query, () => [], terms) })
  const vector: Statement[] = []
  const hybrid: Statement[] = []
  for (const asked of questions) {
    vector.push(await taken(() => sql`${armOf(sql, asked)}`))
    hybrid.push(await taken(() => hybridOnly(asked)))
  }
  await sql.end()
  return { vector, hybrid }
}

/** Candidates of each arm, as the product asks for. */
const limit = 50

export function armOf(sql: Sql, { wanted: { collection }, vector }: Asked) {
  const { id: collectionId, modelId, windowsPerChunk, efSearch } = collection
  return vectorSearch(sql, { collectionId, modelId: modelId!, values: vector, windowsPerChunk, efSearch, limit }, null)
}

function printed(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(each => `"${printed(each).replace(/["\\]/g, '\\$&')}"`).join(',')}}`
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new Error(`pgbench has no way to send ${String(value)}`)
}
