import type { ConnectionOptions } from 'node:tls'
import { Cluster, Redis, type Command } from 'ioredis'
import type { RedisTarget } from '../../config/redis-url.ts'
import { readRegular } from '../../config/text-file.ts'

/** A client and its servers by name; a single server has an empty name. */
export interface RedisClient {
  readonly client: Redis | Cluster
  /** The server does not let us use the database of the URL; the connection is being closed. */
  isRefused(): boolean
  /** All servers that store keys; undefined when there is no connection to one. */
  nodes(): ReadonlyMap<string, Redis | undefined>
  /** The server to which the last command belonged. */
  lastNode(): string
  /** From now on, servers for which this returns true get no commands except pings. */
  skipNodes(isUnresponsive: (node: string) => boolean): void
  /** Uses another user and password for new connections. */
  useLogin(login: Pick<RedisTarget, 'username' | 'password'>): void
  /** Asks the other servers which of them owns the keys now; for use when a server is missing. */
  refreshNodes(): void
}

/**
 * These timeouts bound a connection, not a command (for that see with-timeout.ts). `socketTimeout` ends a connection
 * whose server sends nothing at all (frozen, cut off by a firewall), even during the handshake; the client then opens a
 * new one.
 *
 * There is no auto-pipelining. Measured on 2 cores with 2 kB values: with 64 concurrent commands it takes 10 µs of CPU
 * time per command without it and 6 µs with it, and 0.5 ms instead of 0.24 ms, but p99 rises from 2 to 4 ms. With one
 * command at a time nothing changes, and on a Cluster a command whose slot has no node throws. We send one or two
 * commands per request.
 */
function connectionOptions(timeoutMs: number) {
  return {
    connectTimeout: 2000,
    socketTimeout: Math.max(2000, 2 * timeoutMs),
    // Limit for the server to close its side: a frozen one never does, and would delay our exit.
    disconnectTimeout: 100,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  }
}

type Bounds = ReturnType<typeof connectionOptions>

export function createRedisClient(target: RedisTarget, timeoutMs: number): RedisClient {
  const options = { ...connectionOptions(timeoutMs), ...credentialsOf(target) }
  return target.kind === 'cluster' ? clusterClient(target, options) : singleClient(target, options)
}

function singleClient(target: RedisTarget, options: Bounds): RedisClient {
  const client = new Redis({
    ...options,
    ...(target.kind === 'sentinel'
      ? sentinelsOf(target)
      : { host: target.hosts[0]?.host ?? '', port: target.hosts[0]?.port ?? 0 }),
    db: target.db,
    enableOfflineQueue: false,
    retryStrategy: waitBeforeRetry,
    reconnectOnError: whenDemoted(),
  })
  let isRefused = false
  client.on('connect', () => void (isRefused = false))
  client.on('error', error => {
    if (!isWithoutDatabase(error)) return
    isRefused = true
    client.disconnect(true)
  })
  return {
    client,
    isRefused: () => isRefused,
    nodes: () => new Map([['', client]]),
    lastNode: () => '',
    skipNodes() {},
    refreshNodes() {},
    // The driver reads its options each time it connects.
    useLogin: ({ username, password }) => void Object.assign(client.options, { username, password }),
  }
}

/**
 * SELECT failed: there is no such database, or the user may not choose one. The driver would continue in database 0, which
 * may belong to somebody else.
 */
function isWithoutDatabase(error: unknown): boolean {
  return error instanceof Error && 'command' in error && (error.command as { name?: unknown })?.name === 'select'
}

function sentinelsOf(target: RedisTarget) {
  const { hosts, master, isEncrypted, sentinelUsername, sentinelPassword } = target
  return {
    sentinels: [...hosts],
    name: master,
    sentinelUsername,
    sentinelPassword,
    sentinelCommandTimeout: 1000,
    sentinelRetryStrategy: waitBeforeRetry,
    sentinelTLS: tlsOf(target),
    enableTLSForSentinelMode: isEncrypted,
  }
}

