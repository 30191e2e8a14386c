import type { Embedder } from '../ask/retrieval/embedder.ts'
import { fullPace, type Step } from '../resilience/pace.ts'
import type { Draft, DraftChunk } from './draft.ts'
import { documentId } from './prepare.ts'
import type { PreparedChunk, PreparedDocument } from './terms.ts'

/**
 * Texts per call: few enough for embedding APIs, and for counting tokens without blocking the event loop noticeably.
 */
const textsPerCall = 96

export interface EmbedOptions {
  readonly signal: AbortSignal
  /** Runs each call of the embedder. */
  readonly step?: Step
}

/** Adds the vectors to documents. The windows of all documents are embedded together, in order. */
export async function embedDrafts(
  embedder: Pick<Embedder, 'embed'>,
  collection: string,
  drafts: readonly Draft[],
  options: EmbedOptions,
): Promise<PreparedDocument[]> {
  const vectors = await embedAll(embedder, drafts, options)
  let next = 0
  const take = () => {
    const vector = vectors[next++]
    if (!vector) throw new Error('the embedder returned fewer vectors than texts')
    return vector
  }
  return drafts.map(draft => finished(collection, draft, take))
}

async function embedAll(
  embedder: Pick<Embedder, 'embed'>,
  drafts: readonly Draft[],
  { signal, step = fullPace }: EmbedOptions,
): Promise<Float32Array[]> {
  const texts = drafts.flatMap(draft => draft.chunks.flatMap(chunk => chunk.windows.map(window => window.text)))
  const vectors: Float32Array[] = []
  for (let at = 0; at < texts.length; at += textsPerCall) {
    const batch = texts.slice(at, at + textsPerCall)
    for (const vector of await step(() => embedder.embed(batch, signal, 'passage'))) vectors.push(vector)
  }
  return vectors
}

function finished(
  collection: string,
  { chunks, hash, warnings: _warnings, ...document }: Draft,
  take: () => Float32Array,
): PreparedDocument {
  return {
    ...document,
    id: documentId(collection, document.source),
    hash: Buffer.from(hash),
    chunks: chunks.map(chunk => finishedChunk(document, chunk, take)),
  }
}

function finishedChunk(
  { text, language }: Pick<Draft, 'text' | 'language'>,
  { windows, ...chunk }: DraftChunk,
  take: () => Float32Array,
): PreparedChunk {
  return {
    ...chunk,
    language,
    text: text.slice(chunk.start, chunk.end),
    vectors: windows.map(({ start, end }) => ({ start, end, embedding: take() })),
  }
}
