/** Seeded random numbers: the same seed gives the same corpus on every machine. */
export interface Random {
  /** 0 ≤ x < 1. */
  next(): number
  /** A whole number, 0 ≤ n < limit. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
  /** Standard normal. */
  gaussian(): number
}

/** A generator of its own for every thing named by these numbers, so that any document can be made alone. */
export function randomOf(...names: number[]): Random {
  let a = names.reduce((hash, name) => scramble(hash ^ (name + 0x9e3779b9)), 0x5eed)
  const bits = () => {
    a = (a + 0x6d2b79f5) | 0
    return scramble(a)
  }
  const next = () => bits() / 2 ** 32
  const below = (limit: number) => Math.floor(next() * limit)
  return { next, below, pick: from => from[below(from.length)]!, gaussian: () => normals[bits() >>> 16]! }
}

/** All bits of a 32-bit number stirred (the finish of MurmurHash3). */
export function scramble(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

// Half a milliard of them are drawn for a million chunks: a look in a table instead of a logarithm and a cosine.
const normals = Float32Array.from({ length: 65_536 }, (_, i) => quantile((i + 0.5) / 65_536))

/** Of the standard normal distribution, within 5·10⁻⁴ (Abramowitz & Stegun 26.2.23). */
function quantile(p: number): number {
  if (p > 0.5) return -quantile(1 - p)
  const t = Math.sqrt(-2 * Math.log(p))
  return -(t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3))
}
