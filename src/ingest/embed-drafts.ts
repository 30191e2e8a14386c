import type { Embedder } from '../ask/retrieval/embedder.ts'
import { fullPace, type Step } from '../resilience/pace.ts'
import { packUnits } from '../vectors/packed-units.ts'
import type { Draft, DraftChunk } from './draft.ts'
import { documentId } from './prepare.ts'
import type { PreparedChunk, PreparedDocument } from './terms.ts'
import { unitText, type DraftUnits } from './units.ts'

/**
 * Texts per call: few enough for embedding APIs, and for counting tokens without blocking the event loop noticeably.
 */
const textsPerCall = 96

export interface EmbedOptions {
  readonly signal: AbortSignal
  /** Runs each call of the embedder. */
  readonly step?: Step
}

type Embeds = Pick<Embedder, 'embed'>

/**
 * Adds the vectors to documents. The windows of all documents are embedded together, in order; then their units, whose
 * vectors are packed at once, because a large document has hundreds of thousands of them.
 */
export async function embedDrafts(
  embedder: Embeds,
  collection: string,
  drafts: readonly Draft[],
  options: EmbedOptions,
): Promise<PreparedDocument[]> {
  const windows = await embedAll(
    embedder,
    drafts.flatMap(draft => draft.chunks.flatMap(chunk => chunk.windows.map(window => window.text))),
    options,
  )
  const vectors = new Map<DraftChunk, readonly Float32Array[]>()
  let next = 0
  for (const { chunks } of drafts)
    for (const chunk of chunks) vectors.set(chunk, windows.slice(next, (next += chunk.windows.length)))
  const units = await embedUnits(embedder, drafts, vectors, options)
  return drafts.map(({ chunks, hash, warnings: _warnings, ...document }) => ({
    ...document,
    id: documentId(collection, document.source),
    hash: Buffer.from(hash),
    chunks: chunks.map(chunk => finishedChunk(document, chunk, vectors.get(chunk)!, units.get(chunk))),
  }))
}

async function embedAll(
  embedder: Embeds,
  texts: readonly string[],
  { signal, step = fullPace }: EmbedOptions,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (let at = 0; at < texts.length; at += textsPerCall) {
    const batch = texts.slice(at, at + textsPerCall)
    for (const vector of await step(() => embedder.embed(batch, signal, 'passage'))) vectors.push(vector)
  }
  if (vectors.length < texts.length) throw new Error('the embedder returned fewer vectors than texts')
  return vectors
}

function finishedChunk(
  { text, language }: Pick<Draft, 'text' | 'language'>,
  { windows, units: _units, ...chunk }: DraftChunk,
  vectors: readonly Float32Array[],
  units: Uint8Array | undefined,
): PreparedChunk {
  return {
    ...chunk,
    language,
    text: text.slice(chunk.start, chunk.end),
    vectors: windows.map(({ start, end }, i) => ({ start, end, embedding: vectors[i]! })),
    ...(units !== undefined && { units }),
  }
}

/** The packed units of the chunks that have any. */
async function embedUnits(
  embedder: Embeds,
  drafts: readonly Draft[],
  vectors: ReadonlyMap<DraftChunk, readonly Float32Array[]>,
  options: EmbedOptions,
): Promise<Map<DraftChunk, Uint8Array>> {
  const packed = new Map<DraftChunk, Uint8Array>()
  let waiting: UnitsOfChunk[] = []
  let texts = 0
  for (const { text, chunks } of drafts)
    for (const chunk of chunks) {
      if (chunk.units === undefined) continue
      const known = new Map(chunk.windows.map((window, i) => [window.text, vectors.get(chunk)![i]!]))
      waiting.push({ key: chunk, text, from: chunk.start, units: chunk.units, known })
      texts += chunk.units.units.length
      if (texts >= textsPerCall) await flush()
    }
  await flush()
  return packed

  async function flush(): Promise<void> {
    const bytes = await packedUnits(embedder, waiting, options)
    waiting.forEach(({ key }, i) => packed.set(key as DraftChunk, bytes[i]!))
    waiting = []
    texts = 0
  }
}

export interface UnitsOfChunk {
  readonly key?: unknown
  /** Of the document. */
  readonly text: string
  /** Where the chunk begins. */
  readonly from: number
  readonly units: DraftUnits
  /** Vectors of texts that were embedded already: a short chunk is one window and one unit. */
  readonly known?: ReadonlyMap<string, Float32Array>
}

/** Embeds the units of some chunks together and packs those of each. */
export async function packedUnits(
  embedder: Embeds,
  chunks: readonly UnitsOfChunk[],
  options: EmbedOptions,
): Promise<Uint8Array[]> {
  const texts = chunks.map(({ text, units }) => units.units.map(unit => unitText(text, units, unit)))
  const wanted = texts.flatMap((each, i) => each.filter(text => !chunks[i]!.known?.has(text)))
  const vectors = await embedAll(embedder, wanted, options)
  let next = 0
  return chunks.map(({ from, units, known }, i) =>
    packUnits(
      units.units.map(({ start, end }, at) => {
        return { start, end, embedding: known?.get(texts[i]![at]!) ?? vectors[next++]! }
      }),
      from,
    ),
  )
}
