import type { Embedder } from '../ask/retrieval/embedder.ts'
import { isAskError } from '../errors.ts'
import type { Collection, ModelChange, ModelCheckStore, StoredWindow } from './terms.ts'
import { windowText } from './windows.ts'

const textsPerCheck = 5
/**
 * Cosine of a stored vector and the one of the same text today. Other models give about 0. The same model on another
 * machine, or in fewer bits, gives more than 0.95.
 */
const leastSimilarity = 0.9

/**
 * Embeds a few stored texts again and compares the vectors with the stored ones: a provider may change what is behind a
 * name. Records what it finds, and returns the change, or null. Rejects if the model fails.
 */
export async function checkModel(
  collection: Collection,
  embedder: Embedder,
  store: ModelCheckStore,
  signal: AbortSignal,
): Promise<Omit<ModelChange, 'foundAt'> | null> {
  const { model } = collection
  if (model === null || model.name !== embedder.model) return model?.changed ?? null
  const windows = await store.sample(collection, textsPerCheck, signal)
  if (windows.length === 0) return model.changed ?? null
  const change = await changeIn(windows, embedder, signal)
  if ((change === null) !== (model.changed === undefined)) await store.record(model.id, change, signal)
  return change
}

/** Above what two models of a family, or two ways of pooling, give. */
const sameSimilarity = 0.99

/**
 * Whether the vectors of a collection are those of this model under another name: then they need not be made again, and
 * the stored model gets the name. Rejects if the model fails.
 */
export async function adoptRenamed(
  { model, ...collection }: Collection,
  embedder: Embedder,
  store: ModelCheckStore,
  signal: AbortSignal,
): Promise<boolean> {
  if (model === null || model.changed || model.name === embedder.model || model.dimensions !== embedder.dimensions())
    return false
  const windows = await store.sample({ ...collection, model }, textsPerCheck, signal)
  if (windows.length === 0 || (await similarityOf(windows, embedder, signal)) < sameSimilarity) return false
  return await store.rename(model.id, embedder.model, signal)
}

async function changeIn(windows: readonly StoredWindow[], embedder: Embedder, signal: AbortSignal) {
  const similarity = await similarityOf(windows, embedder, signal).catch((error: unknown) => {
    if (isAskError(error) && error.kind === 'wrong_dimensions') return null
    throw error
  })
  if (similarity !== null && similarity >= leastSimilarity) return null
  return { similarity: similarity ?? 0, texts: windows.length, hasOtherLength: similarity === null }
}

/** Median of the cosines of stored vectors and those of the same texts today. */
async function similarityOf(
  windows: readonly StoredWindow[],
  embedder: Embedder,
  signal: AbortSignal,
): Promise<number> {
  const texts = windows.map(({ chunk, start, end }) => windowText(chunk.documentText, chunk, { start, end }, embedder))
  const vectors = await embedder.embed(texts, signal, 'passage')
  return median(windows.map(({ embedding }, i) => cosine(embedding, vectors[i]!)))
}

/** Both of unit length, apart from the rounding of stored vectors. Vectors of two lengths have nothing in common. */
function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return 0
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
