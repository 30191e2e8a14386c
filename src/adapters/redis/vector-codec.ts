/**
 * Format of vectors in a cache: half floats, the precision that the database stores too. Two bytes come first, for the
 * format version and so that the numbers are aligned. (Every machine that Node runs on is little-endian.)
 */
const formatVersion = 1
const headBytes = 2

export function encodeVector(vector: Float16Array): Buffer {
  return Buffer.concat([
    Buffer.from([formatVersion, 0]),
    Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength),
  ])
}

/** Undefined when the format is another one, half a number is missing, or a number is not finite. */
export function decodeVector(bytes: Buffer): Float16Array | undefined {
  if (bytes[0] !== formatVersion || bytes.length % 2 !== 0) return undefined
  // Copied: data from a socket may start at an odd address.
  const vector = new Float16Array(Uint8Array.from(bytes.subarray(headBytes)).buffer)
  return vector.every(Number.isFinite) ? vector : undefined
}
