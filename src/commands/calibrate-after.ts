import type { Database } from '../adapters/postgres/database.ts'
import { createCollectionStore } from '../adapters/postgres/store/collections.ts'
import { openBm25 } from '../adapters/postgres/store/textsearch.ts'
import type { Calibration, SimilarityRange } from '../ask/calibration/terms.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import type { Config } from '../config/terms.ts'
import { calibrate, type Calibrated } from '../wiring/calibrate.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

export interface Calibrating {
  readonly host: Host
  readonly config: Pick<Config, 'bm25' | 'calibration'>
  readonly database: Database
  readonly embedder: Embedder
  readonly signal: AbortSignal
}

/**
 * Calibrates a collection after its documents changed, if they changed much. They are already stored, so an error here
 * is only reported.
 */
export async function calibrateAfter(collection: string, calibrating: Calibrating): Promise<void> {
  const { host, config, signal } = calibrating
  if (!config.calibration || signal.aborted) return
  try {
    const result = await calibrateNow(collection, calibrating)
    if (result.state === 'measured') say(host, `${collection}: calibrated: ${summary(result.calibration)}`)
  } catch (error) {
    if (signal.aborted) return
    say(
      host,
      `askwell: documents stored, but similarities were not measured: ${error instanceof Error ? error.message : String(error)}; retry with: askwell tune calibration --collection ${collection}`,
    )
  }
}

export async function calibrateNow(
  collection: string,
  { config, database, embedder, signal }: Calibrating,
  isForced = false,
): Promise<Calibrated> {
  const bm25 = await database.lease({ signal, label: 'calibrate' }, sql =>
    openBm25(sql, config.bm25, database.isReadOnly()),
  )
  const store = createCollectionStore(database)
  return await calibrate(collection, { database, store, bm25, embedder }, { isForced, signal })
}

/** One line. */
export function summary(calibration: Calibration): string {
  const { windows, units, languages, questions } = calibration
  const ranges = [`passages ${rangeText(windows)}`, ...(units ? [`sentences ${rangeText(units)}`] : [])]
  const found = hasSimilarities(calibration)
    ? `similarities of ${ranges.join(', ')}`
    : `words only, because the embedding model reads none of its languages (${languages.join(', ')})`
  return `${found}; ${questions} questions made from its documents`
}

/** False where no question could be compared with the documents by vectors: the ranges are placeholders then. */
export function hasSimilarities({ far }: Calibration): boolean {
  return far.window !== null
}

export function rangeText({ unrelated, related }: SimilarityRange): string {
  return `${unrelated.toFixed(3)} (unrelated) to ${related.toFixed(3)} (related)`
}
