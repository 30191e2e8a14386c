import { embed } from '../../test/support/model/embedding.ts'
import { pgbench } from '../retrieval/pgbench.ts'
import { openedByProduct } from '../retrieval/opened.ts'
import { wantedOf, type Asked } from '../retrieval/asked.ts'
import { takeDown } from '../retrieval/statements.ts'
import type { Subject } from '../support/interleave.ts'
import { shotOf, type Shot } from './shots.ts'

export interface Database {
  readonly url: string
  readonly collection: string
}

/** pgbench with the product's own search, taken down while the product runs it for these questions; the model server makes their vectors. */
export async function retrieving(
  { url, collection: name }: Database,
  questions: readonly string[],
  load: { readonly clients: number; readonly seconds: number },
): Promise<Subject<Shot>> {
  const { collection, settings } = await openedByProduct(url, name)
  const asked: Asked[] = questions.map((question, number) => {
    const vector = embed(question)
    return { number, vector, wanted: wantedOf(question, vector, collection) }
  })
  const { hybrid } = await takeDown(url, asked)
  const seconds = Math.ceil(load.seconds) // it takes whole ones
  return {
    name: 'pgbench, the same SQL',
    shoot: async () => shotOf((await pgbench(url, hybrid, { ...load, seconds, settings })).latencies, seconds),
  }
}
