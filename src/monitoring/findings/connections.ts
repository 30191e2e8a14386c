import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionFacts } from './facts.ts'

/** No client needs longer to send its first byte or the rest of a question, except for large uploads. */
const graceMs = 2000

interface Tracked {
  readonly openedAt: number
  /** When a sample first found it in the middle of a request. */
  receivingSince: number | null
}

/** Node stores the current response here, which refers to its request. */
type Serving = Socket & { readonly _httpMessage?: { readonly req: IncomingMessage } | null }

/**
 * Finds clients that hold a connection without sending a request. Requests cost nothing: `sample`, called about once per
 * second, checks all sockets at 0.1 µs each.
 */
export function watchConnections(server: Server, now: () => number = () => performance.now()) {
  const tracked = new Map<Socket, Tracked>()
  let facts = { open: 0, silent: 0, trickling: 0 }

  server.on('connection', (socket: Socket) => {
    tracked.set(socket, { openedAt: now(), receivingSince: null })
    socket.once('close', () => tracked.delete(socket))
  })

  function sample(): void {
    const oldest = now() - graceMs
    let [silent, trickling] = [0, 0]
    for (const [socket, each] of tracked) {
      each.receivingSince = isReceiving(socket) ? (each.receivingSince ?? now()) : null
      if (socket.bytesRead === 0 && each.openedAt <= oldest) silent++
      else if (each.receivingSince !== null && each.receivingSince <= oldest) trickling++
    }
    facts = { open: tracked.size, silent, trickling }
  }

  return {
    sample,
    facts: (): ConnectionFacts => ({ ...facts, open: tracked.size, max: server.maxConnections ?? Infinity }),
  }
}

export type Connections = ReturnType<typeof watchConnections>

/** True in the middle of a request, after its headers. Node exposes nothing while the headers are incomplete. */
function isReceiving(socket: Serving): boolean {
  return socket._httpMessage?.req.complete === false
}
