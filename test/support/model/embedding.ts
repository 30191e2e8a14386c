/**
 * A small embedding without a model. Words and their trigrams are hashed into the dimensions, so that texts that share
 * words or stems have similar vectors, and a text has the same vector on every machine.
 */

export const defaultDimensions = 256

export function embed(text: string, dimensions: number = defaultDimensions): Float32Array {
  const vector = new Float32Array(dimensions)
  for (const word of text
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [])
    addWord(vector, word)
  return normalise(vector)
}

/** Half of the weight is for the word itself and half for its trigrams. */
function addWord(vector: Float32Array, word: string): void {
  add(vector, word, 1)
  const padded = ` ${word} `
  const parts = Array.from({ length: padded.length - 2 }, (_, at) => padded.slice(at, at + 3))
  for (const part of parts) add(vector, part, 1 / Math.sqrt(parts.length))
}

/** The sign is hashed too, so that collisions cancel out instead of making all texts similar. */
function add(vector: Float32Array, feature: string, weight: number): void {
  const hash = fnv1a(feature)
  const at = (hash >>> 1) % vector.length
  vector[at] = (vector[at] ?? 0) + (hash & 1 ? weight : -weight)
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  // The low bits of FNV are weak for short texts; another mixing step spreads them.
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
}

/** A text without words gets a fixed direction, because a zero vector has no cosine. */
function normalise(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  if (length === 0) vector[0] = 1
  return length === 0 ? vector : vector.map(value => value / length)
}
