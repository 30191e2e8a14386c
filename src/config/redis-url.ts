/** The parsed REDIS_URL. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  readonly isEncrypted: boolean
  /** Host names or addresses; exactly one for a single server. */
  readonly hosts: readonly RedisHost[]
  readonly username?: string
  readonly password?: string
  /** Database number; a Cluster has only 0. */
  readonly db: number
  /** Name of the master that the Sentinels watch; empty otherwise. */
  readonly master: string
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
  /** Files for TLS: certificates of the CA, our certificate and its key. */
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  /** Whether a certificate of the server is accepted without a check. */
  readonly isUnverified?: boolean
}

export interface RedisHost {
  readonly host: string
  readonly port: number
}

/**
 * Parses a REDIS_URL:
 * - `redis://[user:password@]host[:6379][/db]`
 * - `redis+sentinel://[user:password@]host[:26379],…/master[/db][?sentinel_password=…][&sentinel_username=…]`
 * - `redis+cluster://[user:password@]host[:6379],…`
 *
 * Use `rediss` instead of `redis` for TLS; `?ssl_ca_certs=FILE`, `ssl_certfile`, `ssl_keyfile` and `ssl_cert_reqs=none`
 * are as in redis-py. Undefined for any other URL; {@link redisUrlFault} says why. Percent-encoding works as in any URL.
 * `new URL` would reject several hosts, and ioredis treats whatever it does not understand as `localhost`.
 */
export function readRedisUrl(text: string): RedisTarget | undefined {
  const result = parsed(text)
  return typeof result === 'string' ? undefined : result
}

/** What is wrong with the text, as a clause after "it"; null if it is valid. It contains no value. */
export function redisUrlFault(text: string): string | null {
  const result = parsed(text)
  return typeof result === 'string' ? result : null
}

const forms =
  'redis://HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/MASTER or redis+cluster://HOST:PORT,HOST:PORT (rediss… for TLS)'
const invalid = `must be ${forms}`

class UrlFault extends Error {}

function parsed(text: string): RedisTarget | string {
  const parts = shape.exec(text)?.groups
  if (parts === undefined) return text.includes('#') ? 'contains a #; escape it in the password (%23)' : invalid
  try {
    return targetOf(parts) ?? invalid
  } catch (error) {
    if (error instanceof UrlFault) return error.message
    if (error instanceof URIError) return 'has a % that escapes nothing; write %25 for a percent sign'
    throw error
  }
}

const shape =
  /^redis(?<tls>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<login>[^\s/?#]*)@)?(?<hosts>[^\s@/?#]+)(?:\/(?<path>[^\s?#]*))?(?:\?(?<query>[^\s#]*))?$/

type Parts = Readonly<Record<string, string | undefined>>

function targetOf({
  tls,
  kind: named,
  login,
  hosts: list = '',
  path = '',
  query = '',
}: Parts): RedisTarget | undefined {
  const kind = named === 'sentinel' || named === 'cluster' ? named : 'single'
  const hosts = list.split(',').map(text => hostOf(text, kind === 'sentinel' ? 26_379 : 6379))
  const location = locationOf(kind, path)
  const options = optionsOf(kind, query)
  if (!hosts.every(host => host !== undefined) || (kind === 'single' && hosts.length > 1) || !location || !options)
    return undefined
  if (tls !== 's' && Object.keys(options).some(name => tlsNames.has(name)))
    throw new UrlFault('has a parameter for TLS, but begins with redis; write rediss')
  return { kind, isEncrypted: tls === 's', hosts, ...loginOf(login), ...location, ...options }
}

function hostOf(text: string, defaultPort: number): RedisHost | undefined {
  const found = /^(?:\[(?<six>[\da-f:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/i.exec(text)?.groups
  if (found === undefined) return undefined
  const port = found['port'] === undefined ? defaultPort : Number(found['port'])
  return port >= 1 && port <= 65_535 ? { host: found['six'] ?? found['name'] ?? '', port } : undefined
}

function locationOf(kind: RedisTarget['kind'], path: string): Pick<RedisTarget, 'master' | 'db'> | undefined {
  const found = { single: /^(?<db>\d{0,5})$/, cluster: /^0?$/, sentinel: /^(?<master>[^/]+)(?:\/(?<db>\d{0,5}))?$/ }[
    kind
  ].exec(path)
  return found
    ? { master: decodeURIComponent(found.groups?.['master'] ?? ''), db: Number(found.groups?.['db'] ?? 0) }
    : undefined
}

function loginOf(login = ''): Pick<RedisTarget, 'username' | 'password'> {
  const colon = login.indexOf(':')
  const [username, password] = (colon < 0 ? [login, ''] : [login.slice(0, colon), login.slice(colon + 1)]).map(
    decodeURIComponent,
  )
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) }
}

type Options = Pick<
  RedisTarget,
  'sentinelUsername' | 'sentinelPassword' | 'caFile' | 'certFile' | 'keyFile' | 'isUnverified'
>

/** The query parameters. An unknown name is rejected because it is more likely a typo than something to ignore. */
function optionsOf(kind: RedisTarget['kind'], query: string): Options {
  // Not URLSearchParams: it decodes a plus sign as a space, and base64 passwords contain plus signs.
  const pairs = query
    .split('&')
    .filter(pair => pair !== '')
    .map(pair => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1)] as const)
  return Object.fromEntries(pairs.map(([name, value]) => optionOf(kind, name, decodeURIComponent(value))))
}

function optionOf(kind: RedisTarget['kind'], name: string, value: string): readonly [string, string | boolean] {
  const field = optionNames[name as keyof typeof optionNames]
  if (field === undefined)
    throw new UrlFault(
      /^\w+$/.test(name)
        ? `has the parameter ${name}, which is not known; known are ${Object.keys(optionNames).join(', ')}`
        : 'has a parameter after the ? whose name is not valid; if the ? belongs to the password, write %3F',
    )
  if (name.startsWith('sentinel_') && kind !== 'sentinel')
    throw new UrlFault(`has the parameter ${name}, which is for redis+sentinel:// only`)
  if (field !== 'isUnverified') return [field, value]
  if (value !== 'none' && value !== 'required')
    throw new UrlFault('has ssl_cert_reqs with an unsupported value; use required or none')
  return [field, value === 'none']
}

const optionNames = {
  sentinel_username: 'sentinelUsername',
  sentinel_password: 'sentinelPassword',
  ssl_ca_certs: 'caFile',
  ssl_certfile: 'certFile',
  ssl_keyfile: 'keyFile',
  ssl_cert_reqs: 'isUnverified',
} as const

const tlsNames: ReadonlySet<string> = new Set(['caFile', 'certFile', 'keyFile', 'isUnverified'])
