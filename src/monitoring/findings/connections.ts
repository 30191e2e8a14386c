import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionFacts } from './facts.ts'

/** So long nobody needs for his first byte, or for the rest of a question; large uploads aside. */
const patienceMs = 2000

interface Seen {
  readonly openedAt: number
  /** When it was first seen in the middle of a request. */
  receivingSince: number | null
}

/** Node keeps the running response here, and there its request. */
type Serving = Socket & { readonly _httpMessage?: { readonly req: IncomingMessage } | null }

/**
 * Who is connected and holds a place without asking. Nothing is done for a request: `sample`, once a second or so, looks at
 * all sockets (.1 µs each).
 */
export function watchConnections(server: Server, now: () => number = () => performance.now()) {
  const seen = new Map<Socket, Seen>()
  let facts = { open: 0, silent: 0, trickling: 0 }

  server.on('connection', (socket: Socket) => {
    seen.set(socket, { openedAt: now(), receivingSince: null })
    socket.once('close', () => seen.delete(socket))
  })

  function sample(): void {
    const oldest = now() - patienceMs
    let [silent, trickling] = [0, 0]
    for (const [socket, each] of seen) {
      each.receivingSince = isReceiving(socket) ? (each.receivingSince ?? now()) : null
      if (socket.bytesRead === 0 && each.openedAt <= oldest) silent++
      else if (each.receivingSince !== null && each.receivingSince <= oldest) trickling++
    }
    facts = { open: seen.size, silent, trickling }
  }

  return {
    sample,
    facts: (): ConnectionFacts => ({ ...facts, open: seen.size, max: server.maxConnections ?? Infinity }),
  }
}

export type Connections = ReturnType<typeof watchConnections>

/** A request has begun, and its end has not come. (Of one whose head is not whole yet, Node tells nothing.) */
function isReceiving(socket: Serving): boolean {
  return socket._httpMessage?.req.complete === false
}
