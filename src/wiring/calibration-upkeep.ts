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
  /** After the first of several writes it is measured at the latest, however little time is between them. */
  readonly longestMs?: number
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

/** The pause doubles with each failure up to this one: every attempt costs calls to the model. */
const longestRetryMs = 86_400_000

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
  longestMs = 600_000,
  retryMs = 300_000,
  ...parts
}: CalibrationUpkeepParts): CalibrationUpkeep {
  const stop = new AbortController()
  const { signal } = stop
  const due = new Map<string, { readonly timer: NodeJS.Timeout; readonly latest: number }>()
  const failures = new Map<string, number>()
  let last: Promise<void> = Promise.resolve()

  function schedule(collection: string, ms: number, mostMs = ms): void {
    if (signal.aborted) return
    const now = performance.now()
    const { timer: before, latest = now + mostMs } = due.get(collection) ?? {}
    clearTimeout(before)
    const timer = setTimeout(
      () => {
        due.delete(collection)
        last = last.then(() => maintain(collection))
      },
      Math.min(ms, latest - now),
    ).unref()
    due.set(collection, { timer, latest })
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
      failures.delete(name)
      if (result.state === 'claimed') schedule(name, retryMs)
      if (result.state !== 'measured') return
      const { windows, units, vectorWeights, questions } = result.calibration
      log.info(
        { collection: name, ms: Math.round(performance.now() - startedAt), questions, windows, units, vectorWeights },
        'collection calibrated',
      )
    } catch (error) {
      const count = failures.get(name) ?? 0
      failures.set(name, count + 1)
      const pauseMs = Math.min(longestRetryMs, retryMs * 2 ** count)
      report(error, { collection: name, pauseMs })
      schedule(name, pauseMs)
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
    for (const { timer } of due.values()) clearTimeout(timer)
    await last
  }

  return { start, written: collection => schedule(collection, quietMs, longestMs), close }
}
