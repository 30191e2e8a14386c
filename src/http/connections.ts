import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** `open`: all of them; `silent`: those of which no whole head of a request has come; `trickling`: those with a body on its way. */
export type ConnectionState = 'open' | 'silent' | 'trickling'

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
    const counts = { open: sockets.size, silent: 0, trickling: 0 }
    for (const { _httpMessage: message, bytesWritten } of sockets) {
      if (message ? !message.req.complete : bytesWritten === 0) counts[message ? 'trickling' : 'silent']++
    }
    return counts
  }
}
