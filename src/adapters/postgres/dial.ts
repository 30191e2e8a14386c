import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { ServerAddress, TlsWish } from '../../config/database-url.ts'

/** The SSLRequest message: its length, and the request code. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const keepAliveMs = 15_000

/**
 * Opens a socket to the server, encrypted if the URL says so. Rejects with the network error, `SERVER_WITHOUT_TLS`, the
 * certificate error or the signal's reason. TLS is set up here rather than by the driver, because we end the raw socket
 * underneath it.
 */
export async function dial(server: ServerAddress, tls: TlsWish, signal: AbortSignal): Promise<Socket> {
  const raw = server.path === null ? connect({ host: server.host, port: server.port }) : connect(server.path)
  try {
    await waitFor(raw, 'connect', signal)
    raw.setNoDelay(true).setKeepAlive(true, keepAliveMs)
    // Like libpq, do not encrypt connections that do not leave the machine.
    return server.path !== null || tls.mode === 'disable' ? raw : await encrypted(raw, server, tls, signal)
  } catch (error) {
    raw.destroy()
    throw error
  }
}

async function encrypted(raw: Socket, server: ServerAddress, tls: TlsWish, signal: AbortSignal): Promise<Socket> {
  if (!tls.isDirect && !(await speaksTls(raw, signal))) {
    if (tls.mode === 'prefer' || tls.mode === 'allow') return raw
    throw Object.assign(
      new Error(`the server at ${server.host}:${server.port} does not speak TLS, and sslmode is ${tls.mode}`),
      { code: 'SERVER_WITHOUT_TLS' },
    )
  }
  const socket = connectTls({ ...tlsOptions(server, tls), socket: raw })
  try {
    await waitFor(socket, 'secureConnect', signal)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
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

function tlsOptions({ host }: ServerAddress, { mode, rootCert, cert, key, isDirect }: TlsWish): ConnectionOptions {
  const isVerified = mode === 'verify-ca' || mode === 'verify-full' || rootCert !== undefined
  return {
    rejectUnauthorized: isVerified,
    // The name that the certificate must match. Without it, Node would expect `localhost` if the server has an address
    // and no name.
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(isDirect && { ALPNProtocols: ['postgresql'] }),
    // `require` with a root certificate is libpq's older form of verify-ca: the name is not checked.
    ...(isVerified && mode === 'require' && { checkServerIdentity: () => undefined }),
    ...(rootCert !== undefined && { ca: readFileSync(rootCert) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
  }
}

const closedEarly = () =>
  Object.assign(new Error('the server closed the connection before it was ready'), { code: 'ECONNRESET' })

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
