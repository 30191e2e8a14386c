import type { Redis } from 'ioredis'
import { withTimeout } from '../../resilience/with-timeout.ts'
import type { RedisClient } from './client.ts'

/** Knows which servers answer, so that nobody waits for one that does not. */
export interface RedisBreaker {
  /** No server answers, or none has yet. */
  isOpen(): boolean
  answered(node: string): void
  /** No answer came to a command sent at `sentAt` (of `performance.now()`), or its connection is gone. */
  failed(node: string, sentAt: number): void
  /** Pings every server now, not at the next beat. */
  beat(): Promise<void>
  stop(): void
}

export interface RedisBreakerOptions {
  readonly timeoutMs: number
  /** Servers begin deaf, which is not told; afterwards every change is. */
  readonly onChange: (node: string, isDeaf: boolean) => void
  /** After every server was pinged. */
  readonly onBeat: () => void
}

const pulseMs = 250
const failuresAllowed = 2

interface Health {
  isDeaf: boolean
  /** In a row. */
  failures: number
  lastFailure: number
}

/**
 * A server is deaf until it answers a ping, and again after three failures in a row, of commands or of pings; then
 * only a ping makes it heard. In a row means one after the other: a hundred commands that were under way in one slow
 * moment fail once (measured: two busy cores and 64 commands at a time are enough for such a moment). Pings go out
 * four times a second also when nobody asks: a fault is known before the first request meets it, and the end of it
 * soon after. One breaker for each node of a Cluster: one node's death must not cost what the others hold.
 */
export function createRedisBreaker(
  redis: RedisClient,
  { timeoutMs, onChange, onBeat }: RedisBreakerOptions,
): RedisBreaker {
  const nodes = new Map<string, Health>()
  let isOpen = true
  let beating: Promise<void> | undefined

  const areAllDeaf = () => [...nodes.values()].every(({ isDeaf }) => isDeaf)

  function turn(node: string, health: Health, isDeaf: boolean) {
    const isChange = health.isDeaf !== isDeaf
    Object.assign(health, { isDeaf, failures: 0 })
    isOpen ||= areAllDeaf()
    if (isChange) onChange(node, isDeaf)
  }

  function failed(node: string, sentAt: number) {
    const health = nodes.get(node)
    if (health === undefined || health.isDeaf || sentAt < health.lastFailure) return
    health.lastFailure = performance.now()
    if (++health.failures > failuresAllowed) turn(node, health, true)
  }

  function answered(node: string) {
    const health = nodes.get(node)
    if (health !== undefined) health.failures = 0
  }

  async function probe(node: string, connection: Redis | undefined): Promise<void> {
    const health = nodes.get(node) ?? { isDeaf: true, failures: 0, lastFailure: -Infinity }
    nodes.set(node, health)
    const sentAt = performance.now()
    if (connection !== undefined && (await answersPing(connection, timeoutMs))) turn(node, health, false)
    else failed(node, sentAt)
  }

  async function beatOnce(): Promise<void> {
    if (redis.client.status !== 'ready') return
    const present = redis.nodes()
    for (const node of nodes.keys()) if (!present.has(node)) nodes.delete(node)
    await Promise.all([...present].map(([node, connection]) => probe(node, connection)))
    // It closes only now, not with the first answer: those of a Cluster that are alive are then all known.
    isOpen = areAllDeaf()
    if ([...nodes.values()].some(({ isDeaf }) => isDeaf)) redis.lookAround()
    onBeat()
  }

  const beat = () => (beating ??= beatOnce().finally(() => void (beating = undefined)))
  const timer = setInterval(() => void beat(), pulseMs).unref()
  redis.avoid(node => nodes.get(node)?.isDeaf ?? false)
  return { isOpen: () => isOpen, answered, failed, beat, stop: () => clearInterval(timer) }
}

/** Any reply is a sign of life, also that it is busy or wants a password. */
async function answersPing(connection: Redis, timeoutMs: number): Promise<boolean> {
  try {
    await withTimeout(timeoutMs, connection.ping())
    return true
  } catch (error) {
    return (error as Error).name === 'ReplyError'
  }
}
