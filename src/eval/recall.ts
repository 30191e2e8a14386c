export interface DepthFigures {
  readonly efSearch: number
  /** Mean share of the first ten of the exact scan that the index also returned. */
  readonly recall10: number
  /** Median time of one search, in milliseconds. */
  readonly p50Ms: number
}

export interface Tuned {
  readonly figures: readonly DepthFigures[]
  /** The smallest depth that reached the target, or null if none did. */
  readonly efSearch: number | null
  readonly exactP50Ms: number
}

type Find = (vector: Float32Array, depth: Depth) => Promise<Nearest>

const depths: readonly number[] = [40, 50, 60, 80, 100, 130, 160, 200, 250, 300, 400, 500, 650, 800, 1000]

/**
 * Tries increasing depths until recall@10, relative to the exact scan, reaches `target`. It starts at `shallowest`, the
 * minimum that the search ever uses, and ends at 1000, the maximum of pgvector's ef_search.
 */
export async function tuneDepth(
  vectors: readonly Float32Array[],
  find: Find,
  options: { target: number; shallowest: number; onStep: (what: string) => void },
): Promise<Tuned> {
  const { target, shallowest, onStep } = options
  onStep(`exact scan for ${vectors.length} questions`)
  const exact = await each(vectors, vector => find(vector, 'exact'))
  const figures: DepthFigures[] = []
  for (const efSearch of [shallowest, ...depths.filter(depth => depth > shallowest)]) {
    onStep(`ef_search ${efSearch}`)
    const found = await each(vectors, vector => find(vector, efSearch))
    const recall10 =
      found.reduce((sum, { chunkIds }, i) => sum + recallAt10(chunkIds, exact[i]!.chunkIds), 0) / vectors.length
    figures.push({ efSearch, recall10, p50Ms: median(found.map(({ ms }) => ms)) })
    if (recall10 >= target) break
  }
  const last = figures.at(-1)
  return {
    figures,
    efSearch: last && last.recall10 >= target ? last.efSearch : null,
    exactP50Ms: median(exact.map(({ ms }) => ms)),
  }
}

/** Share of the true first ten that are among the first ten found. */
function recallAt10(found: readonly number[], truth: readonly number[]): number {
  const first = new Set(truth.slice(0, 10))
  return first.size === 0 ? 1 : found.slice(0, 10).filter(id => first.has(id)).length / first.size
}

async function each<T>(vectors: readonly Float32Array[], ask: (vector: Float32Array) => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  for (const vector of vectors) answers.push(await ask(vector))
  return answers
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

/** ef_search of an index scan, or `exact` for a scan of all vectors. */
export type Depth = number | 'exact'

export interface Nearest {
  /** Nearest first. */
  readonly chunkIds: readonly number[]
  readonly ms: number
}
