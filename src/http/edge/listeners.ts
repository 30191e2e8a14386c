import cluster from 'node:cluster'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer, type AddressInfo, type ListenOptions, type Server as Listener } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/**
 * Connections that may wait to be accepted (Linux allows at most `net.core.somaxconn`). With Node's default of 511, a
 * burst of new connections during a busy moment loses some, and their clients retry after 1, 3, 7 and 15 s.
 */
const backlog = 4096

/**
 * Listeners of one address. libuv accepts one connection of a listener in each turn of the event loop, and under load a
 * turn takes tens of milliseconds. With one listener, new connections wait in the system's queue for seconds, where
 * their deadlines cannot be seen. The system spreads connections over listeners that share a port (SO_REUSEPORT).
 */
const listenersOfAddress = 8

/**
 * Makes `server` listen, and further listeners that pass their connections to it. Yields each at once, `server` first.
 * `localhost` is an IPv4 and an IPv6 address on most machines: it listens on all that the machine has.
 *
 * Throws `EADDRINUSE` if another program has the port at one of the addresses: clients that try that address first would
 * send it their questions and keys.
 */
export async function* startListeners(server: Server, { host, port }: ListenAddress): AsyncGenerator<Listener> {
  yield* listenAt(server, server, { host, port })
  if (host !== 'localhost') return
  const { address, port: bound } = server.address() as AddressInfo
  const others = (await lookup('localhost', { all: true })).filter(other => other.address !== address)
  for (const other of others) {
    try {
      yield* listenAt(forwardTo(server), server, { host: other.address, port: bound })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error
    }
  }
}

async function* listenAt(
  first: Listener,
  server: Server,
  { host, port }: ListenAddress,
): AsyncGenerator<Listener, void> {
  const turn = await turnFor(port)
  let reusePort = false
  try {
    reusePort = await canShare({ host, port })
    await start(first, { host, port, reusePort })
  } finally {
    turn?.close()
  }
  yield first
  if (!reusePort) return
  const { address, port: bound } = first.address() as AddressInfo
  for (let count = 1; count < listenersOfAddress; count++) {
    const listener = forwardTo(server)
    await start(listener, { host: address, port: bound, reusePort })
    yield listener
  }
}

function forwardTo(server: Server): Listener {
  return createServer({ allowHalfOpen: true, noDelay: true }, socket => server.emit('connection', socket))
}

/**
 * Whether listeners can share this address, which some systems do not support. Throws `EADDRINUSE` if a program has it
 * already: one that shares its port, such as another Askwell, would go unnoticed. A worker process gets its connections
 * from the primary, whose event loop is never busy.
 */
async function canShare({ host, port }: ListenAddress): Promise<boolean> {
  if (cluster.isWorker) return false
  for (const reusePort of [false, true]) {
    const probe = createServer()
    try {
      await start(probe, { host, port, reusePort })
    } catch (error) {
      if (!reusePort) throw error
      return false
    } finally {
      await new Promise(resolve => void probe.close(resolve))
    }
  }
  return true
}

const turnTries = 100
const turnPauseMs = 10

/**
 * Two services that start at the same instant would both find the port free, and share it. So they take turns from there
 * until they listen: who has the turn has a socket without a file, which Linux frees when the process ends. Undefined
 * where there are no such sockets, and if a turn never comes.
 */
async function turnFor(port: number): Promise<Listener | undefined> {
  if (process.platform !== 'linux' || cluster.isWorker || port === 0) return undefined
  for (let tries = 0; tries < turnTries; tries++) {
    const turn = createServer(socket => socket.destroy())
    try {
      await start(turn, { path: `\0askwell-port-${port}` })
      return turn
    } catch {
      await sleep(turnPauseMs)
    }
  }
  return undefined
}

async function start(listener: Listener, options: ListenOptions): Promise<void> {
  listener.listen({ ...options, backlog })
  await once(listener, 'listening')
}
