import type { Logger } from 'pino'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { calibrate, type CalibrateParts } from './calibrate.ts'

export interface CalibrationUpkeepParts extends Omit<CalibrateParts, 'store' | 'database'> {
  readonly database: Pick<Database, 'lease' | 'mayWrite'>
  readonly store: Pick<CollectionStore, 'collection' | 'collections'>
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Quiet time after the last write before a collection is measured. */
  readonly quietMs?: number
  /** Pause before a collection that failed, or that another process had claimed, is looked at again. */
  readonly retryMs?: number
}

export interface CalibrationUpkeep {
  /** Looks at all collections: an upgraded database has none that are measured. */
  start(): void
  /** Call this after a write to the collection. */
  written(collection: string): void
  /** Aborts a measurement under way; the next start or write begins it again. */
  close(): Promise<void>
}

/**
 * Calibrates collections in the background, one at a time: at the start those that were never measured, later those that
 * changed much. Of several processes one measures a collection. Nobody waits for it, its steps make way for questions,
 * and a failure leaves what was measured before.
 */
export function openCalibrationUpkeep({
  database,
  store,
  log,
  quietMs = 10_000,
  retryMs = 300_000,
  ...parts
}: CalibrationUpkeepParts): CalibrationUpkeep {
  const stop = new AbortController()
  const { signal } = stop
  const due = new Map<string, NodeJS.Timeout>()
  let last: Promise<void> = Promise.resolve()

  function schedule(collection: string, ms: number): void {
    if (signal.aborted) return
    clearTimeout(due.get(collection))
    due.set(
      collection,
      setTimeout(() => {
        due.delete(collection)
        last = last.then(() => maintain(collection))
      }, ms).unref(),
    )
  }

  function start(): void {
    last = last.then(async () => {
      try {
        for (const { name } of await store.collections(signal)) schedule(name, 0)
      } catch (error) {
        report(error, {})
      }
    })
  }

  async function maintain(name: string): Promise<void> {
    if (signal.aborted) return
    try {
      if (!(await database.mayWrite())) return
      const startedAt = performance.now()
      const result = await calibrate(name, { database, store, ...parts }, { signal })
      if (result.state === 'claimed') schedule(name, retryMs)
      if (result.state !== 'measured') return
      const { windows, units, vectorWeights, questions } = result.calibration
      log.info(
        { collection: name, ms: Math.round(performance.now() - startedAt), questions, windows, units, vectorWeights },
        'collection calibrated',
      )
    } catch (error) {
      report(error, { collection: name })
      schedule(name, retryMs)
    }
  }

  function report(error: unknown, fields: object): void {
    if (signal.aborted) return
    log.warn(
      { ...fields, err: error },
      'a collection could not be calibrated: similarities count as they did before; it is tried again, or run askwell tune calibration',
    )
  }

  async function close(): Promise<void> {
    stop.abort(new Error('the service is shutting down'))
    for (const timer of due.values()) clearTimeout(timer)
    await last
  }

  return { start, written: collection => schedule(collection, quietMs), close }
}
