import type { Calibration } from './terms.ts'

/** The way of measuring. What another version measured is measured again. */
export const measuringVersion = 2

/** A change of the number of chunks, as a share of those that were measured, after which they are measured again. */
const muchChanged = 0.25
/** Languages of a collection that are measured, most frequent first. */
export const mostLanguages = 5

/** What a measurement is compared with. */
export interface MeasuredState extends ChangesSince {
  readonly chunkCount: number
  readonly documentCount: number
  readonly languages: readonly string[]
}

/** What is new since the measurement. */
export interface ChangesSince {
  /** Documents that were added or replaced. */
  readonly newDocumentCount: number
  /** Chunks whose units have vectors now. */
  readonly unitChunkCount: number
}

/** Whether the collection has changed much since it was measured. */
export function isOutdated(calibration: Calibration, now: MeasuredState): boolean {
  const { chunkCount, documentCount, languages, newDocumentCount, unitChunkCount } = now
  if (calibration.measuring !== measuringVersion) return true
  if (calibration.units === null && unitChunkCount > muchChanged * chunkCount) return true
  if (newDocumentCount > muchChanged * documentCount) return true
  if (Math.abs(chunkCount - calibration.chunkCount) > muchChanged * calibration.chunkCount) return true
  const measured = new Set(calibration.languages.slice(0, mostLanguages))
  return languages.slice(0, mostLanguages).some(each => !measured.has(each))
}
