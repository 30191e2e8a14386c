/** DATABASE_URL, parsed. */
export interface DatabaseAddress {
  /** In the order they are tried. Empty when the URL names no host: then PGHOST and PGPORT apply, or localhost. */
  readonly servers: readonly ServerAddress[]
  readonly user?: string
  readonly password?: string
  readonly database?: string
  readonly tls: TlsWish
  readonly wanted: WantedServer
  /** Session settings, sent to the server when a connection starts. */
  readonly parameters: Readonly<Record<string, string>>
}

export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** Path of the Unix socket; null for TCP. */
  readonly path: string | null
}

export const sslModes = ['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

export interface TlsWish {
  readonly mode: SslMode
  /** Certificate and key files. */
  readonly rootCert?: string
  readonly cert?: string
  readonly key?: string
  /** Starts TLS without first asking the server whether it supports it (Postgres 17). */
  readonly isDirect: boolean
}

/** libpq's `target_session_attrs`. */
export const wantedServers = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type WantedServer = (typeof wantedServers)[number]

const shape =
  /^postgres(?:ql)?:\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^@/?#]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/

/**
 * Parses `postgres://[user[:password]@][host[:port],…][/database][?name=value&…]`; undefined when the text is not such
 * a URL. Several hosts have a port each, or one port for all. A host that begins with `/` (written `%2F`) is the
 * directory of a Unix socket. Percent escapes work as in any URL. `new URL` would reject several hosts with ports.
 */
export function readDatabaseUrl(text: string): DatabaseAddress | undefined {
  const parts = /\s/.test(text) ? null : shape.exec(text)
  if (!parts?.groups) return undefined
  try {
    return addressOf(parts.groups)
  } catch (error) {
    if (error instanceof URIError) return undefined // an invalid percent escape
    throw error
  }
}

function addressOf({
  login = '',
  hosts = '',
  database = '',
  query = '',
}: Readonly<Record<string, string | undefined>>): DatabaseAddress | undefined {
  const named = queryParameters(query)
  const servers = serversOf(hosts || (named.get('host') ?? ''), named.get('port'))
  const tls = tlsOf(named)
  const wanted = oneOf(wantedServers, named.get('target_session_attrs') ?? 'any')
  if (servers === undefined || tls === undefined || wanted === undefined) return undefined
  const [user = '', ...password] = login.split(':')
  return {
    servers,
    tls,
    wanted,
    ...optional('user', decodeURIComponent(user) || named.get('user')),
    ...optional('password', decodeURIComponent(password.join(':')) || named.get('password')),
    ...optional('database', decodeURIComponent(database) || named.get('dbname')),
    parameters: Object.fromEntries([...named].filter(([name]) => !clientParameters.has(name))),
  }
}

function optional<Name extends string>(name: Name, value: string | undefined): { readonly [Each in Name]?: string } {
  return value ? ({ [name]: value } as { readonly [Each in Name]?: string }) : {}
}

/** Parses a query string as in any URL, except that `+` is a plus sign. */
function queryParameters(query: string): Map<string, string> {
  const pairs = query
    .split('&')
    .filter(Boolean)
    .map(pair => {
      const [name = '', ...value] = pair.split('=')
      return [decodeURIComponent(name), decodeURIComponent(value.join('='))] as const
    })
  return new Map(pairs)
}

/**
 * Parameters that libpq or another client interprets itself; a server would reject a connection that sends them as
 * session settings. Channel binding and the other GSS options are not supported here.
 */
const clientParameters = new Set([
  'host',
  'hostaddr',
  'port',
  'user',
  'password',
  'dbname',
  'passfile',
  'service',
  'target_session_attrs',
  'load_balance_hosts',
  'ssl',
  'sslmode',
  'sslnegotiation',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslsni',
  'sslcompression',
  'sslcrl',
  'channel_binding',
  'require_auth',
  'gssencmode',
  'krbsrvname',
  'connect_timeout',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'max_lifetime',
  'idle_timeout',
  'max',
])

const defaultPort = 5432

function serversOf(list: string, portList: string | undefined): ServerAddress[] | undefined {
  if (list === '') return portList === undefined ? [] : serversOf('localhost', portList)
  const hosts = list.split(',').map(hostOf)
  if (!hosts.every(host => host !== undefined)) return undefined
  const ports = portsOf(
    hosts.map(({ port }) => port),
    portList?.split(','),
  )
  if (ports === undefined || !ports.every(isPort)) return undefined
  return hosts.map(({ host }, at) => {
    const port = ports[at] as number
    return { host, port, path: host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : null }
  })
}

function hostOf(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const found = /^(?:\[(?<six>[\da-f:.%]+)\]|(?<name>[^:[\]]+))(?::(?<port>\d{1,5}))?$/i.exec(text)?.groups
  if (found === undefined) return undefined
  return {
    host: found['six'] ?? decodeURIComponent(found['name'] ?? ''),
    port: found['port'] === undefined ? undefined : Number(found['port']),
  }
}

/** A port per host, or one for all: after the last host, or as `port`. Undefined when only some hosts have a port. */
function portsOf(own: readonly (number | undefined)[], named: readonly string[] | undefined): number[] | undefined {
  if (named)
    return named.length === 1 || named.length === own.length
      ? own.map((port, at) => port ?? Number(named[at] ?? named[0]))
      : undefined
  const last = own.at(-1)
  const isForAll = own.slice(0, -1).every(port => port === undefined)
  if (isForAll) return own.map(() => last ?? defaultPort)
  return own.every(port => port !== undefined) ? [...own] : undefined
}

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535

function tlsOf(named: ReadonlyMap<string, string>): TlsWish | undefined {
  const rootCert = named.get('sslrootcert')
  const text =
    rootCert === 'system'
      ? 'verify-full'
      : (named.get('sslmode') ?? booleanModes[named.get('ssl') ?? 'false'] ?? named.get('ssl') ?? '')
  const mode = oneOf(sslModes, text === 'false' ? 'disable' : text)
  if (mode === undefined) return undefined
  return {
    mode,
    isDirect: named.get('sslnegotiation') === 'direct',
    ...optional('rootCert', rootCert === 'system' ? undefined : rootCert),
    ...optional('cert', named.get('sslcert')),
    ...optional('key', named.get('sslkey')),
  }
}

/** Values of the `ssl` parameter that other clients use. */
const booleanModes: Readonly<Record<string, SslMode>> = {
  false: 'disable',
  '0': 'disable',
  true: 'verify-full',
  '1': 'verify-full',
}

function oneOf<const Choice extends string>(choices: readonly Choice[], text: string): Choice | undefined {
  return choices.find(choice => choice === text)
}
