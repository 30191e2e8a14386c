import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { codeOf } from './adapters/postgres/errors.ts'
import { buildApp, buildMonitoringApp, buildStartingApp, type EdgeParts, type Port } from './app.ts'
import type { Channel } from './cluster/channel.ts'
import { rejectOpenAccess } from './config/access.ts'
import { watchKeyFile, type KeySource } from './config/key-file.ts'
import { watchSecrets } from './config/secret-files.ts'
import { isLoopback } from './config/loopback.ts'
import type { Config, FollowSecret } from './config/terms.ts'
import { checkModels, openDeps, type Deps } from './deps.ts'
import { createKeyring } from './http/edge/auth.ts'
import { connectionsFor } from './http/edge/connections.ts'
import { watchMalformed } from './http/edge/malformed.ts'
import type { ListenAddress } from './http/edge/listeners.ts'
import { createGate, type Gate } from './http/gate.ts'
import { createLogger, maskAlso } from './log.ts'
import { onHangup } from './signals.ts'
import { watchConnections, type Connections } from './monitoring/findings/connections.ts'
import { startTelemetry, type Telemetry } from './tracing/start.ts'
import { openService } from './wiring/service.ts'

export interface RunningServer {
  /** URL the service listens on. */
  readonly address: string
  /** URL of monitoring, if it has its own port. */
  readonly monitoringAddress: string | null
  readonly deps: Deps
  /** Resolves when the server has stopped, after a signal or a call of `stop`. */
  readonly stopped: Promise<void>
  /** Reports unready → keeps accepting for DRAIN_DELAY_MS → finishes running requests → closes. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** Aborts startup: closes what was opened and rejects `startServer` with the reason. */
  readonly signal?: AbortSignal
  /** The connection to the primary, in a process that is one of several. */
  readonly channel?: Channel
}

/**
 * Starts the process: config → telemetry → listen behind the gates → open the parts → build the app → swap it in. It
 * listens first, so that probes see it alive while it waits for the database. Resolves when it is ready; rejects with an
 * AskError that says what to do.
 */
export async function startServer(
  config: Config,
  log: Logger = createLogger(config),
  options: StartOptions = {},
): Promise<RunningServer> {
  rejectOpenAccess(config)
  options.signal?.throwIfAborted()
  await using opened = new AsyncDisposableStack()
  const secrets = watchSecrets(config.secretFiles, log, maskAlso)
  opened.defer(secrets.close)
  const telemetry = await startTelemetry(config.telemetry, log, secrets.follow)
  opened.defer(telemetry.close)
  const keySource = keySourceOf(config, log, secrets.follow)
  opened.defer(() => keySource?.close())
  opened.defer(reloadOnHangup([secrets, ...(keySource ? [keySource] : [])], config, log))
  // One worker is enough to say it.
  if (!options.channel || options.channel.place.number === 1) for (const line of config.notices) log.warn(line)
  const draining = new AbortController()
  const edge: Edge = {
    config,
    log,
    keyring: createKeyring(config.keys, keySource),
    isDraining: () => draining.signal.aborted,
    openapi: textOf('../openapi.yaml'),
  }
  const ports = await openPorts(edge, opened)
  const stopServing = async () => {
    draining.abort()
    await Promise.all([ports.main.gate.close(0), ports.monitoring?.gate.close(0)])
  }
  opened.defer(stopServing)
  const deps = await openParts(
    edge,
    { ...ports, stopServing },
    { ...options, telemetry, follow: secrets.follow, reloadSecrets: secrets.reload },
    opened,
  )
  const { promise: stopped, resolve, reject } = Promise.withResolvers<void>()
  const kept = opened.move()
  let stopping: Promise<void> | undefined
  const stop = () => {
    draining.abort()
    return (stopping ??= drain(edge, ports, kept)
      .then(resolve, reject)
      .then(() => stopped))
  }
  return { address: ports.main.address, monitoringAddress: ports.monitoring?.address ?? null, deps, stopped, stop }
}

/** `EdgeParts` with the logger of this process. */
interface Edge extends EdgeParts {
  readonly log: Logger
}

function keySourceOf({ keySources, secretFiles }: Config, log: Logger, follow: FollowSecret): KeySource | undefined {
  const isFollowed = keySources.named?.some(({ name }) => secretFiles.some(file => file.name === name))
  return keySources.file !== undefined || isFollowed ? watchKeyFile(keySources, log, follow) : undefined
}

/** On SIGHUP, reads the files of keys and secrets again. Returns what ends that. */
function reloadOnHangup(
  sources: readonly { reload(): void }[],
  { keySources, secretFiles }: Config,
  log: Logger,
): () => void {
  const hasFiles = keySources.file !== undefined || secretFiles.length > 0
  return onHangup(() => {
    if (hasFiles) for (const each of sources) each.reload()
    else log.info('SIGHUP ignored: no keys or secrets are read from files (API_KEYS_FILE, …_FILE)')
  })
}

interface OpenPort {
  readonly gate: Gate
  readonly address: string
}

interface Ports {
  readonly main: OpenPort
  /** Null when monitoring is served on the main port. */
  readonly monitoring: OpenPort | null
  readonly connections: Connections
}

