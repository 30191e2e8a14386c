/**
 * How vectors lie in a cache: half floats, which is what the database keeps of them too. Two bytes come first, for the
 * form, and so that the numbers are aligned. (Every machine that Node runs on is little-endian.)
 */
const form = 1
const headBytes = 2

export function encodeVector(vector: Float32Array): Buffer {
  return Buffer.concat([Buffer.from([form, 0]), new Uint8Array(new Float16Array(vector).buffer)])
}

/** Undefined: of another form or length, or with something that is no number. */
export function decodeVector(bytes: Buffer, dimensions: number): Float32Array | undefined {
  if (bytes[0] !== form || bytes.length !== headBytes + dimensions * 2) return undefined
  // Copied: what comes from a socket may begin at an odd address.
  const vector = new Float32Array(new Float16Array(Uint8Array.from(bytes.subarray(headBytes)).buffer))
  return vector.every(Number.isFinite) ? vector : undefined
}
