import type { Embedder } from '../ask/retrieval/embedder.ts'
import { AskError } from '../errors.ts'
import type { NamedModel } from './terms.ts'

/** The model whose vectors a collection is to store. Throws `model_unreachable` while their length is unknown. */
export function namedModel({ model, dimensions }: Pick<Embedder, 'model' | 'dimensions'>): NamedModel {
  const length = dimensions()
  if (length !== null) return { name: model, dimensions: length }
  throw new AskError('model_unreachable', {
    detail: `The model API has not responded yet, so the vector length of "${model}" is unknown; try again later.`,
    retryAfter: 5,
  })
}
