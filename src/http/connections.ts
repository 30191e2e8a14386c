import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** `silent`: never answered, and no head of a request has come whole; `receiving`: a body is on its way; `idle`: between two requests. */
export type ConnectionState = 'silent' | 'receiving' | 'answering' | 'idle'

/** Node keeps the running response here. */
type Busy = Socket & { readonly _httpMessage?: { readonly req: IncomingMessage } | null }

/** Looked at only when somebody asks: requests pay nothing for it. */
export function watchConnections(app: FastifyInstance): () => Record<ConnectionState, number> {
  const sockets = new Set<Busy>()
  app.server.on('connection', (socket: Busy) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    const counts = { silent: 0, receiving: 0, answering: 0, idle: 0 }
    for (const socket of sockets) counts[stateOf(socket)]++
    return counts
  }
}

function stateOf({ _httpMessage: message, bytesWritten }: Busy): ConnectionState {
  if (message) return message.req.complete ? 'answering' : 'receiving'
  return bytesWritten === 0 ? 'silent' : 'idle'
}
