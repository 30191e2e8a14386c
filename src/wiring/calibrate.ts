import { createCalibrationStore, type CalibrationStore } from '../adapters/postgres/store/calibrations.ts'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { createPassageStore } from '../adapters/postgres/store/passages.ts'
import type { Bm25 } from '../adapters/postgres/store/textsearch.ts'
import { isOutdated } from '../ask/calibration/outdated.ts'
import { measure } from '../ask/calibration/measure.ts'
import type { Calibration } from '../ask/calibration/terms.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import type { Collection } from '../ingest/terms.ts'
import { windowsOf, windowText } from '../ingest/windows.ts'
import { startDeadline } from '../resilience/deadline.ts'
import { fullPace, type Step } from '../resilience/pace.ts'
import { askedFrom } from './pipeline.ts'

export interface CalibrateParts {
  readonly database: Pick<Database, 'lease'>
  readonly store: Pick<CollectionStore, 'collection'>
  readonly bm25: Bm25
  readonly embedder: Embedder
  /** Full pace when absent. */
  readonly step?: Step
}

export interface CalibrateOptions {
  /** Also when it is up to date. */
  readonly isForced?: boolean
  readonly signal: AbortSignal
}

/**
 * - `claimed`: another process measures it;
 * - `none`: it has nothing to measure, is gone, or has vectors of another model.
 */
export type Calibrated =
  { readonly state: 'measured' | 'current'; readonly calibration: Calibration } | { readonly state: 'claimed' | 'none' }

/** Less than others leave a collection to the process that measures it. */
const longestMs = 600_000

/** Measures a collection with its model and stores the result, unless that is up to date or another process is at it. */
export async function calibrate(name: string, parts: CalibrateParts, options: CalibrateOptions): Promise<Calibrated> {
  const { database, store, embedder } = parts
  const { signal } = options
  const calibrations = createCalibrationStore(database)
  const collection = await store.collection(name, signal)
  if (!collection || !isMeasurable(collection, embedder)) return none
  const current = await upToDate(collection, calibrations, options)
  if (current) return current
  const claimant = await calibrations.claim(collection, signal)
  if (claimant === null) return { state: 'claimed' }
  const limit = startDeadline('calibration', longestMs, signal)
  try {
    return await measureClaimed(collection, claimant, parts, { ...options, signal: limit.signal })
  } finally {
    limit.stop()
    // Nothing to do after a result. Without the connection the claim ends by itself.
    await calibrations.release(collection, claimant, new AbortController().signal).catch(() => {})
  }
}

function isMeasurable({ chunkCount, model }: Collection, embedder: Embedder): boolean {
  return chunkCount > 0 && (model === null || (model.name === embedder.model && !model.changed))
}

async function upToDate(
  collection: Collection,
  calibrations: CalibrationStore,
  { isForced = false, signal }: CalibrateOptions,
): Promise<Calibrated | null> {
  const { calibration } = collection
  if (isForced || calibration === null) return null
  const now = { ...collection, ...(await calibrations.changesSince(collection, signal)) }
  return isOutdated(calibration, now) ? null : { state: 'current', calibration }
}

async function measureClaimed(
  { id, name, model }: Collection,
  claimant: string,
  { database, store, bm25, embedder, step = fullPace }: CalibrateParts,
  options: CalibrateOptions,
): Promise<Calibrated> {
  const { signal } = options
  const calibrations = createCalibrationStore(database)
  // Read again: whoever had claimed it before may have measured it meanwhile.
  const collection = await store.collection(name, signal)
  if (collection?.id !== id || collection.model?.id !== model?.id) return none
  const current = await upToDate(collection, calibrations, options)
  if (current) return current
  const measured = await measure({
    collection: askedFrom(collection, embedder),
    store: createPassageStore(database, bm25),
    sample: async (language, count) => await calibrations.sample(collection, language, count, signal),
    embedder,
    windowTexts: chunk => windowTexts(chunk, embedder),
    step,
    signal,
  })
  if (measured === null || !(await calibrations.save(collection, claimant, measured, signal))) return none
  const calibration = (await store.collection(name, signal))?.calibration
  return calibration ? { state: 'measured', calibration } : none
}

const none: Calibrated = { state: 'none' }

function windowTexts({ title, text, language }: { title: string; text: string; language: string }, embedder: Embedder) {
  const chunk = { ordinal: 0, start: 0, end: text.length, title, anchor: null, page: null, tokens: 0 }
  return windowsOf(text, chunk, language, embedder).map(window => windowText(text, chunk, window, embedder))
}
