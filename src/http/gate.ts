import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net'
import { trackConnections } from './edge/accept-time.ts'
import { answerMalformed } from './edge/malformed.ts'

/** Limits for clients that are slow, on purpose or not. */
export interface ReceivingLimits {
  /** Time limit for receiving the header of a request. */
  readonly headersMs: number
  /** Time limit for receiving a whole request, including the largest upload. */
  readonly wholeMs: number
  /** How long a connection may be idle between two requests. */
  readonly keepAliveMs: number
  /** Idle timeout of a connection; longer than any answer takes, so it ends only clients that do not read. */
  readonly idleMs: number
  /** Node closes further connections without a reply. */
  readonly maxConnections: number
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export interface Gate {
  readonly server: Server
  /** Resolves with the URL. Call `serve` first. */
  listen(address: ListenAddress): Promise<string>
  /** Passes the next requests to this app. The app before it finishes its running requests, and is closed. */
  serve(app: FastifyInstance): Promise<void>
  /**
   * Stops accepting connections, and closes the app when the last one is closed. After `limitMs` all connections are
   * closed; resolves with false if that was necessary.
   */
  close(limitMs?: number): Promise<boolean>
}

/**
 * Listens before the app exists, and keeps what is independent of it: limits, timeouts, malformed requests and the
 * accept time.
 */
export function createGate(limits: ReceivingLimits, log: FastifyBaseLogger): Gate {
  const server = limitedServer(limits)
  const closeUnused = trackConnections(server)
  const listeners: TcpServer[] = [server]
  let current: FastifyInstance | undefined

  async function serve(app: FastifyInstance): Promise<void> {
    await app.ready()
    const previous = current
    if (previous) server.off('request', previous.routing)
    server.on('request', app.routing)
    current = app
    await previous?.close()
  }

  async function listen({ host, port }: ListenAddress): Promise<string> {
    await startListening(server, host, port)
    const { address, port: bound } = server.address() as AddressInfo
    if (host === 'localhost') for await (const each of listenOnOthers(server, address, bound)) listeners.push(each)
    for (const each of listeners)
      each.on('error', err =>
        log.error({ err }, 'could not accept a connection; check the limit of open files (ulimit -n)'),
      )
    return urlOf(address, bound)
  }

  /**
   * Node closes connections that are idle now, but keeps a connection with a reply in progress open for a next request
   * that will never be accepted. Without the repeated sweep, any keep-alive client could delay the exit indefinitely.
   */
  async function close(limitMs = Infinity): Promise<boolean> {
    const endsAt = performance.now() + limitMs
    let isInTime = true
    const sweep = setInterval(() => {
      server.closeIdleConnections()
      closeUnused()
      if (performance.now() < endsAt) return
      isInTime = false
      server.closeAllConnections()
    }, 50)
    try {
      await Promise.all(listeners.map(stopListening))
    } finally {
      clearInterval(sweep)
    }
    await current?.close()
    return isInTime
  }

  return { server, listen, serve, close }
}

const maxHeaderBytes = 16 * 1024

function limitedServer({ headersMs, wholeMs, keepAliveMs, idleMs, maxConnections }: ReceivingLimits): Server {
  const server = createServer({
    // Node would reject a request without a Host header with an empty reply; malformed.ts gives a reason.
    requireHostHeader: false,
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersMs,
    // How often Node checks these timeouts; its default is 30 s.
    connectionsCheckingInterval: Math.min(5000, Math.ceil(headersMs / 4)),
  })
  server.requestTimeout = wholeMs
  server.keepAliveTimeout = keepAliveMs
  server.maxConnections = maxConnections
  // A worker would hand a connection beyond its limit to the next worker, and full ones would pass it on for ever.
  Object.assign(server, { dropMaxConnection: true })
  server.setTimeout(idleMs)
  server.on('clientError', answerMalformed)
  // RFC 9110 lets a server ignore unknown expectations; Node would reject them with an empty reply.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  return server
}

/**
 * Connections that may wait to be accepted (Linux allows at most `net.core.somaxconn`). With Node's default of 511, a
 * burst of new connections during a busy moment loses some, and their clients retry after 1, 3, 7 and 15 s.
 */
const backlog = 4096

async function startListening(server: TcpServer, host: string, port: number): Promise<void> {
  server.listen({ host, port, backlog })
  await once(server, 'listening')
}

/**
 * `localhost` is an IPv4 and an IPv6 address on most machines, and `server` listens on one of them. Listens on the
 * others if the machine has them, yields each at once, and passes their connections to `server`. Throws if another program has the
 * port there: clients that try that address first would send it their questions and keys.
 */
async function* listenOnOthers(server: Server, address: string, port: number): AsyncGenerator<TcpServer> {
  const others = (await lookup('localhost', { all: true })).filter(other => other.address !== address)
  for (const other of others) {
    const listener = createTcpServer({ allowHalfOpen: true, noDelay: true }, socket =>
      server.emit('connection', socket),
    )
    listener.maxConnections = server.maxConnections
    try {
      await startListening(listener, other.address, port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error
      continue
    }
    yield listener
  }
}

function urlOf(address: string, port: number): string {
  if (address === '0.0.0.0') return `http://127.0.0.1:${port}`
  return address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`
}

/** Resolves at once if the server does not listen. */
function stopListening(server: TcpServer): Promise<void> {
  return new Promise(resolve => void server.close(() => resolve()))
}
