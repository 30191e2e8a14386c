import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { ServerAddress, TlsWish } from '../../config/database-url.ts'

/** What Postgres is asked before TLS: the length of the message, and a number that stands for the question. */
const question = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const keepAliveMs = 15_000

/**
 * A socket to the server that may be written to: connected, and encrypted where the URL says so. Rejects with what the
 * network said, with `SERVER_WITHOUT_TLS`, with what is wrong with a certificate, or with the signal's reason.
 * TLS is made here and not by the driver, which would be left with a socket whose other half we end under it.
 */
export async function dial(server: ServerAddress, tls: TlsWish, signal: AbortSignal): Promise<Socket> {
  const raw = server.path === null ? connect({ host: server.host, port: server.port }) : connect(server.path)
  try {
    await arrival(raw, 'connect', signal)
    raw.setNoDelay(true).setKeepAlive(true, keepAliveMs)
    // libpq does not encrypt what does not leave the machine.
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
    await arrival(socket, 'secureConnect', signal)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** One byte, `S` or `N`. More would have been put there by somebody in between, before the encryption (CVE-2021-23222). */
async function speaksTls(raw: Socket, signal: AbortSignal): Promise<boolean> {
  const reply = arrival(raw, 'data', signal)
  raw.write(question)
  const [bytes] = (await reply) as [Buffer]
  raw.pause()
  const [answer] = bytes
  if (bytes.length === 1 && (answer === 0x53 || answer === 0x4e)) return answer === 0x53
  throw Object.assign(new Error('the server answered to the question for TLS with something else: is it Postgres?'), {
    code: 'ECONNRESET',
  })
}

function tlsOptions({ host }: ServerAddress, { mode, rootCert, cert, key, isDirect }: TlsWish): ConnectionOptions {
  const isVerified = mode === 'verify-ca' || mode === 'verify-full' || rootCert !== undefined
  return {
    rejectUnauthorized: isVerified,
    // That the certificate must be for; without it, it would be `localhost` where the server has an address and no name.
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(isDirect && { ALPNProtocols: ['postgresql'] }),
    // `require` with a root certificate is libpq's older way to say verify-ca: the name does not count there.
    ...(isVerified && mode === 'require' && { checkServerIdentity: () => undefined }),
    ...(rootCert !== undefined && { ca: readFileSync(rootCert) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
  }
}

const closedEarly = () =>
  Object.assign(new Error('the server closed the connection before it was ready'), { code: 'ECONNRESET' })

/** Of the event; rejects by an error, a close or the signal before it. An error afterwards has listeners of its own. */
async function arrival(socket: Socket, event: string, signal: AbortSignal): Promise<unknown[]> {
  const over = new AbortController()
  const { promise: closed, reject } = Promise.withResolvers<never>()
  const onClose = () => reject(closedEarly())
  socket.once('close', onClose)
  try {
    return await Promise.race([once(socket, event, { signal: AbortSignal.any([signal, over.signal]) }), closed])
  } finally {
    socket.off('close', onClose)
    socket.on('error', () => {}) // between two owners nobody else listens
    over.abort()
  }
}
