import type { Logger } from 'pino'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { calibrate, type CalibrateParts } from './calibrate.ts'
import { openCollectionUpkeep, type Upkeep } from './upkeep.ts'

export interface CalibrationUpkeepParts extends Omit<CalibrateParts, 'store' | 'database'> {
  readonly database: Pick<Database, 'lease' | 'mayWrite'>
  readonly store: Pick<CollectionStore, 'collection' | 'collections'>
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Quiet time after the last write before a collection is measured. */
  readonly quietMs?: number
  /** After the first of several writes it is measured at the latest, however little time is between them. */
  readonly longestMs?: number
  /** Pause before a collection that failed, or that another process had claimed, is looked at again. */
  readonly retryMs?: number
}

export interface CalibrationUpkeep extends Pick<Upkeep, 'written' | 'close'> {
  /** Looks at all collections: an upgraded database has none that are measured. */
  start(): void
}

/**
 * Calibrates collections in the background: at the start those that were never measured, later those that changed much.
 * Of several processes one measures a collection. Its steps make way for questions, and a failure leaves what was
 * measured before.
 */
export function openCalibrationUpkeep({
  database,
  store,
  log,
  quietMs = 10_000,
  longestMs = 600_000,
  retryMs = 300_000,
  ...parts
}: CalibrationUpkeepParts): CalibrationUpkeep {
  const upkeep = openCollectionUpkeep({
    quietMs,
    longestMs,
    retryMs,
    async maintain(name, signal) {
      if (!(await database.mayWrite())) return 'done'
      const startedAt = performance.now()
      const result = await calibrate(name, { database, store, ...parts }, { signal })
      if (result.state === 'claimed') return 'later'
      if (result.state !== 'measured') return 'done'
      const { windows, units, vectorWeights, questions } = result.calibration
      log.info(
        { collection: name, ms: Math.round(performance.now() - startedAt), questions, windows, units, vectorWeights },
        'collection calibrated',
      )
      return 'done'
    },
    onFailure: (error, about) =>
      log.warn(
        { ...about, err: error },
        'a collection could not be calibrated: similarities count as they did before; it is tried again, or run askwell tune calibration',
      ),
  })
  return { ...upkeep, start: () => upkeep.start(signal => store.collections(signal)) }
}
