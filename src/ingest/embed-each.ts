import type { Embedder, LoadingCall } from '../ask/retrieval/embedder.ts'
import { isAskError } from '../errors.ts'
import { embedDrafts } from './embed-drafts.ts'
import type { LoadDeps } from './load.ts'
import type { PreparedDocument } from './terms.ts'

/**
 * Creates the function that embeds documents together. If the model rejects the batch, each document is embedded
 * separately, so that only those that it rejects are left out. A model that rejects everything (for example a wrong
 * key) is not a fault of a document; then this rejects.
 */
export function embedEach(embedder: Pick<Embedder, 'embed'>, loading: LoadingCall = {}): LoadDeps['embed'] {
  return async function embed(collection, drafts, onFault, signal) {
    try {
      return await embedDrafts(embedder, collection, drafts, { signal, loading })
    } catch (error) {
      if (!isAskError(error, 'model_rejected')) throw error
      await embedder.embed(['a'], signal, 'passage')
      if (drafts.length === 1) return (onFault(drafts[0]!, `cannot be embedded: ${error.detail}`), [])
      const prepared: PreparedDocument[] = []
      for (const draft of drafts) prepared.push(...(await embed(collection, [draft], onFault, signal)))
      return prepared
    }
  }
}
