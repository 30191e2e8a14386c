import { hash } from 'node:crypto'
import type { SharedTier } from '../../ask/cache/tiered-cache.ts'
import type { RedisServer } from './redis.ts'

export interface ReadOptions<Value> {
  readonly redisKeyOf: (key: string) => string
  /** Undefined when the format is another one or the value is damaged; the value is then removed. */
  readonly decode: (bytes: Buffer) => Value | undefined
  readonly onCorrupt: () => void
}

/** Reads values that replicas share. No method rejects or takes longer than a command may. */
export function createSharedReads<Value>(redis: RedisServer, { redisKeyOf, decode, onCorrupt }: ReadOptions<Value>) {
  async function get(key: string): Promise<Value | undefined> {
    const redisKey = redisKeyOf(key)
    const bytes = await redis.attempt(
      'get',
      client => client.getBuffer(redisKey),
      () => remove(redisKey),
    )
    return bytes ? decoded(redisKey, bytes) : undefined
  }

  /** Decodes what was read from a key, and removes it if it is corrupt. */
  function decoded(redisKey: string, bytes: Buffer): Value | undefined {
    const value = decode(bytes)
    if (value === undefined) remove(redisKey)
    return value
  }

  function remove(...redisKeys: readonly string[]): void {
    onCorrupt()
    for (const each of redisKeys) void redis.attempt('remove', client => client.unlink(each))
  }

  return { get, decoded, remove }
}

export interface SharedValuesOptions<Value> extends Omit<ReadOptions<Value>, 'redisKeyOf'> {
  readonly kind: 'draft' | 'vector'
  readonly encode: (value: Value) => Buffer
}

export function createSharedValues<Value>(
  redis: RedisServer,
  { kind, encode, ...options }: SharedValuesOptions<Value>,
): SharedTier<Value> {
  const redisKeyOf = (key: string) => `${redis.keyPrefix}${kind}:` + hash('sha256', key, 'base64url')
  return {
    get: createSharedReads(redis, { redisKeyOf, ...options }).get,
    set: (key, value, ms) =>
      void redis.attempt('set', client =>
        client.set(redisKeyOf(key), encode(value), 'PX', Math.max(1, Math.round(ms))),
      ),
  }
}
