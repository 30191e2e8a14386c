import { hash } from 'node:crypto'
import type { SharedTier } from '../../ask/cache/tiered-cache.ts'
import type { RedisServer } from './redis.ts'

export interface ReadOptions<Value> {
  /** Undefined when the format is another one or the value is damaged; the value is then removed. */
  readonly decode: (bytes: Buffer) => Value | undefined
  readonly onCorrupt: () => void
}

/** Reads values that replicas share. `get` neither rejects nor takes longer than a command may. */
export function createSharedReads<Value>(redis: RedisServer, { decode, onCorrupt }: ReadOptions<Value>) {
  async function get(key: string): Promise<Value | undefined> {
    const bytes = await redis.attempt(
      'get',
      client => client.getBuffer(key),
      () => remove(key),
    )
    return bytes ? decoded(key, bytes) : undefined
  }

  /** Decodes what was read from the key, and removes it if it is corrupt. */
  function decoded(key: string, bytes: Buffer): Value | undefined {
    const value = decode(bytes)
    if (value === undefined) remove(key)
    return value
  }

  function remove(...keys: readonly string[]): void {
    onCorrupt()
    for (const each of keys) void redis.attempt('remove', client => client.unlink(each))
  }

  return { get, decoded, remove }
}

export interface SharedValuesOptions<Value> extends ReadOptions<Value> {
  readonly kind: 'draft' | 'vector'
  readonly encode: (value: Value) => Buffer
}

export function createSharedValues<Value>(
  redis: RedisServer,
  { kind, encode, ...options }: SharedValuesOptions<Value>,
): SharedTier<Value> {
  const keyOf = (key: string) => `${redis.keyPrefix}${kind}:` + hash('sha256', key, 'base64url')
  const { get } = createSharedReads(redis, options)
  return {
    get: key => get(keyOf(key)),
    set: (key, value, ms) =>
      void redis.attempt('set', client => client.set(keyOf(key), encode(value), 'PX', Math.max(1, Math.round(ms)))),
  }
}
