import type { CacheTier, SharedCacheTier } from '../terms/caching.ts'

/** The tier in this process. */
export interface MemoryTier<Value> {
  get(key: string): Value | undefined
  /** Stores the value for `ms` milliseconds, or as long as the tier keeps values by default. */
  set(key: string, value: Value, ms?: number): void
}

/** The tier that replicas share. Never rejects: a failure is a miss, and so is a corrupt value. */
export interface SharedTier<Value> {
  get(key: string): Promise<Value | undefined>
  /** Stores the value for `ms` milliseconds, in the background. Absent when values are written in another way. */
  set?(key: string, value: Value, ms: number): void
}

export interface TieredCacheOptions<Value> {
  readonly memory: MemoryTier<Value>
  /** Null when this process shares with no other one. */
  readonly shared: SharedTier<Value> | null
  readonly sharedTier?: SharedCacheTier
  /** Absent when hits and misses are counted elsewhere. */
  readonly counts?: { given(tier: CacheTier, value: Value): void; missed(): void }
  /** How long a value of the shared tier stays in memory, in milliseconds; by default as the memory tier decides. */
  readonly lifetimeOf?: (value: Value) => number
}

export interface TieredCache<Value> {
  /** A value that is not `isWanted` is a miss. */
  get(
    key: string,
    isWanted?: (value: Value) => boolean,
  ): Promise<{ readonly value: Value; readonly tier: CacheTier } | undefined>
  set(key: string, value: Value, ms: number): void
}

/** A memory tier in front of a shared one. What is found only in the shared tier is copied into memory. */
export function createTieredCache<Value extends object>({
  memory,
  shared,
  sharedTier = 'redis',
  counts,
  lifetimeOf,
}: TieredCacheOptions<Value>): TieredCache<Value> {
  function hit(value: Value, tier: CacheTier) {
    counts?.given(tier, value)
    return { value, tier }
  }

  return {
    async get(key, isWanted = () => true) {
      const own = memory.get(key)
      if (own && isWanted(own)) return hit(own, 'memory')
      const found = await shared?.get(key)
      if (!found || !isWanted(found)) return void counts?.missed()
      memory.set(key, found, lifetimeOf?.(found))
      return hit(found, sharedTier)
    },
    set(key, value, ms) {
      memory.set(key, value, ms)
      shared?.set?.(key, value, ms)
    },
  }
}
