import { hash } from 'node:crypto'
import type { RedisServer } from './redis.ts'

/** Values that replicas share. No method rejects or takes longer than a command may. */
export interface SharedValues<Value> {
  get(key: string): Promise<Value | undefined>
  /** Stores the value for `ms` milliseconds, in the background. */
  set(key: string, value: Value, ms: number): void
}

export interface SharedValuesOptions<Value> {
  readonly kind: 'draft' | 'vector'
  readonly encode: (value: Value) => Buffer
  /** Undefined when the format is another one or the value is damaged; the value is then removed. */
  readonly decode: (bytes: Buffer) => Value | undefined
  readonly onCorrupt?: () => void
}

export function createSharedValues<Value>(
  redis: RedisServer,
  { kind, encode, decode, onCorrupt = () => {} }: SharedValuesOptions<Value>,
): SharedValues<Value> {
  const keyOf = (key: string) => `${redis.keyPrefix}${kind}:` + hash('sha256', key, 'base64url')

  async function get(key: string): Promise<Value | undefined> {
    const bytes = await redis.attempt(
      'get',
      client => client.getBuffer(keyOf(key)),
      () => remove(key),
    )
    if (!bytes) return undefined
    const value = decode(bytes)
    if (value === undefined) remove(key)
    return value
  }

  function set(key: string, value: Value, ms: number): void {
    void redis.attempt('set', client => client.set(keyOf(key), encode(value), 'PX', Math.max(1, Math.round(ms))))
  }

  function remove(key: string): void {
    onCorrupt()
    void redis.attempt('remove', client => client.unlink(keyOf(key)))
  }

  return { get, set }
}
