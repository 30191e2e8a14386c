import { measuringVersion } from '../../src/ask/calibration/outdated.ts'
import type { Calibration, Signals } from '../../src/ask/calibration/terms.ts'

const none: Signals = { window: null, unit: null, coverage: null, lexical: null }

/** A calibration with these values. */
export function calibrationOf(values: Partial<Calibration> = {}): Calibration {
  return {
    version: 'v1',
    measuring: measuringVersion,
    modelId: 1,
    languages: ['en'],
    windows: { unrelated: 0.3, related: 0.7, span: 0.4 },
    units: null,
    byLanguage: {},
    vectorWeights: {},
    far: none,
    farByLanguage: {},
    related: none,
    questions: 0,
    chunkCount: 1,
    ...values,
  }
}
