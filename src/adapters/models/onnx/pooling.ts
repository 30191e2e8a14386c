export const poolings = ['mean', 'cls', 'lasttoken'] as const

/** How token vectors become the vector of the text: their mean, the first or the last. */
export type Pooling = (typeof poolings)[number]

/** A row-major tensor: [texts, tokens, numbers]. */
export interface Numbers {
  readonly data: Float32Array
  readonly dims: readonly number[]
}

/**
 * Pools the token vectors of a batch into vectors of unit length. `mask` [texts, tokens] is 1 for tokens of the text
 * and 0 for padding, on either side. Null for a vector of length zero.
 */
export function pooled({ data, dims }: Numbers, mask: ArrayLike<bigint>, pooling: Pooling): (Float32Array | null)[] {
  const [texts = 0, tokens = 0, width = 0] = dims
  return Array.from({ length: texts }, (_, text) => {
    const positions = Array.from({ length: tokens }, (_, i) => text * tokens + i).filter(at => mask[at] === 1n)
    return unitVector(sumOf(data, selected(positions, pooling), width))
  })
}

function selected(positions: readonly number[], pooling: Pooling): readonly number[] {
  if (pooling === 'mean') return positions
  return pooling === 'cls' ? positions.slice(0, 1) : positions.slice(-1)
}

/** A sum serves as the mean because only its direction is used. */
function sumOf(data: Float32Array, rows: readonly number[], width: number): Float32Array {
  const sum = new Float32Array(width)
  for (const row of rows) for (let i = 0; i < width; i++) sum[i]! += data[row * width + i]!
  return sum
}

export function unitVector(vector: Float32Array): Float32Array | null {
  const length = Math.hypot(...vector)
  return length > 0 && Number.isFinite(length) ? vector.map(value => value / length) : null
}
