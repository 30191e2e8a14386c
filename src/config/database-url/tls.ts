import { demandOneOf, flag, type Given } from './parameters.ts'
import { sslModes, tlsVersions, UrlFault, type SslMode, type TlsWish } from './terms.ts'

export function tlsOf(given: Given): TlsWish {
  const [rootCert, cert, key] = ['sslrootcert', 'sslcert', 'sslkey'].map(name => given.get(name))
  if ((cert === undefined) !== (key === undefined))
    throw new UrlFault('has one of sslcert and sslkey; a client certificate needs both')
  const certMode = demandOneOf(given, 'sslcertmode', ['disable', 'allow'])
  const isSystem = rootCert === 'system'
  const minVersion = demandOneOf(given, 'ssl_min_protocol_version', tlsVersions)
  const maxVersion = demandOneOf(given, 'ssl_max_protocol_version', tlsVersions)
  return {
    mode: isSystem ? 'verify-full' : modeOf(given),
    isDirect: demandOneOf(given, 'sslnegotiation', ['postgres', 'direct']) === 'direct',
    hasServerName: flag(given, 'sslsni'),
    ...named('rootCert', isSystem ? undefined : rootCert),
    ...named('revoked', given.get('sslcrl')),
    ...(certMode !== 'disable' && { ...named('cert', cert), ...named('key', key) }),
    ...named('keyPassword', given.get('sslpassword')),
    ...(minVersion && { minVersion }),
    ...(maxVersion && { maxVersion }),
  }
}

/** Values of `ssl`, which other clients use instead of `sslmode`. */
const booleanModes: ReadonlyMap<string | undefined, SslMode> = new Map([
  ['false', 'disable'],
  ['0', 'disable'],
  ['true', 'verify-full'],
  ['1', 'verify-full'],
])

/** As in libpq, the default is `prefer`: many providers require TLS and do not write so into the URL. */
function modeOf(given: Given): SslMode {
  const ssl = given.get('ssl')
  const mode = demandOneOf(given, 'sslmode', sslModes) ?? booleanModes.get(ssl)
  const asked = mode ?? demandOneOf(given, 'ssl', sslModes) ?? 'prefer'
  // Prisma's name for checking the certificate or not.
  const accept = demandOneOf(given, 'sslaccept', ['strict', 'accept_invalid_certs'])
  return accept === 'strict' && asked !== 'disable' ? 'verify-full' : asked
}

function named<Name extends string>(name: Name, value: string | undefined): { readonly [Each in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Each in Name]?: string })
}
