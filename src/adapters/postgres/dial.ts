import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DatabaseAddress, ServerAddress, TlsWish } from '../../config/database-url.ts'
import { explained, serverWithoutTls, tlsOptions } from './tls.ts'

/** The SSLRequest message: its length, and the request code. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * Opens a socket to the server, encrypted if the URL says so. Rejects with the network error, a
 * `database_unavailable` that explains what is wrong with TLS, or the signal's reason. TLS is set up here rather than by the driver, because we end the raw socket
 * underneath it.
 */
export async function dial(
  server: ServerAddress,
  { tls, keepAliveMs }: Pick<DatabaseAddress, 'tls' | 'keepAliveMs'>,
  signal: AbortSignal,
): Promise<Socket> {
  const { host, address = host, port, path } = server
  const raw = path === null ? connect({ host: address, port }) : connect(path)
  try {
    await waitFor(raw, 'connect', signal)
    raw.setNoDelay(true)
    if (keepAliveMs !== null) raw.setKeepAlive(true, keepAliveMs)
    // Like libpq, do not encrypt connections that do not leave the machine.
    return path !== null || tls.mode === 'disable' ? raw : await encrypted(raw, server, tls, signal)
  } catch (error) {
    raw.destroy()
    throw error
  }
}

async function encrypted(raw: Socket, server: ServerAddress, tls: TlsWish, signal: AbortSignal): Promise<Socket> {
  if (!tls.isDirect && !(await speaksTls(raw, signal))) {
    if (tls.mode === 'prefer' || tls.mode === 'allow') return raw
    throw serverWithoutTls(server, tls)
  }
  const socket = connectTls({ ...tlsOptions(server, tls), socket: raw })
  try {
    await waitFor(socket, 'secureConnect', signal)
    return socket
  } catch (error) {
    socket.destroy()
    throw explained(error, tls)
  }
}

/** The reply is one byte, `S` or `N`. More bytes would have been injected before the encryption (CVE-2021-23222). */
async function speaksTls(raw: Socket, signal: AbortSignal): Promise<boolean> {
  const reply = waitFor(raw, 'data', signal)
  raw.write(sslRequest)
  const [bytes] = (await reply) as [Buffer]
  raw.pause()
  const [answer] = bytes
  if (bytes.length === 1 && (answer === 0x53 || answer === 0x4e)) return answer === 0x53
  throw Object.assign(
    new Error('the server sent an invalid reply to the TLS request; check that DATABASE_URL points at Postgres'),
    {
      code: 'ECONNRESET',
    },
  )
}

const closedEarly = () => Object.assign(new Error('the database closed the connection'), { code: 'ECONNRESET' })

/**
 * Resolves on the event; rejects if an error, a close or the signal comes first. Later errors are handled by other
 * listeners.
 */
async function waitFor(socket: Socket, event: string, signal: AbortSignal): Promise<unknown[]> {
  const over = new AbortController()
  const { promise: closed, reject } = Promise.withResolvers<never>()
  const onClose = () => reject(closedEarly())
  socket.once('close', onClose)
  try {
    return await Promise.race([once(socket, event, { signal: AbortSignal.any([signal, over.signal]) }), closed])
  } finally {
    socket.off('close', onClose)
    socket.on('error', () => {}) // no other listener between two owners
    over.abort()
  }
}
