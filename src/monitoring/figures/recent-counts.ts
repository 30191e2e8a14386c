/** What happened lately, by kind: `chat:silent`, `redis:timeout`, `refused:queue`, … A closed list of short words. */
export type Kind = string

const sliceMs = 1000
const slices = 61

interface Ring {
  readonly counts: Uint32Array
  /** Slice of time that each place holds. */
  readonly turns: Float64Array
  lastAt: number
}

/** How often things happened in the last minute, to a second. .05 µs a count. */
export function createRecentCounts(now: () => number = () => performance.now()) {
  const rings = new Map<Kind, Ring>()

  function count(kind: Kind, by = 1): void {
    let ring = rings.get(kind)
    if (ring === undefined)
      rings.set(
        kind,
        (ring = { counts: new Uint32Array(slices), turns: new Float64Array(slices).fill(-1), lastAt: -Infinity }),
      )
    const at = now()
    const turn = Math.floor(at / sliceMs)
    const place = turn % slices
    if (ring.turns[place] !== turn) {
      ring.turns[place] = turn
      ring.counts[place] = 0
    }
    ring.counts[place]! += by
    ring.lastAt = at
  }

  /** Times in the last `seconds`, 60 at the most, and the second that has begun. */
  function times(kind: Kind, seconds: number): number {
    const ring = rings.get(kind)
    if (ring === undefined) return 0
    const oldest = Math.floor(now() / sliceMs) - seconds
    let sum = 0
    for (let place = 0; place < slices; place++)
      if (ring.turns[place]! >= oldest && ring.turns[place]! >= 0) sum += ring.counts[place]!
    return sum
  }

  /** Milliseconds since the last one; Infinity: none was. */
  function sinceMs(kind: Kind): number {
    return now() - (rings.get(kind)?.lastAt ?? -Infinity)
  }

  return { count, times, sinceMs, kinds: () => [...rings.keys()] }
}

export type RecentCounts = ReturnType<typeof createRecentCounts>
