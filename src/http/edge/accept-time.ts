import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Socket } from 'node:net'

const acceptedAt = Symbol('accepted at')

type Accepted = Socket & { [acceptedAt]?: number | undefined }

/** A connection that is silent for longer was opened ahead, as browsers do: its wait is not ours. */
const aheadMs = 200

/**
 * Stamps connections as they are accepted. Fastify's clock starts when the head of a request is read, and under load
 * that comes a turn of the event loop after its connection. What nobody in this process can see: how long a connection
 * stood in the system's queue, or a request in its socket, while the loop was busy with something else.
 */
export function registerAcceptTime(app: FastifyInstance): void {
  const sockets = new Set<Socket>()
  open.set(app.server, sockets)
  app.server.on('connection', (socket: Accepted) => {
    socket[acceptedAt] = performance.now()
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
}

const open = new WeakMap<object, Set<Socket>>()

/**
 * Connections that nothing came on yet, as browsers and pools open them ahead. Node takes them for busy with a request
 * that is about to come, and waits as long as one may take to arrive.
 */
export function closeUnused(app: FastifyInstance): void {
  for (const socket of open.get(app.server) ?? []) if (socket.bytesRead === 0) socket.destroy()
}

/** Milliseconds since the request's connection was accepted, if it is its first, else since its head was read. */
export function elapsedMs(request: FastifyRequest, reply: FastifyReply): number {
  const socket = request.raw.socket as Accepted
  const at = socket[acceptedAt]
  if (at === undefined) return reply.elapsedTime
  socket[acceptedAt] = undefined
  const sinceAccept = performance.now() - at
  return sinceAccept - reply.elapsedTime < aheadMs ? sinceAccept : reply.elapsedTime
}
