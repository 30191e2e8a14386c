import { LRUCache } from 'lru-cache'

export interface MemoryCache<Value extends object> {
  get(key: string): Value | undefined
  /** For `ms` milliseconds, or as long as the cache keeps everything. */
  set(key: string, value: Value, ms?: number): void
  delete(key: string): void
  /** All whose keys begin so; looks at every key. */
  deleteAll(prefix: string): void
  clear(): void
  /** Now. */
  size(): { readonly entries: number; readonly bytes: number }
}

export interface MemoryCacheOptions<Value extends object> {
  /** 0: nothing is kept. */
  readonly maxBytes: number
  readonly ttlSeconds: number
  readonly bytesOf: (value: Value) => number
  /** Told of each that had to make room. */
  readonly onEvict?: () => void
}

/** Of an entry, beside what `bytesOf` says: its key's and its value's headers, and the list it hangs in (measured: bench/cache). */
const entryBytes = 350

/** In this process, least recently used goes first, bounded by bytes and by age. */
export function createMemoryCache<Value extends object>({
  maxBytes,
  ttlSeconds,
  bytesOf,
  onEvict,
}: MemoryCacheOptions<Value>): MemoryCache<Value> {
  if (maxBytes === 0) return nothing
  const cache = new LRUCache<string, Value>({
    maxSize: maxBytes,
    // A value above this would push out everything else.
    maxEntrySize: Math.ceil(maxBytes / 8),
    ttl: ttlSeconds * 1000,
    // The clock is read ten times a second and not with every look.
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

const nothing: MemoryCache<never> = {
  get: () => undefined,
  set() {},
  delete() {},
  deleteAll() {},
  clear() {},
  size: () => ({ entries: 0, bytes: 0 }),
}
