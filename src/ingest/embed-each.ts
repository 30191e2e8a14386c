import type { Embedder } from '../ask/retrieval/embedder.ts'
import { isAskError } from '../errors.ts'
import type { Draft } from './draft.ts'
import { embedDrafts } from './embed-drafts.ts'
import type { PreparedDocument } from './terms.ts'

/**
 * Embeds documents together; where the model refuses something, each by itself, so that only the one it refuses is left
 * out. A model that refuses everything (a wrong key) is no fault of a document, and rejects.
 */
export async function embedEach(
  embedder: Pick<Embedder, 'embed'>,
  collection: string,
  drafts: readonly Draft[],
  onFault: (draft: Draft, reason: string) => void,
  signal: AbortSignal,
): Promise<PreparedDocument[]> {
  try {
    return await embedDrafts(embedder, collection, drafts, signal)
  } catch (error) {
    if (!isAskError(error, 'model_rejected')) throw error
    await embedder.embed(['a'], signal, 'passage')
    if (drafts.length === 1) return (onFault(drafts[0]!, `cannot be embedded: ${error.detail}`), [])
    const prepared: PreparedDocument[] = []
    for (const draft of drafts) prepared.push(...(await embedEach(embedder, collection, [draft], onFault, signal)))
    return prepared
  }
}
