/** The text form of a halfvec; five decimals are more than sixteen bits hold for a unit vector. */
export function vectorText(vector: Float32Array): string {
  return `[${Array.from(vector, value => value.toFixed(5)).join(',')}]`
}

/** More than a halfvec tells apart, and within what it holds (65,504). */
const largest = 32_767

/**
 * For comparing by cosine, which knows directions only: whole numbers, which cost a quarter to write (37 µs for 1,536
 * instead of 140; by loops, for they are half of that) and less to send and to read. Scaled by a power of two: what was
 * halved to sixteen bits in a cache says the same as before.
 */
export function directionText(vector: Float32Array): string {
  let most = 1e-30
  for (const value of vector) most = Math.max(most, Math.abs(value))
  const scale = 2 ** Math.floor(Math.log2(largest / most))
  const numbers = new Int16Array(vector.length)
  for (let place = 0; place < vector.length; place++) numbers[place] = Math.round(vector[place]! * scale)
  return `[${numbers.join(',')}]`
}
