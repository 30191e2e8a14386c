import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Server as TcpServer } from 'node:net'
import { trackConnections } from './edge/accept-time.ts'
import { startListeners, type ListenAddress } from './edge/listeners.ts'
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
  const closeUnused = trackConnections(server, limits.maxConnections)
  const listeners: TcpServer[] = []
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
    for await (const each of startListeners(server, { host, port })) listeners.push(each)
    const { address, port: bound } = server.address() as AddressInfo
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

function urlOf(address: string, port: number): string {
  if (address === '0.0.0.0') return `http://127.0.0.1:${port}`
  return address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`
}

/** Resolves at once if the server does not listen. */
function stopListening(server: TcpServer): Promise<void> {
  return new Promise(resolve => void server.close(() => resolve()))
}
