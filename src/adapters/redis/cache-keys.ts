import { Cluster, type Redis } from 'ioredis'
import { withTimeout } from '../../resilience/with-timeout.ts'
import type { RedisServer } from './redis.ts'

/**
 * Kinds of keys in Redis, named by the part of the key after the prefix. `lease` covers the current fill lease of an
 * answer and the newest token.
 */
export type KeyKind = 'answer' | 'draft' | 'vector' | 'lease' | 'rate'

const kinds: Readonly<Record<string, KeyKind>> = {
  answer: 'answer',
  draft: 'draft',
  vector: 'vector',
  lease: 'lease',
  fence: 'lease',
  rate: 'rate',
}

/**
 * Prefix of every key of a database (by its name, {@link databaseName}), up to the kind. It is needed because two
 * databases that share a Redis may use the same collection ids and epochs.
 */
export function keyPrefixOf(prefix: string, database: string): string {
  return `${prefix}:${database}:`
}

/** Patterns for {@link removeKeys}: the answers of one collection, by its id, or everything that is cached (null). */
export function cachedKeys(collectionId: number | null): readonly string[] {
  return collectionId === null ? ['answer:*', 'draft:*', 'vector:*'] : [`answer:{${collectionId}:*`]
}

export interface KeyFigures {
  readonly keys: number
  readonly bytes: number
  /** The bytes are extrapolated from this many keys; null when all were measured. */
  readonly sampled: number | null
}

/** No question waits for these commands, so they may take longer. */
const replyMs = 2000
/** Keys that one SCAN step examines: some tenths of a millisecond of the server's time. */
const stepSize = 500
const sampleSize = 200

/**
 * Removes the keys of this database that match one of the patterns (after the prefix) on every node. It does not block
 * a server: keys are scanned in steps and their memory is freed in the background. Returns how many were removed, or
 * null if not all could be: Redis is down or went down, or it took longer than `limitMs` milliseconds.
 */
export async function removeKeys(
  redis: RedisServer,
  patterns: readonly string[],
  limitMs: number,
): Promise<number | null> {
  let removed = 0
  const isComplete = await scanKeys(
    redis,
    patterns,
    limitMs,
    async (node, keys) => void (removed += await unlink(node, keys)),
  )
  return isComplete ? removed : null
}

/**
 * Counts the keys of this database and their memory by kind; null as for {@link removeKeys}. A key that the server
 * moves during the scan may count twice.
 */
export async function countKeys(
  redis: RedisServer,
  limitMs: number,
): Promise<Readonly<Record<KeyKind, KeyFigures>> | null> {
  const tallies: Record<KeyKind, Tally> = {
    answer: newTally(),
    draft: newTally(),
    vector: newTally(),
    lease: newTally(),
    rate: newTally(),
  }
  const isComplete = await scanKeys(redis, ['*'], limitMs, async (node, keys) => {
    for (const key of keys) {
      const kind = kindOf(key.slice(redis.keyPrefix.length))
      if (kind) addToSample(tallies[kind], node, key)
    }
  })
  if (!isComplete) return null
  try {
    const entries = Object.entries(tallies).map(async ([kind, each]) => [kind, await figuresOf(each)] as const)
    return Object.fromEntries(await Promise.all(entries)) as Record<KeyKind, KeyFigures>
  } catch {
    return null
  }
}

function kindOf(key: string): KeyKind | undefined {
  return kinds[key.split(':', 1)[0] ?? '']
}

/** Returns false if the scan could not be completed. */
async function scanKeys(
  redis: RedisServer,
  patterns: readonly string[],
  limitMs: number,
  work: (node: Redis, keys: readonly string[]) => Promise<void>,
): Promise<boolean> {
  const endsAt = performance.now() + limitMs
  if (!redis.isUsable()) return false
  try {
    for (const node of nodesOf(redis)) {
      for (const pattern of patterns) {
        let cursor = '0'
        do {
          if (performance.now() > endsAt) return false
          const [next, keys] = await withTimeout(
            replyMs,
            node.scan(cursor, 'MATCH', redis.keyPrefix + pattern, 'COUNT', stepSize),
          )
          if (keys.length > 0) await work(node, keys)
          cursor = next
        } while (cursor !== '0')
      }
    }
    return true
  } catch {
    return false
  }
}

function nodesOf({ client }: RedisServer): readonly Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client]
}

/** One command per key: the keys of a single command must be in the same slot of a Cluster. */
async function unlink(node: Redis, keys: readonly string[]): Promise<number> {
  const commands = node.pipeline()
  for (const key of keys) commands.unlink(key)
  return (await resultsOf(commands.exec())).reduce<number>((sum, count) => sum + Number(count), 0)
}

async function resultsOf(execution: Promise<[error: Error | null, result: unknown][] | null>): Promise<unknown[]> {
  const results = (await withTimeout(replyMs, execution)) ?? []
  return results.map(([error, result]) => {
    if (error) throw error
    return result
  })
}

interface Tally {
  keys: number
  readonly sample: { node: Redis; key: string }[]
}

function newTally(): Tally {
  return { keys: 0, sample: [] }
}

/** Every key is equally likely to be in the sample (reservoir sampling, Vitter's algorithm R, 1985). */
function addToSample(tally: Tally, node: Redis, key: string): void {
  tally.keys++
  if (tally.sample.length < sampleSize) return void tally.sample.push({ node, key })
  const at = Math.floor(Math.random() * tally.keys)
  if (at < sampleSize) tally.sample[at] = { node, key }
}

/** Keys that have expired since are left out. */
async function figuresOf({ keys, sample }: Tally): Promise<KeyFigures> {
  const sizes = await Promise.all(
    [...Map.groupBy(sample, ({ node }) => node)].map(async ([node, group]) => {
      const commands = node.pipeline()
      for (const { key } of group) commands.memory('USAGE', key)
      return (await resultsOf(commands.exec())).filter(size => size !== null).map(Number)
    }),
  )
  const found = sizes.flat()
  const mean = found.reduce((sum, size) => sum + size, 0) / Math.max(1, found.length)
  return { keys, bytes: Math.round(mean * keys), sampled: keys > sample.length ? found.length : null }
}
