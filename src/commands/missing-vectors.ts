import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../adapters/postgres/database.ts'
import { createCollectionStore } from '../adapters/postgres/store/collections.ts'
import { missingVectors } from '../adapters/postgres/store/missing-vectors.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { fillVectors } from '../ingest/fill-vectors.ts'
import type { VectorsFilling } from '../ingest/terms.ts'
import { unitsLeftOut } from './embedding-cost.ts'
import { createEmbeddingRate, rateWords } from './embedding-rate.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

export interface FillParts {
  readonly host: Host
  readonly embedder: Embedder
  readonly signal: AbortSignal
}

/** A service may be at it, or a process that was killed may still have its claim. */
const askAgainMs = 1000

export interface FilledVectors {
  /** Chunks. */
  readonly filled: number
  /** Chunks that were left without units, because the collection has too many. */
  readonly leftOut: number
  /** False if something prevented it. */
  readonly isComplete: boolean
}

const none: FilledVectors = { filled: 0, leftOut: 0, isComplete: true }

/** Embeds chunks that have no vectors, then the units of those that have none, with progress. */
export async function fillMissing(
  store: VectorsFilling,
  { host, embedder, signal }: FillParts,
): Promise<FilledVectors> {
  let isWaiting = false
  let sum = 0
  const rate = createEmbeddingRate(host)
  for (;;) {
    const { state, filled, remaining, chunks } = await fillVectors(embedder, store, {
      filledBefore: sum,
      signal,
      loading: rate.loading,
      onProgress: ({ of, filled: done, remaining: left }) =>
        say(host, `${of} of ${done} of ${done + left} chunks${rateWords(rate)}`),
      onRejected: (chunkId, reason) => say(host, `the embedding model rejects chunk ${chunkId}: ${reason}`),
    })
    sum += filled
    if (state === 'too_many' && embedder.unitsUpTo) say(host, unitsLeftOut(chunks, embedder.unitsUpTo))
    if (state !== 'claimed') return { filled: sum, leftOut: state === 'too_many' ? remaining : 0, isComplete: true }
    if (!isWaiting) say(host, 'another process embeds the vectors of this collection, or writes to it: waiting for it')
    isWaiting = true
    await sleep(askAgainMs, undefined, { signal })
  }
}

/**
 * Embeds what a command loaded without vectors or units, where they are made after the rest. The documents are stored and
 * answer already, so an error is only reported.
 */
export async function vectorsAfter(
  collection: string,
  { database, ...parts }: FillParts & { readonly database: Database },
): Promise<FilledVectors> {
  const { host, embedder, signal } = parts
  if (signal.aborted) return none
  try {
    const found = await createCollectionStore(database).collection(collection, signal)
    if (found?.model?.name !== embedder.model || found.model.changed) return none
    const owner = { collectionId: found.id, modelId: found.model.id }
    const store = missingVectors(database, owner, embedder.languages, signal)
    // This load, or an earlier one that was ended.
    const isLackingVectors = (await store.counts('0')).withoutVectors > 0
    if (isLackingVectors) say(host, 'all documents are found by their words; their vectors follow')
    if (!isLackingVectors && !(embedder.areUnitsBehind && embedder.unitsUpTo)) return none
    return await fillMissing(store, parts)
  } catch (error) {
    if (signal.aborted) throw error
    say(
      host,
      `askwell: documents stored, but not all their vectors: ${error instanceof Error ? error.message : String(error)}; a running service goes on with them, or run: askwell reembed --collection ${collection}`,
    )
    return { ...none, isComplete: false }
  }
}
