import { isIP } from 'node:net'
import { createSecureContext, type ConnectionOptions } from 'node:tls'
import type { ServerAddress, TlsWish } from '../../config/database-url.ts'
import { readRegular } from '../../config/text-file.ts'
import { AskError } from '../../errors.ts'

export function tlsOptions({ host }: ServerAddress, wish: TlsWish): ConnectionOptions {
  const { mode, rootCert, isDirect, hasServerName } = wish
  // As in libpq, a root certificate makes any mode that uses TLS check the certificate, though not its name.
  const isVerified = mode === 'verify-ca' || mode === 'verify-full' || (rootCert !== undefined && mode !== 'no-verify')
  return {
    rejectUnauthorized: isVerified,
    // The name that the certificate must match. Without it, Node would expect `localhost` if the server has an address
    // and no name.
    host,
    ...(hasServerName && isIP(host) === 0 && { servername: host }),
    ...(isDirect && { ALPNProtocols: ['postgresql'] }),
    ...(isVerified && mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...contextOf(wish),
  }
}

function contextOf({ rootCert, revoked, cert, key, keyPassword, minVersion, maxVersion }: TlsWish) {
  return {
    ...(rootCert !== undefined && { ca: readRegular(rootCert) }),
    ...(revoked !== undefined && { crl: readRegular(revoked) }),
    ...(cert !== undefined && { cert: readRegular(cert) }),
    ...(key !== undefined && { key: readRegular(key) }),
    ...(keyPassword !== undefined && { passphrase: keyPassword }),
    ...(minVersion && { minVersion }),
    ...(maxVersion && { maxVersion }),
  }
}

/** Throws `database_unavailable` if a file that DATABASE_URL names cannot be used, because waiting would not help. */
export function checkFiles(wish: TlsWish): void {
  const { mode, rootCert, revoked, cert, key } = wish
  if (mode === 'disable') return
  for (const [name, file] of Object.entries({ sslrootcert: rootCert, sslcrl: revoked, sslcert: cert, sslkey: key })) {
    try {
      if (file !== undefined) readRegular(file)
    } catch (cause) {
      throw unavailable(`${name} in DATABASE_URL names a file that cannot be read (${codeOf(cause)})`, cause)
    }
  }
  try {
    createSecureContext(contextOf(wish))
  } catch (cause) {
    const names = 'sslrootcert, sslcert, sslkey, sslpassword and the TLS versions'
    throw unavailable(`the TLS parameters in DATABASE_URL do not fit together; check ${names}`, cause)
  }
}

/** Node's codes of a certificate that it does not accept. */
const untrusted = /CERT|^UNABLE_TO|^CRL_|^INVALID_CA$|^PATH_LENGTH_EXCEEDED$|^HOSTNAME_MISMATCH$/

/** Translates what went wrong in the handshake; network errors stay as they are. */
export function explained(error: unknown, { mode }: TlsWish): unknown {
  const code = codeOf(error)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return unavailable(
      `the certificate of the Postgres server is for another host, and sslmode is ${mode}: write the host as in the certificate, or use sslmode=verify-ca`,
      error,
    )
  if (untrusted.test(code))
    return unavailable(
      `the certificate of the Postgres server is not accepted (${code}), and sslmode is ${mode}: name the file with the provider's CA with sslrootcert=FILE in DATABASE_URL`,
      error,
    )
  return code.startsWith('ERR_SSL_')
    ? unavailable(
        `the Postgres server rejected the TLS handshake (${code}): check sslmode, sslcert and sslkey in DATABASE_URL`,
        error,
      )
    : error
}

export function serverWithoutTls({ host, port }: ServerAddress, { mode }: TlsWish): AskError {
  return unavailable(
    `the Postgres server at ${host}:${port} does not speak TLS, and sslmode is ${mode}: turn on TLS there, or use sslmode=prefer`,
  )
}

function unavailable(detail: string, cause?: unknown): AskError {
  return new AskError('database_unavailable', { detail, ...(cause !== undefined && { cause }) })
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
