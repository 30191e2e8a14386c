import type { Logger } from 'pino'
import type { Models } from '../adapters/models/models.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { createCollectionStore, type CollectionStore } from '../adapters/postgres/store/collections.ts'
import { collectionsToFill } from '../adapters/postgres/store/missing-vectors.ts'
import type { Bm25 } from '../adapters/postgres/store/textsearch.ts'
import type { Config } from '../config/terms.ts'
import type { Step } from '../resilience/pace.ts'
import { openCalibrationUpkeep } from './calibration-upkeep.ts'
import { openIndexMaintenance } from './index-maintenance.ts'
import { openModelCheck } from './model-check.ts'
import { openVectorsUpkeep } from './vectors-upkeep.ts'

export interface UpkeepParts {
  readonly database: Database
  readonly store: CollectionStore
  readonly bm25: Bm25
  readonly models: Models
  readonly config: Pick<Config, 'calibration' | 'models' | 'embeddingCheckMs'>
  readonly log: Logger
  readonly step: Step
  /** Called when a model was found to have changed, or to be the old one again. */
  readonly modelChanged: () => void
}

/** Keeps what it is given, to be closed in the end. */
type Keep = <T extends { close(): Promise<void> }>(opened: T) => T

/** What the service does for stored documents while nobody waits: indexes, vectors that follow, and calibrations. */
export function openUpkeep({ config, models, modelChanged, ...given }: UpkeepParts, keep: Keep) {
  const { database, store, log } = given
  const everyMs = config.embeddingCheckMs
  const modelCheck = keep(openModelCheck({ database, store, models, log, onChange: modelChanged, everyMs }))
  const parts = { ...given, embedder: models.embedder, beforeLoad: modelCheck.beforeLoad }
  const index = keep(openIndexMaintenance(parts))
  const calibration = config.calibration ? keep(openCalibrationUpkeep(parts)) : null
  // Whether there is anything to do is looked up aside: no question waits for that connection.
  const sideStore = createCollectionStore({ lease: database.aside })
  const onFilled = (name: string) => {
    index.written(name)
    calibration?.written(name)
  }
  const toFill = (signal: AbortSignal) => database.aside({ signal, label: 'units' }, collectionsToFill)
  const vectors = keep(openVectorsUpkeep({ ...parts, store: sideStore, toFill, onFilled }))
  // What costs something is not embedded because a service starts.
  const isFree = (config.models.prices?.embedding ?? 0) === 0
  let isStarted = false
  function start(): void {
    isStarted = true
    if (isFree) vectors.start()
    calibration?.start()
  }
  return {
    modelCheck,
    start() {
      start()
      modelCheck.start()
    },
    /** A standby that was promoted: what could not be written until now is done. */
    writesChanged(isWritable: boolean): void {
      if (isWritable && isStarted) start()
    },
    fillVectors: vectors.written,
    written(collection: string | undefined) {
      if (collection === undefined) return
      index.written(collection)
      if (parts.embedder.areUnitsBehind) vectors.written(collection)
      calibration?.written(collection)
    },
  }
}
