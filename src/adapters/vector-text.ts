/** The text form of a halfvec; five decimals are more than sixteen bits hold for a unit vector. */
export function vectorText(vector: Float32Array): string {
  return `[${Array.from(vector, value => value.toFixed(5)).join(',')}]`
}

/** More than a halfvec tells apart, and within what it holds (65,504). */
const largest = 32_767

/**
 * For comparing by cosine, which knows directions only: whole numbers, which cost half to write (60 µs for 1,536 instead
 * of 140) and less to send and to read.
 */
export function directionText(vector: Float32Array): string {
  const scale = largest / vector.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30)
  return `[${vector.map(value => Math.round(value * scale)).join(',')}]`
}
