import type { Calibration } from './terms.ts'

/** The way of measuring. What another version measured is measured again. */
export const measuringVersion = 2

/** A change of the number of chunks, as a share of those that were measured, after which they are measured again. */
const muchChanged = 0.25
/** Languages of a collection that are measured, most frequent first. */
export const mostLanguages = 5

/** Whether the collection has changed much since it was measured. */
export function isOutdated(
  calibration: Calibration,
  { chunkCount, languages }: { readonly chunkCount: number; readonly languages: readonly string[] },
): boolean {
  if (calibration.measuring !== measuringVersion) return true
  if (Math.abs(chunkCount - calibration.chunkCount) > muchChanged * calibration.chunkCount) return true
  const measured = new Set(calibration.languages.slice(0, mostLanguages))
  return languages.slice(0, mostLanguages).some(each => !measured.has(each))
}
