import type { Redis } from 'ioredis'
import { withTimeout } from '../../resilience/with-timeout.ts'
import type { RedisClient } from './client.ts'

/** Tracks which servers respond, so that no request waits for one that does not. */
export interface RedisBreaker {
  /** True while no server responds, or none has yet. */
  isOpen(): boolean
  answered(node: string): void
  /** No reply came to a command sent at `sentAt` (of `performance.now()`), or its connection was lost. */
  failed(node: string, sentAt: number): void
  /** Pings every server now instead of at the next interval. */
  pingAll(): Promise<void>
  stop(): void
}

export interface RedisBreakerOptions {
  readonly timeoutMs: number
  /** Servers start as unresponsive, which is not reported; every change after that is. */
  readonly onChange: (node: string, isUnresponsive: boolean) => void
  /** Called after every server was pinged. */
  readonly onPinged: () => void
}

const pingIntervalMs = 250
const failuresAllowed = 2

interface NodeState {
  isUnresponsive: boolean
  /** Consecutive failures. */
  failures: number
  lastFailure: number
}

/**
 * A server counts as unresponsive until it answers a ping, and again after three consecutive failures of commands or
 * pings; then only a successful ping makes it responsive.
 * Concurrent failures count once: if a hundred commands were in flight in one slow moment, that is one failure
 * (measured: two busy cores and 64 concurrent commands are enough for such a moment). Pings are sent four times per
 * second even without traffic, so that an outage is known before the first request meets it and its end soon after.
 * Each node of a Cluster has its own state: one node's failure must not affect keys on the others.
 */
export function createRedisBreaker(
  redis: RedisClient,
  { timeoutMs, onChange, onPinged }: RedisBreakerOptions,
): RedisBreaker {
  const nodes = new Map<string, NodeState>()
  let isOpen = true
  let pinging: Promise<void> | undefined

  const allUnresponsive = () => [...nodes.values()].every(({ isUnresponsive }) => isUnresponsive)

  function setState(node: string, state: NodeState, isUnresponsive: boolean) {
    const isChange = state.isUnresponsive !== isUnresponsive
    Object.assign(state, { isUnresponsive, failures: 0 })
    isOpen ||= allUnresponsive()
    if (isChange) onChange(node, isUnresponsive)
  }

  function failed(node: string, sentAt: number) {
    const state = nodes.get(node)
    if (state === undefined || state.isUnresponsive || sentAt < state.lastFailure) return
    state.lastFailure = performance.now()
    if (++state.failures > failuresAllowed) setState(node, state, true)
  }

  function answered(node: string) {
    const state = nodes.get(node)
    if (state !== undefined) state.failures = 0
  }

  async function probe(node: string, connection: Redis | undefined): Promise<void> {
    const state = nodes.get(node) ?? { isUnresponsive: true, failures: 0, lastFailure: -Infinity }
    nodes.set(node, state)
    const sentAt = performance.now()
    if (connection !== undefined && (await respondsToPing(connection, timeoutMs))) setState(node, state, false)
    else failed(node, sentAt)
  }

  async function pingAllOnce(): Promise<void> {
    if (redis.client.status !== 'ready') return
    const present = redis.nodes()
    for (const node of nodes.keys()) if (!present.has(node)) nodes.delete(node)
    await Promise.all([...present].map(([node, connection]) => probe(node, connection)))
    // The breaker closes here, not with the first reply, so that all responsive nodes of a Cluster are known by then.
    isOpen = allUnresponsive()
    if ([...nodes.values()].some(({ isUnresponsive }) => isUnresponsive)) redis.refreshNodes()
    onPinged()
  }

  const pingAll = () => (pinging ??= pingAllOnce().finally(() => void (pinging = undefined)))
  const timer = setInterval(() => void pingAll(), pingIntervalMs).unref()
  redis.skipNodes(node => nodes.get(node)?.isUnresponsive ?? false)
  return { isOpen: () => isOpen, answered, failed, pingAll, stop: () => clearInterval(timer) }
}

/** Any reply shows that the server is up, even that it is loading or requires a password. */
async function respondsToPing(connection: Redis, timeoutMs: number): Promise<boolean> {
  try {
    await withTimeout(timeoutMs, connection.ping())
    return true
  } catch (error) {
    return (error as Error).name === 'ReplyError'
  }
}
