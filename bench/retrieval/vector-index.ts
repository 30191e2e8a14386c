import { createCollectionStore } from '../../src/adapters/postgres/store/collections.ts'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { recallProbe } from '../../src/adapters/postgres/store/recall.ts'
import { ensureVectorIndex, type VectorIndex } from '../../src/adapters/postgres/store/vector-index.ts'
import { tuneDepth, type Tuned } from '../../src/eval/recall.ts'
import { say } from './sizes.ts'

export interface Prepared {
  /** Null where the product wants none. */
  readonly index: VectorIndex | null
  /** Null where nothing was to be measured, or was measured before. */
  readonly tuned: Tuned | null
}

const target = 0.95

/** What `askwell tune recall` does, with vectors in place of questions: the index, and how far it is to be searched. */
export async function prepareIndex(url: string, name: string, vectors: readonly Float32Array[]): Promise<Prepared> {
  const { signal } = new AbortController()
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 1,
    statementTimeoutMs: 0,
  })
  try {
    const found = await createCollectionStore(database).collection(name)
    if (!found?.model)
      throw new Error(`${url} has no collection "${name}" with vectors: make it with bench/retrieval/load.ts`)
    const index = await ensureVectorIndex(database, found, signal, () =>
      say(`${name}: building the index over ${found.windowCount} vectors`),
    )
    if (index === null || found.efSearch !== null) return { index, tuned: null }
    const probe = recallProbe(database, { ...found, model: found.model }, signal)
    const tuned = await tuneDepth(vectors, probe.nearest, {
      target,
      shallowest: probe.shallowest,
      onStep: step => say(`${name}: ${step}`),
    })
    if (tuned.efSearch !== null) await probe.store(tuned.efSearch)
    return { index, tuned }
  } finally {
    await database.close()
  }
}
