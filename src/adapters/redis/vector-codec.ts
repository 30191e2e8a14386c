/**
 * Format of vectors in a cache: half floats, the precision that the database stores too. Two bytes come first, for the
 * format version and so that the numbers are aligned. (Every machine that Node runs on is little-endian.)
 */
const formatVersion = 1
const headBytes = 2

export function encodeVector(vector: Float32Array): Buffer {
  return Buffer.concat([Buffer.from([formatVersion, 0]), new Uint8Array(new Float16Array(vector).buffer)])
}

/** Undefined when the format or the length is another one, or a number is not finite. */
export function decodeVector(bytes: Buffer, dimensions: number): Float32Array | undefined {
  if (bytes[0] !== formatVersion || bytes.length !== headBytes + dimensions * 2) return undefined
  // Copied: data from a socket may start at an odd address.
  const vector = new Float32Array(new Float16Array(Uint8Array.from(bytes.subarray(headBytes)).buffer))
  return vector.every(Number.isFinite) ? vector : undefined
}
