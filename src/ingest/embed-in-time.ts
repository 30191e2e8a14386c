import type { Embedder } from '../ask/retrieval/embedder.ts'
import { startDeadline } from '../resilience/deadline.ts'
import type { Draft } from './draft.ts'
import { embedDrafts, withoutVectors, type EmbedOptions } from './embed-drafts.ts'
import type { PreparedDocument } from './terms.ts'

/** Said of each document that is stored before its vectors are made. */
export const vectorsFollow =
  'its vectors are made in the background; until then its words find it (missing_vector_chunk_count of GET /collections tells how many chunks are left)'

export interface InTimeOptions extends EmbedOptions {
  readonly mostMs: number
  /** Awaited first, within the same time. */
  readonly before: (signal: AbortSignal) => Promise<void>
}

/**
 * The documents with their vectors or, if the model takes longer than `mostMs`, all of them without: they are found by
 * their words, and their vectors follow (fill-vectors.ts). Rejects as {@link embedDrafts} does.
 */
export async function embedInTime(
  embedder: Embedder,
  collection: string,
  drafts: readonly Draft[],
  { mostMs, before, signal, ...options }: InTimeOptions,
): Promise<PreparedDocument[]> {
  if (drafts.length === 0) return []
  const limit = startDeadline('the embedding of documents', mostMs, signal)
  try {
    await before(limit.signal)
    return await embedDrafts(embedder, collection, drafts, { ...options, signal: limit.signal })
  } catch (error) {
    if (!limit.signal.aborted || signal.aborted) throw error
    return withoutVectors(collection, drafts)
  } finally {
    limit.stop()
  }
}
