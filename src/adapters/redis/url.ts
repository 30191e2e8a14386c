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
 * Use `rediss` instead of `redis` for TLS. Undefined for any other URL. Percent-encoding works as in any URL. `new URL`
 * would reject several hosts, and ioredis treats whatever it does not understand as `localhost`.
 */
export function readRedisUrl(text: string): RedisTarget | undefined {
  const parts = shape.exec(text)?.groups
  if (parts === undefined) return undefined
  try {
    return targetOf(parts)
  } catch (error) {
    if (error instanceof URIError) return undefined // an invalid percent-encoding
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

/** The query parameters. An unknown name is rejected because it is more likely a typo than something to ignore. */
function optionsOf(
  kind: RedisTarget['kind'],
  query: string,
): Pick<RedisTarget, 'sentinelUsername' | 'sentinelPassword'> | undefined {
  // Not URLSearchParams: it decodes a plus sign as a space, and base64 passwords contain plus signs.
  const pairs = query
    .split('&')
    .filter(pair => pair !== '')
    .map(pair => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1)] as const)
  if (pairs.some(([name]) => kind !== 'sentinel' || !(name in optionNames))) return undefined
  return Object.fromEntries(
    pairs.map(([name, value]) => [optionNames[name as keyof typeof optionNames], decodeURIComponent(value)]),
  )
}

const optionNames = { sentinel_username: 'sentinelUsername', sentinel_password: 'sentinelPassword' } as const
