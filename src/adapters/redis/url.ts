/** Where Redis is, as REDIS_URL says it. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  readonly isEncrypted: boolean
  /** Names or addresses; one of a single server. */
  readonly hosts: readonly RedisHost[]
  readonly username?: string
  readonly password?: string
  /** Number of the database; a Cluster has only 0. */
  readonly db: number
  /** What the Sentinels watch; empty elsewhere. */
  readonly master: string
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
}

export interface RedisHost {
  readonly host: string
  readonly port: number
}

/**
 * - `redis://[user:password@]host[:6379][/db]`
 * - `redis+sentinel://[user:password@]host[:26379],…/master[/db][?sentinel_password=…][&sentinel_username=…]`
 * - `redis+cluster://[user:password@]host[:6379],…`
 *
 * and the same with `rediss` for TLS. Undefined: not one of them. Percent signs escape, as in any URL. `new URL` would
 * refuse several hosts, and ioredis takes what it does not understand for `localhost`.
 */
export function readRedisUrl(text: string): RedisTarget | undefined {
  const parts = shape.exec(text)?.groups
  if (parts === undefined) return undefined
  try {
    return targetOf(parts)
  } catch (error) {
    if (error instanceof URIError) return undefined // a percent sign that escapes nothing
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
  const place = placeOf(kind, path)
  const extra = extraOf(kind, query)
  if (!hosts.every(host => host !== undefined) || (kind === 'single' && hosts.length > 1) || !place || !extra)
    return undefined
  return { kind, isEncrypted: tls === 's', hosts, ...loginOf(login), ...place, ...extra }
}

function hostOf(text: string, defaultPort: number): RedisHost | undefined {
  const found = /^(?:\[(?<six>[\da-f:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/i.exec(text)?.groups
  if (found === undefined) return undefined
  const port = found['port'] === undefined ? defaultPort : Number(found['port'])
  return port >= 1 && port <= 65_535 ? { host: found['six'] ?? found['name'] ?? '', port } : undefined
}

function placeOf(kind: RedisTarget['kind'], path: string): Pick<RedisTarget, 'master' | 'db'> | undefined {
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

/** What stands behind the question mark; an unknown name is more likely a slip than a wish to be ignored. */
function extraOf(
  kind: RedisTarget['kind'],
  query: string,
): Pick<RedisTarget, 'sentinelUsername' | 'sentinelPassword'> | undefined {
  // Not URLSearchParams: it reads a plus sign as a blank, and passwords made by base64 have some.
  const given = query
    .split('&')
    .filter(pair => pair !== '')
    .map(pair => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1)] as const)
  if (given.some(([name]) => kind !== 'sentinel' || !(name in extras))) return undefined
  return Object.fromEntries(
    given.map(([name, value]) => [extras[name as keyof typeof extras], decodeURIComponent(value)]),
  )
}

const extras = { sentinel_username: 'sentinelUsername', sentinel_password: 'sentinelPassword' } as const
