import { LRUCache } from 'lru-cache'
import type { Search } from '../../../ask/retrieval/passage-search.ts'

/** Packed units by chunk. */
export type UnitsByChunk = ReadonlyMap<number, Uint8Array | undefined>

/** A collection of 500 chunks has about one megabyte. */
const maxBytes = 32 * 1024 * 1024
/** Of an entry of the map, besides its bytes. */
const entryBytes = 150

/**
 * The units of small collections, of which every question compares all: reading them would cost more than the rest of the
 * search. They are kept by epoch mark, which no other content of a collection ever has.
 */
export function createSmallCollections() {
  const cache = new LRUCache<string, UnitsByChunk>({
    maxSize: maxBytes,
    sizeCalculation: units => units.values().reduce((sum, each) => sum + entryBytes + (each?.length ?? 0), 1),
  })
  return {
    get: (search: Search) => cache.get(keyOf(search) ?? ''),
    set(search: Search, units: UnitsByChunk): void {
      const key = keyOf(search)
      // A filter leaves some out.
      if (key !== null && Object.keys(search.filters).length === 0) cache.set(key, units)
    },
  }
}

/** Null where only the units of the best are read. */
function keyOf({ allChunks, vector, epochMark, collectionId }: Search): string | null {
  if (allChunks === undefined || vector === null || epochMark === undefined) return null
  return `${collectionId} ${vector.modelId} ${epochMark}`
}
