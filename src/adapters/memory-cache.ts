import { LRUCache } from 'lru-cache'
import type { MemoryTier } from '../ask/cache/tiered-cache.ts'

interface MemoryCache<Value extends object> extends MemoryTier<Value> {
  delete(key: string): void
  /** Deletes all entries whose key starts with `prefix`. Scans every key. */
  deleteAll(prefix: string): void
  clear(): void
  /** Current size. */
  size(): { readonly entries: number; readonly bytes: number }
}

export interface MemoryCacheOptions<Value extends object> {
  /** 0 to cache nothing. */
  readonly maxBytes: number
  readonly ttlSeconds: number
  readonly bytesOf: (value: Value) => number
  /** Called for each entry evicted to make room. */
  readonly onEvict?: () => void
}

/**
 * Overhead per entry in addition to `bytesOf`: headers of the key and the value, and the list node (measured in
 * bench/cache).
 */
const entryBytes = 350

/** A cache in this process with LRU eviction, bounded by bytes and by age. */
export function createMemoryCache<Value extends object>({
  maxBytes,
  ttlSeconds,
  bytesOf,
  onEvict,
}: MemoryCacheOptions<Value>): MemoryCache<Value> {
  if (maxBytes === 0) return disabled
  const cache = new LRUCache<string, Value>({
    maxSize: maxBytes,
    // A larger value would evict everything else.
    maxEntrySize: Math.ceil(maxBytes / 8),
    ttl: ttlSeconds * 1000,
    // Read the clock ten times per second instead of on every lookup.
    ttlResolution: 100,
    sizeCalculation: (value, key) => entryBytes + Math.ceil(bytesOf(value)) + key.length * 2,
    ...(onEvict
      ? { dispose: (_value: Value, _key: string, reason: string) => void (reason === 'evict' && onEvict()) }
      : {}),
  })
  return {
    get: key => cache.get(key),
    set: (key, value, ms) => void cache.set(key, value, ms === undefined ? {} : { ttl: Math.max(1, ms) }),
    delete: key => void cache.delete(key),
    deleteAll: prefix => [...cache.keys()].filter(key => key.startsWith(prefix)).forEach(key => cache.delete(key)),
    clear: () => cache.clear(),
    size: () => ({ entries: cache.size, bytes: cache.calculatedSize }),
  }
}

const disabled: MemoryCache<never> = {
  get: () => undefined,
  set() {},
  delete() {},
  deleteAll() {},
  clear() {},
  size: () => ({ entries: 0, bytes: 0 }),
}
