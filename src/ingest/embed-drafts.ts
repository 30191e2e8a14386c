import type { Embedder, LoadingCall } from '../ask/retrieval/embedder.ts'
import type { BatchSize } from '../resilience/load-batches/size.ts'
import { fullPace, type Step } from '../resilience/pace.ts'
import { packAsWindow, packUnits } from '../vectors/packed-units.ts'
import type { Draft, DraftChunk } from './draft.ts'
import { documentId } from './prepare.ts'
import type { PreparedChunk, PreparedDocument } from './terms.ts'
import { unitText, type DraftUnits } from './units.ts'

/**
 * Texts per call: few enough for embedding APIs, and for counting tokens without blocking the event loop noticeably.
 */
export const textsPerCall = 96

export interface EmbedOptions {
  readonly signal: AbortSignal
  /** Runs each call of the embedder. */
  readonly step?: Step
  /** Sizes the calls, and learns from the time that they take; {@link textsPerCall} texts each when absent. */
  readonly calls?: BatchSize<string>
  readonly loading?: LoadingCall
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
  return drafts.map(draft =>
    finishedDocument(collection, draft, chunk => finishedChunk(draft, chunk, vectors.get(chunk)!, units.get(chunk))),
  )
}

/** The vectors of passages, in order. */
export async function embedAll(
  embedder: Embeds,
  texts: readonly string[],
  { signal, step = fullPace, calls, loading = {} }: EmbedOptions,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (let at = 0; at < texts.length;) {
    const batch = calls?.next(texts, at) ?? texts.slice(at, at + textsPerCall)
    at += batch.length
    const embedded = await step(async () => {
      const startedAt = performance.now()
      const result = await embedCounted(embedder, batch, signal, loading)
      calls?.succeeded(batch, performance.now() - startedAt, at === texts.length)
      return result
    })
    for (const vector of embedded) vectors.push(vector)
  }
  if (vectors.length < texts.length) throw new Error('the embedder returned fewer vectors than texts')
  return vectors
}

/** The documents without vectors, which follow later (fill-vectors.ts). */
export function withoutVectors(collection: string, drafts: readonly Draft[]): PreparedDocument[] {
  return drafts.map(draft => {
    const lackingVectors = draft.chunks.filter(({ windows }) => windows.length > 0).length
    const bare = (chunk: DraftChunk) => finishedChunk(draft, { ...chunk, windows: [] }, [], undefined)
    return { ...finishedDocument(collection, draft, bare), ...(lackingVectors > 0 && { lackingVectors }) }
  })
}

function finishedDocument(
  collection: string,
  { chunks, hash, warnings: _warnings, ...document }: Draft,
  finish: (chunk: DraftChunk) => PreparedChunk,
): PreparedDocument {
  return {
    ...document,
    id: documentId(collection, document.source),
    hash: Buffer.from(hash),
    chunks: chunks.map(finish),
  }
}

/** Reports each text as embedded, also for a model that does not report by itself. */
export async function embedCounted(
  embedder: Embeds,
  texts: readonly string[],
  signal: AbortSignal,
  loading: LoadingCall,
): Promise<Float32Array[]> {
  const { onEmbedded } = loading
  if (!onEmbedded) return await embedder.embed(texts, signal, 'passage', loading)
  let reported = 0
  const vectors = await embedder.embed(texts, signal, 'passage', {
    get patienceMs() {
      return loading.patienceMs ?? 0
    },
    onEmbedded(count) {
      reported += count
      onEmbedded(count)
    },
    onWait: (ms, error) => loading.onWait?.(ms, error),
  })
  if (reported < texts.length) onEmbedded(texts.length - reported)
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
  let waiting: (UnitsOfChunk & { readonly chunk: DraftChunk })[] = []
  let texts = 0
  for (const { text, chunks } of drafts)
    for (const chunk of chunks) {
      if (chunk.units === undefined) continue
      const windows = chunk.windows.map(window => window.text)
      waiting.push({ chunk, text, from: chunk.start, units: chunk.units, windows, vectors: vectors.get(chunk)! })
      texts += chunk.units.units.length
      if (texts >= textsPerCall) await flush()
    }
  await flush()
  return packed

  async function flush(): Promise<void> {
    const bytes = await packedUnits(embedder, waiting, options)
    waiting.forEach(({ chunk }, i) => packed.set(chunk, bytes[i]!))
    waiting = []
    texts = 0
  }
}

export interface UnitsOfChunk {
  /** Of the document. */
  readonly text: string
  /** Where the chunk begins. */
  readonly from: number
  readonly units: DraftUnits
  /** Texts of its windows: those of a short chunk are its units, too, and are not embedded twice. */
  readonly windows: readonly string[]
  /** Vectors of the windows, if they are at hand. */
  readonly vectors?: readonly Float32Array[]
}

/** The texts that are embedded for the units of a chunk when its windows are embedded, or if they were before. */
export function textsOfUnits(chunk: UnitsOfChunk, when: 'now' | 'before'): readonly string[] {
  const { texts, isWindow } = textsIn(chunk)
  if (isWindow) return []
  return when === 'before' ? texts : texts.filter(text => !chunk.windows.includes(text))
}

/** `isWindow`: its only unit is its only window. */
function textsIn({ text, units, windows }: UnitsOfChunk) {
  const texts = units.units.map(unit => unitText(text, units, unit))
  return { texts, isWindow: windows.length === 1 && texts.length === 1 && texts[0] === windows[0] }
}

/** Embeds the units of some chunks together and packs those of each. */
export async function packedUnits(
  embedder: Embeds,
  chunks: readonly UnitsOfChunk[],
  options: EmbedOptions,
): Promise<Uint8Array[]> {
  const each = chunks.map(chunk => {
    const { windows, vectors } = chunk
    const { texts, isWindow } = textsIn(chunk)
    const known = new Map(vectors?.map((vector, i) => [windows[i]!, vector]))
    return { ...chunk, texts, known, isWindow }
  })
  const wanted = each.flatMap(({ texts, known, isWindow }) => (isWindow ? [] : texts.filter(text => !known.has(text))))
  const vectors = await embedAll(embedder, wanted, options)
  let next = 0
  return each.map(({ from, units: { units }, texts, known, isWindow }) => {
    if (isWindow) return packAsWindow(units[0]!, from)
    const take = (text: string) => known.get(text) ?? vectors[next++]!
    return packUnits(
      units.map(({ start, end }, i) => ({ start, end, embedding: take(texts[i]!) })),
      from,
    )
  })
}
