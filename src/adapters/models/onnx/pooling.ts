export const poolings = ['mean', 'cls', 'lasttoken'] as const

/** How the vectors of the tokens become that of the text: their mean, or that of the first or the last. */
export type Pooling = (typeof poolings)[number]

/** Numbers in rows, the last dimension the nearest: [texts, tokens, numbers]. */
export interface Numbers {
  readonly data: Float32Array
  readonly dims: readonly number[]
}

/**
 * The vectors of a batch, of unit length, from those of its tokens. `mask` [texts, tokens] is 1 where a token is one of
 * the text and 0 where the batch was filled up, on either side. Null: a vector without a direction.
 */
export function pooled({ data, dims }: Numbers, mask: ArrayLike<bigint>, pooling: Pooling): (Float32Array | null)[] {
  const [texts = 0, tokens = 0, width = 0] = dims
  return Array.from({ length: texts }, (_, text) => {
    const own = Array.from({ length: tokens }, (_, i) => text * tokens + i).filter(at => mask[at] === 1n)
    return unitVector(sumOf(data, chosen(own, pooling), width))
  })
}

function chosen(positions: readonly number[], pooling: Pooling): readonly number[] {
  if (pooling === 'mean') return positions
  return pooling === 'cls' ? positions.slice(0, 1) : positions.slice(-1)
}

/** A sum is as good as a mean: only its direction is kept. */
function sumOf(data: Float32Array, rows: readonly number[], width: number): Float32Array {
  const sum = new Float32Array(width)
  for (const row of rows) for (let i = 0; i < width; i++) sum[i]! += data[row * width + i]!
  return sum
}

export function unitVector(vector: Float32Array): Float32Array | null {
  const length = Math.hypot(...vector)
  return length > 0 && Number.isFinite(length) ? vector.map(value => value / length) : null
}
