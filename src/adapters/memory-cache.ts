import { LRUCache } from 'lru-cache'

export interface MemoryCache<Value extends object> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
}

/** In this process, least recently used goes first, bounded by bytes and by age. */
export function createMemoryCache<Value extends object>(options: {
  readonly maxBytes: number
  readonly ttlSeconds: number
  readonly bytesOf: (value: Value) => number
}): MemoryCache<Value> {
  const cache = new LRUCache<string, Value>({
    maxSize: options.maxBytes,
    // A value above this would push out everything else.
    maxEntrySize: Math.ceil(options.maxBytes / 8),
    ttl: options.ttlSeconds * 1000,
    sizeCalculation: (value, key) => Math.max(1, options.bytesOf(value) + key.length * 2),
  })
  return { get: key => cache.get(key), set: (key, value) => void cache.set(key, value) }
}
