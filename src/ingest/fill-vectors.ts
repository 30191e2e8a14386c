import type { Embedder } from '../ask/retrieval/embedder.ts'
import { isAskError } from '../errors.ts'
import { fullPace } from '../resilience/pace.ts'
import { packUnits } from '../vectors/packed-units.ts'
import { embedAll, packedUnits, type EmbedOptions, type UnitsOfChunk } from './embed-drafts.ts'
import type { PendingChunk, VectorsFilling, UnitsRow, WindowVector } from './terms.ts'
import { chunkUnits } from './units.ts'
import { windowsOf, windowText } from './windows.ts'

export interface FillOptions extends EmbedOptions {
  /** Chunks up to this id have been filled before. */
  readonly after?: string
  /** Chunks up to this id have vectors, or the model rejected them. */
  readonly vectorsAfter?: string
  /** Chunks that were filled in earlier turns. */
  readonly filledBefore?: number
  /** Chunks that are embedded and stored together: what is lost when the process is killed. */
  readonly batchChunks?: number
  /** Stops between two batches after this time. */
  readonly mostMs?: number
  readonly onProgress?: (progress: FillProgress) => void
  /** Called with a chunk that the model rejects; it is left without them. */
  readonly onRejected?: (chunkId: string, reason: string) => void
}

export interface FillProgress {
  /** What is embedded now. */
  readonly of: 'vectors' | 'units'
  /** Chunks. */
  readonly filled: number
  readonly remaining: number
}

/**
 * `filled` and `remaining` count chunks, those without vectors first and then those without units.
 *
 * - `filled`: nothing is missing (any more);
 * - `more`: the time was up;
 * - `claimed`: another process does it, or others were written meanwhile;
 * - `too_many`: the collection has too many chunks for units.
 */
export interface FillResult extends Omit<FillProgress, 'of'> {
  readonly state: 'filled' | 'more' | 'claimed' | 'too_many'
  /** Chunks of the collection. */
  readonly chunks: number
  /** All chunks up to this id have units. */
  readonly after: string
  /** All chunks up to this id have vectors, or the model rejected them. */
  readonly vectorsAfter: string
}

const usualBatch = 64
/** Several times as often as a claim ends by itself. */
const renewEveryMs = 8000

/**
 * Embeds the chunks of a collection that have no vectors, then the units of those that have none, a batch at a time.
 * Whatever ends it, the next call goes on after the last batch. Questions are answered all the while: a chunk without
 * vectors is found by its words, and one without units by its windows.
 */
export async function fillVectors(
  embedder: Embedder,
  store: VectorsFilling,
  options: FillOptions,
): Promise<FillResult> {
  const { after = '0', vectorsAfter = '0', filledBefore = 0 } = options
  const { chunks, withoutVectors, lacking, isBegun } = await store.counts(after, vectorsAfter)
  const hasUnits = chunks <= (embedder.unitsUpTo ?? 0)
  const missing = withoutVectors + (hasUnits ? lacking : 0)
  const none = { chunks, after, vectorsAfter, filled: 0, remaining: hasUnits ? missing : lacking }
  if (missing === 0 && !isBegun) return { ...none, state: hasUnits || lacking === 0 ? 'filled' : 'too_many' }
  const claimant = await store.claim(missing)
  if (claimant === null) return { ...none, state: 'claimed' }
  const claim = heldClaim(store, claimant, missing)
  try {
    const starting = { after, vectorsAfter, withoutVectors, lacking, hasUnits, claim }
    const result = await fillClaimed(embedder, store, { ...options, ...starting })
    const isHeld = await settleClaim(store, claimant, { ...result, filled: filledBefore + result.filled })
    return { ...result, chunks, ...(!isHeld && { state: 'claimed' }) }
  } finally {
    claim.stop()
    // After `finish` there is nothing to release. If this fails, the claim ends by itself.
    await store.release(claimant).catch(() => {})
  }
}

/** False if the claim was lost: then chunks may have been written that are before those that were filled last. */
async function settleClaim(
  store: VectorsFilling,
  claimant: string,
  { state, filled, remaining }: Filled,
): Promise<boolean> {
  if (state === 'claimed') return false
  return state === 'more' ? await store.renew(claimant, remaining) : await store.finish(claimant, filled)
}

interface HeldClaim {
  isLost(): boolean
  /** What is shown to operators. */
  report(remaining: number): void
  stop(): void
}

function heldClaim(store: VectorsFilling, claimant: string, lacking: number): HeldClaim {
  let remaining = lacking
  let isLost = false
  // A failed attempt is repeated long before the claim ends.
  const renew = async () => void (isLost ||= !(await store.renew(claimant, remaining)))
  const timer = setInterval(() => void renew().catch(() => {}), renewEveryMs).unref()
  return {
    isLost: () => isLost,
    report: now => void (remaining = now),
    stop: () => clearInterval(timer),
  }
}

interface Filling extends FillOptions {
  readonly after: string
  readonly vectorsAfter: string
  readonly withoutVectors: number
  readonly lacking: number
  readonly hasUnits: boolean
  readonly claim: HeldClaim
}

type Filled = Omit<FillResult, 'chunks'>