function credentialsOf(target: RedisTarget) {
  return { username: target.username, password: target.password, tls: tlsOf(target) }
}

function tlsOf({ isEncrypted, caFile, certFile, keyFile, isUnverified }: RedisTarget): ConnectionOptions | undefined {
  if (!isEncrypted) return undefined
  return {
    ...(caFile !== undefined && { ca: fileOf(caFile) }),
    ...(certFile !== undefined && { cert: fileOf(certFile) }),
    ...(keyFile !== undefined && { key: fileOf(keyFile) }),
    ...(isUnverified && { rejectUnauthorized: false }),
  }
}

function fileOf(path: string): Buffer {
  try {
    return readRegular(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(`REDIS_URL names the file ${JSON.stringify(path)}, which cannot be read (${code})`, { cause })
  }
}

/** Milliseconds, with jitter so that replicas that lost Redis together do not reconnect together. */
function waitBeforeRetry(attempt: number): number {
  return Math.min(100 * 2 ** attempt, 2000) * (0.75 + Math.random() / 4)
}

/**
 * A server that no longer accepts writes was the master. A new connection, by name or through Sentinel, finds the
 * current one. This reconnects only occasionally, because it may be a lone replica, and reading from it works.
 */
function whenDemoted(): (error: Error) => boolean {
  let last = -Infinity
  return error => {
    if (!error.message.startsWith('READONLY') || performance.now() - last < 10_000) return false
    last = performance.now()
    return true
  }
}

function clusterClient(target: RedisTarget, options: Bounds): RedisClient {
  const client = new SkippingCluster([...target.hosts], {
    redisOptions: options,
    enableOfflineQueue: false,
    clusterRetryStrategy: waitBeforeRetry,
    slotsRefreshTimeout: 1000,
    slotsRefreshInterval: 10_000,
    // Either delay would exceed the time that a caller waits for a command.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // With TLS, host names are not resolved here: certificates contain names.
    ...(target.isEncrypted ? { dnsLookup: (host, done) => done(null, host) } : {}),
  })
  return {
    client,
    isRefused: () => false,
    nodes: () => client.masters(),
    lastNode: () => client.lastNode,
    skipNodes: isUnresponsive => void (client.isUnresponsive = isUnresponsive),
    refreshNodes: () => client.refreshSlotsCache(),
    useLogin({ username, password }) {
      for (const each of [options, ...client.nodes('all').map(node => node.options)])
        Object.assign(each, { username, password })
    },
  }
}

/** The command was not sent because the Cluster node that owns its key does not respond. */
export class UnresponsiveNode extends Error {
  constructor() {
    super('the node that owns this key does not respond')
    this.name = 'UnresponsiveNode'
  }
}

/**
 * A Cluster that does not send commands to unresponsive nodes. Otherwise every question whose key is on such a node
 * would wait for the timeout, and for a dead one ioredis opens a connection per command.
 */
class SkippingCluster extends Cluster {
  lastNode = ''
  isUnresponsive: (node: string) => boolean = () => false

  override sendCommand(...[command, ...rest]: Parameters<Cluster['sendCommand']>): unknown {
    this.lastNode = this.#ownerOf(command)
    if (!this.isUnresponsive(this.lastNode)) return super.sendCommand(command, ...rest)
    command.reject(new UnresponsiveNode())
    return command.promise
  }

  masters(): Map<string, Redis | undefined> {
    const connected = new Map(this.nodes('master').map(node => [`${node.options.host}:${node.options.port}`, node]))
    const owners = new Set(this.slots.map(([owner]) => owner).filter(owner => owner !== undefined))
    return new Map([...owners].map(owner => [owner, connected.get(owner)]))
  }

  /** Empty for a command without a key, or for a slot without an owner. */
  #ownerOf(command: Command): string {
    const slot = command.getSlot()
    return slot === null ? '' : (this.slots[slot]?.[0] ?? '')
  }
}
