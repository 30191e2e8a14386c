import { Cluster, type Redis } from 'ioredis'
import { withTimeout } from '../../resilience/with-timeout.ts'
import type { RedisServer } from './redis.ts'

/** What lies in Redis, by what stands in its keys behind the prefix; `lease`: who makes an answer now, and who did last. */
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
 * What every key of a database (by its name, {@link databaseName}) begins with, up to its kind: two databases in one Redis
 * count their collections and epochs alike.
 */
export function keyPrefixOf(prefix: string, database: string): string {
  return `${prefix}:${database}:`
}

/** Patterns for {@link removeKeys}: of the answers of a collection by its id, or (null) of all that is cached. */
export function cachedKeys(collectionId: number | null): readonly string[] {
  return collectionId === null ? ['answer:*', 'draft:*', 'vector:*'] : [`answer:{${collectionId}:*`]
}

export interface KeyFigures {
  readonly keys: number
  readonly bytes: number
  /** The bytes are reckoned from so many keys; null: from every one. */
  readonly sampled: number | null
}

/** Nobody waits for an answer here, so a busy server may take longer than a question would wait. */
const replyMs = 2000
/** Keys a step looks at: some tenths of a millisecond of the server's time. */
const stepSize = 500
const sampleSize = 200

/**
 * Removes the keys of this database that fit one of the patterns behind their prefix, on every node, without holding up a
 * server: step by step, its memory freed behind. Gives how many; null when not all of it could be done: Redis is away or went away, or it took longer
 * than `limitMs` milliseconds.
 */
export async function removeKeys(
  redis: RedisServer,
  patterns: readonly string[],
  limitMs: number,
): Promise<number | null> {
  let removed = 0
  const isWhole = await eachStep(
    redis,
    patterns,
    limitMs,
    async (node, keys) => void (removed += await unlink(node, keys)),
  )
  return isWhole ? removed : null
}

/** Keys of this database and their memory by kind; null as for {@link removeKeys}. A key that the server moves meanwhile may count twice. */
export async function countKeys(
  redis: RedisServer,
  limitMs: number,
): Promise<Readonly<Record<KeyKind, KeyFigures>> | null> {
  const tallies: Record<KeyKind, Tally> = {
    answer: tally(),
    draft: tally(),
    vector: tally(),
    lease: tally(),
    rate: tally(),
  }
  const isWhole = await eachStep(redis, ['*'], limitMs, async (node, keys) => {
    for (const key of keys) {
      const kind = kindOf(key.slice(redis.keyPrefix.length))
      if (kind) note(tallies[kind], node, key)
    }
  })
  if (!isWhole) return null
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

/** False when it could not be gone through to the end. */
async function eachStep(
  redis: RedisServer,
  patterns: readonly string[],
  limitMs: number,
  work: (node: Redis, keys: readonly string[]) => Promise<void>,
): Promise<boolean> {
  const end = performance.now() + limitMs
  if (!redis.isUsable()) return false
  try {
    for (const node of nodesOf(redis)) {
      for (const pattern of patterns) {
        let cursor = '0'
        do {
          if (performance.now() > end) return false
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

/** One command a key: those of one command must lie in one slot of a Cluster. */
async function unlink(node: Redis, keys: readonly string[]): Promise<number> {
  const commands = node.pipeline()
  for (const key of keys) commands.unlink(key)
  return (await replies(commands.exec())).reduce<number>((sum, count) => sum + Number(count), 0)
}

async function replies(execution: Promise<[error: Error | null, result: unknown][] | null>): Promise<unknown[]> {
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

function tally(): Tally {
  return { keys: 0, sample: [] }
}

/** Each key has the same chance to be in the sample (Vitter's algorithm R, 1985). */
function note(counted: Tally, node: Redis, key: string): void {
  counted.keys++
  if (counted.sample.length < sampleSize) return void counted.sample.push({ node, key })
  const at = Math.floor(Math.random() * counted.keys)
  if (at < sampleSize) counted.sample[at] = { node, key }
}

/** A key that expired since is left out. */
async function figuresOf({ keys, sample }: Tally): Promise<KeyFigures> {
  const sizes = await Promise.all(
    [...Map.groupBy(sample, ({ node }) => node)].map(async ([node, group]) => {
      const commands = node.pipeline()
      for (const { key } of group) commands.memory('USAGE', key)
      return (await replies(commands.exec())).filter(size => size !== null).map(Number)
    }),
  )
  const found = sizes.flat()
  const mean = found.reduce((sum, size) => sum + size, 0) / Math.max(1, found.length)
  return { keys, bytes: Math.round(mean * keys), sampled: keys > sample.length ? found.length : null }
}
