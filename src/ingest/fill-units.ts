import type { Embedder } from '../ask/retrieval/embedder.ts'
import { isAskError } from '../errors.ts'
import { fullPace } from '../resilience/pace.ts'
import { packUnits } from '../vectors/packed-units.ts'
import { packedUnits, type EmbedOptions, type UnitsOfChunk } from './embed-drafts.ts'
import type { PendingChunk, UnitsFilling, UnitsRow } from './terms.ts'
import { chunkUnits } from './units.ts'
import { windowsOf, windowText } from './windows.ts'

export interface FillOptions extends EmbedOptions {
  /** Chunks up to this id have been filled before. */
  readonly after?: string
  /** Chunks that are embedded and stored together: what is lost when the process is killed. */
  readonly batchChunks?: number
  /** Stops between two batches after this time. */
  readonly mostMs?: number
  readonly onProgress?: (progress: FillProgress) => void
  /** Called with a chunk that the model rejects; its units are left out for good. */
  readonly onRejected?: (chunkId: string, reason: string) => void
}

export interface FillProgress {
  /** Chunks. */
  readonly filled: number
  readonly remaining: number
}

/**
 * - `filled`: nothing is missing (any more);
 * - `more`: the time was up;
 * - `claimed`: another process does it;
 * - `too_many`: the collection has too many chunks for units.
 */
export interface FillResult extends FillProgress {
  readonly state: 'filled' | 'more' | 'claimed' | 'too_many'
  /** Chunks of the collection. */
  readonly chunks: number
  /** All chunks up to this id are filled. */
  readonly after: string
}

const usualBatch = 64
/** Several times as often as a claim ends by itself. */
const renewEveryMs = 8000

/**
 * Embeds the units of the chunks of a collection that have none, a batch at a time. Whatever ends it, the next call goes
 * on after the last batch. Questions are answered all the while: a chunk without units is found by its windows.
 */
export async function fillUnits(embedder: Embedder, store: UnitsFilling, options: FillOptions): Promise<FillResult> {
  const { after = '0' } = options
  const { chunks, lacking, isBegun } = await store.counts(after)
  const none = { chunks, after, filled: 0, remaining: lacking }
  if (chunks > (embedder.unitsUpTo ?? 0)) return { ...none, state: lacking > 0 ? 'too_many' : 'filled' }
  if (lacking === 0 && !isBegun) return { ...none, state: 'filled' }
  const claimant = await store.claim(lacking)
  if (claimant === null) return { ...none, state: 'claimed' }
  const claim = heldClaim(store, claimant, lacking)
  try {
    const result = await fillClaimed(embedder, store, { ...options, after, lacking, claim })
    if (result.state === 'filled') await store.finish(claimant, result.filled)
    return { ...result, chunks }
  } finally {
    claim.stop()
    // After `finish` there is nothing to release. If this fails, the claim ends by itself.
    await store.release(claimant).catch(() => {})
  }
}

interface HeldClaim {
  isLost(): boolean
  /** What is shown to operators. */
  report(remaining: number): void
  stop(): void
}

function heldClaim(store: UnitsFilling, claimant: string, lacking: number): HeldClaim {
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
  readonly lacking: number
  readonly claim: HeldClaim
}

async function fillClaimed(
  embedder: Embedder,
  store: UnitsFilling,
  { claim, lacking, batchChunks = usualBatch, mostMs = Infinity, onProgress, ...options }: Filling,
): Promise<Omit<FillResult, 'chunks'>> {
  const startedAt = performance.now()
  let { after } = options
  let filled = 0
  const result = (state: FillResult['state']) => ({ state, filled, after, remaining: Math.max(0, lacking - filled) })
  for (;;) {
    options.signal.throwIfAborted()
    if (claim.isLost()) return result('claimed')
    const batch = await store.next(after, batchChunks)
    if (batch.length === 0) return result('filled')
    await store.store(await unitsOfBatch(embedder, batch, options))
    after = batch.at(-1)!.id
    filled += batch.length
    const { remaining } = result('more')
    claim.report(remaining)
    onProgress?.({ filled, remaining })
    if (performance.now() - startedAt > mostMs) return result('more')
  }
}

/**
 * The units of some chunks. If the model rejects the batch, each chunk is tried alone, and one that it rejects gets none.
 * A model that rejects everything (for example a wrong key) is not a fault of the chunk; then this rejects.
 */
async function unitsOfBatch(
  embedder: Embedder,
  batch: readonly PendingChunk[],
  options: Pick<FillOptions, 'signal' | 'step' | 'callSize' | 'onRejected' | 'loading'>,
): Promise<UnitsRow[]> {
  try {
    const packed = await packedUnits(
      embedder,
      batch.map(each => unitsIn(each, embedder)),
      options,
    )
    return batch.map(({ id }, i) => ({ chunkId: id, units: packed[i]! }))
  } catch (error) {
    if (!isAskError(error, 'model_rejected')) throw error
    const { step = fullPace, signal, onRejected } = options
    await step(() => embedder.embed(['a'], signal, 'passage'))
    const [only] = batch
    if (batch.length === 1) {
      onRejected?.(only!.id, error.detail)
      return [{ chunkId: only!.id, units: packUnits([], only!.start) }]
    }
    const rows: UnitsRow[] = []
    for (const each of batch) rows.push(...(await unitsOfBatch(embedder, [each], options)))
    return rows
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