async function fillClaimed(embedder: Embedder, store: VectorsFilling, filling: Filling): Promise<Filled> {
  const { withoutVectors, lacking, hasUnits, mostMs = Infinity, batchChunks = usualBatch } = filling
  const endsAt = performance.now() + mostMs
  const vectors = await eachBatch(filling.vectorsAfter, withoutVectors, {
    ...filling,
    endsAt,
    of: 'vectors',
    next: after => store.nextBare(after, batchChunks),
    fill: async batch => await store.storeVectors(await vectorsOfBatch(embedder, batch, filling)),
  })
  const reached = { ...vectors, after: filling.after, vectorsAfter: vectors.after }
  const { after } = filling
  const left = withoutVectors - vectors.filled
  if (vectors.state !== 'filled') return { ...reached, remaining: left + (hasUnits ? lacking : 0) }
  if (vectors.filled > 0) await store.vectorsFilled()
  if (!hasUnits) return { ...reached, state: lacking > 0 ? 'too_many' : 'filled', remaining: lacking }
  const units = await eachBatch(after, lacking + vectors.filled, {
    ...filling,
    endsAt,
    of: 'units',
    next: from => store.next(from, batchChunks),
    fill: async batch => await store.store(await unitsOfBatch(embedder, batch, filling)),
  })
  return { ...reached, ...units, filled: units.filled + vectors.filled }
}

interface Batches extends Pick<Filling, 'claim' | 'signal' | 'onProgress'>, Pick<FillProgress, 'of'> {
  readonly endsAt: number
  readonly next: (after: string) => Promise<readonly PendingChunk[]>
  readonly fill: (batch: readonly PendingChunk[]) => Promise<void>
}

/** Fills until nothing is left, the claim is lost or the time is up. */
async function eachBatch(
  from: string,
  missing: number,
  { of, endsAt, next, fill, claim, signal, onProgress }: Batches,
): Promise<Omit<Filled, 'vectorsAfter'>> {
  let after = from
  let filled = 0
  const result = (state: FillResult['state']) => ({ state, filled, after, remaining: Math.max(0, missing - filled) })
  for (;;) {
    signal.throwIfAborted()
    if (claim.isLost()) return result('claimed')
    const batch = await next(after)
    if (batch.length === 0) return result('filled')
    await fill(batch)
    after = batch.at(-1)!.id
    filled += batch.length
    const { remaining } = result('more')
    claim.report(remaining)
    onProgress?.({ of, filled, remaining })
    if (performance.now() > endsAt) return result('more')
  }
}

/** The vectors of some chunks; of one that the model rejects, none. */
async function vectorsOfBatch(
  embedder: Embedder,
  batch: readonly PendingChunk[],
  options: BatchOptions,
): Promise<WindowVector[]> {
  return await eachAccepted(embedder, batch, options, {
    async embed(chunks) {
      const windows = chunks.flatMap(each => windowsIn(each, embedder))
      const vectors = await embedAll(
        embedder,
        windows.map(({ text }) => text),
        options,
      )
      return windows.map(({ text: _text, ...window }, i) => ({ ...window, embedding: vectors[i]! }))
    },
    rejected: () => [],
  })
}

/** The units of some chunks; of one that the model rejects, none, for good. */
async function unitsOfBatch(
  embedder: Embedder,
  batch: readonly PendingChunk[],
  options: BatchOptions,
): Promise<UnitsRow[]> {
  return await eachAccepted(embedder, batch, options, {
    async embed(chunks) {
      const packed = await packedUnits(
        embedder,
        chunks.map(each => unitsIn(each, embedder)),
        options,
      )
      return chunks.map(({ id }, i) => ({ chunkId: id, units: packed[i]! }))
    },
    rejected: ({ id, start }) => [{ chunkId: id, units: packUnits([], start) }],
  })
}

type BatchOptions = Pick<FillOptions, 'signal' | 'step' | 'calls' | 'onRejected' | 'loading'>

interface Making<Row> {
  readonly embed: (batch: readonly PendingChunk[]) => Promise<Row[]>
  readonly rejected: (chunk: PendingChunk) => Row[]
}

/**
 * If the model rejects the batch, each chunk is tried alone. A model that rejects everything (for example a wrong key) is
 * not a fault of a chunk; then this rejects.
 */
async function eachAccepted<Row>(
  embedder: Embedder,
  batch: readonly PendingChunk[],
  options: BatchOptions,
  making: Making<Row>,
): Promise<Row[]> {
  try {
    return await making.embed(batch)
  } catch (error) {
    if (!isAskError(error, 'model_rejected')) throw error
    const { step = fullPace, signal, onRejected } = options
    await step(() => embedder.embed(['a'], signal, 'passage'))
    if (batch.length > 1) {
      const rows: Row[] = []
      for (const each of batch) rows.push(...(await eachAccepted(embedder, [each], options, making)))
      return rows
    }
    const [only] = batch
    onRejected?.(only!.id, error.detail)
    return making.rejected(only!)
  }
}

/** The units of a stored chunk, as loading it makes them. */
export function unitsIn(chunk: PendingChunk, embedder: Embedder): UnitsOfChunk {
  const { documentText: text, start: from, language } = chunk
  const units = chunkUnits(text, chunk, language, embedder)
  return { text, from, units, windows: windowsIn(chunk, embedder).map(window => window.text) }
}

/** The windows of a stored chunk, with the texts that are embedded. */
export function windowsIn(chunk: PendingChunk, embedder: Embedder) {
  return windowsOf(chunk.documentText, chunk, chunk.language, embedder).map(window => ({
    chunkId: chunk.id,
    ...window,
    text: windowText(chunk.documentText, chunk, window, embedder),
  }))
}