/** Listens on the ports; until the app is swapped in, they serve the probes only. */
async function openPorts(edge: Edge, opened: AsyncDisposableStack): Promise<Ports> {
  const { config, log } = edge
  const limits = {
    ...config.receiving,
    maxConnections: connectionsFor(config, log),
    idleMs: config.ask.timeoutMs + 60_000,
  }
  const openGate = () => opened.adopt(createGate(limits, log), async each => void (await each.close(0)))
  const openPort = async (gate: Gate, port: Port, address: ListenAddress): Promise<OpenPort> => {
    await gate.serve(await buildStartingApp(edge, port))
    return { gate, address: await listen(gate, address, port) }
  }
  const gate = openGate()
  const connections = watchConnections(gate.server)
  const main = await openPort(gate, 'PORT', config)
  logAccess(config, log)
  const monitoring = config.monitoring && (await openPort(openGate(), 'MONITORING_PORT', config.monitoring))
  log.info(
    { address: main.address, ...(monitoring && { monitoring: monitoring.address }) },
    'listening; startup continues',
  )
  return { main, monitoring, connections }
}

/** What is started before the ports are open. */
interface Started {
  readonly telemetry: Pick<Telemetry, 'status'>
  readonly follow: FollowSecret
  readonly reloadSecrets: () => void
}

/** Opens everything behind the ports, and serves it there. */
async function openParts(
  edge: Edge,
  { main, monitoring, connections, stopServing }: Ports & { readonly stopServing: () => Promise<void> },
  { signal, channel, telemetry, follow, reloadSecrets }: StartOptions & Started,
  opened: AsyncDisposableStack,
): Promise<Deps> {
  const { config, log, isDraining } = edge
  const deps = await openDeps(config, log, {
    patienceMs: config.startTimeoutMs,
    follow,
    reloadSecrets,
    ...(signal && { signal }),
    ...(channel && { channel }),
  })
  opened.defer(deps.close)
  await checkModels(deps.store, deps.models.embedder.model)
  const service = openService(deps, { config, log, connections, traces: telemetry.status, isDraining })
  opened.defer(service.monitor.stop)
  // A failed start closes the ports first: nobody is to be served by closed parts.
  opened.defer(stopServing)
  signal?.throwIfAborted()
  const parts = { ...edge, ...deps, ...service }
  for (const each of [main, monitoring]) if (each) watchMalformed(each.gate.server, deps.events.emit.requestUnparsed)
  await main.gate.serve(await buildApp(parts))
  await monitoring?.gate.serve(await buildMonitoringApp(parts))
  signal?.throwIfAborted()
  log.info(
    {
      address: main.address,
      database: deps.database.version,
      bm25: deps.bm25,
      embeddings: deps.models.embedder.model,
      chat: config.models.chat ?? 'extractive',
    },
    'ready',
  )
  return deps
}

async function drain(
  { config, log }: Edge,
  { main: { gate }, monitoring }: Ports,
  opened: AsyncDisposableStack,
): Promise<void> {
  log.info('shutting down: waiting for running requests')
  await delay(Math.max(config.drain.delayMs, minDrainDelayMs))
  const isInTime = await gate.close(config.drain.seconds * 1000)
  if (!isInTime) log.warn('requests were still running after DRAIN_SECONDS: their connections are closed')
  await monitoring?.gate.close(monitoringDrainMs)
  await opened.disposeAsync()
  log.info('stopped')
}

/** Replies of the monitoring port take milliseconds. */
const monitoringDrainMs = 2000

/**
 * How long replies carry `connection: close` before the first connection is closed. Without the header a client may
 * send its next request on a connection that is being closed, and may not retry it.
 */
const minDrainDelayMs = 200

/** Logs consequences of the settings that an operator may not expect: trusted proxies, and access to monitoring. */
function logAccess({ trustProxy, host, monitoring, keys, allowAnonymous }: Config, log: Logger): void {
  if (trustProxy !== null)
    log.info(
      { trustProxy },
      'hops' in trustProxy
        ? `trusting X-Forwarded-For of ${trustProxy.hops === 1 ? 'one proxy' : `${trustProxy.hops} chained proxies`} (TRUST_PROXY), read from its end`
        : 'trusting X-Forwarded-For of proxies in these networks (TRUST_PROXY)',
    )
  const isReachable = !isLoopback(monitoring?.host ?? host)
  if (isReachable && !allowAnonymous && !keys.some(({ scopes }) => scopes.includes('monitoring')))
    log.info(
      'no monitoring key is set: monitoring is available to this machine only; set MONITORING_API_KEY to allow others',
    )
}

/** Resolves with the address. If the port is taken, rejects with an error that names the setting to change. */
async function listen(gate: Gate, address: ListenAddress, setting: Port): Promise<string> {
  try {
    return await gate.listen(address)
  } catch (cause) {
    if (codeOf(cause) !== 'EADDRINUSE') throw cause
    throw new Error(
      `port ${address.port} is in use; set ${setting} to another port, or stop the process that uses it`,
      { cause },
    )
  }
}

function textOf(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

/** Does not keep the process alive: once everything else is closed there is nothing to wait for. */
function delay(ms: number): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, ms).unref())
}
