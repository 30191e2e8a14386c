import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

const acceptedAt = Symbol('accepted at')

type Accepted = Socket & { [acceptedAt]?: number | undefined }

/** A connection that is idle for longer was opened in advance, as browsers do; that wait is not ours. */
const preconnectMs = 200

/**
 * Records when each connection was accepted. Fastify's clock starts when the header of a request is read; under load
 * that is one turn of the event loop after the connection was accepted. The process cannot see how long a connection
 * waited in the kernel's queue, or a request in its socket, while the event loop was busy.
 *
 * Returns a function that closes connections that have not received any data yet; browsers and pools open them in
 * advance. Node treats such a connection as busy receiving a request, and waits until the timeout for receiving one.
 */
export function trackConnections(server: Server, max: number): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Accepted) => {
    // Node counts the connections of each listener by itself, and the port has several.
    if (sockets.size >= max) return void socket.destroy()
    socket[acceptedAt] = performance.now()
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

/** Milliseconds since the connection was accepted if this is its first request, otherwise since the header was read. */
export function elapsedMs(request: FastifyRequest, reply: FastifyReply): number {
  const socket = request.raw.socket as Accepted
  const at = socket[acceptedAt]
  if (at === undefined) return reply.elapsedTime
  socket[acceptedAt] = undefined
  const sinceAccept = performance.now() - at
  return sinceAccept - reply.elapsedTime < preconnectMs ? sinceAccept : reply.elapsedTime
}
