import { partsOfPairs } from './database-url/pairs.ts'
import {
  isGiven,
  keepAliveOf,
  loginOf,
  parametersOf,
  secondsOf,
  unusedOf,
  wantedOf,
} from './database-url/parameters.ts'
import { rejectScheme } from './database-url/schemes.ts'
import { serversOf } from './database-url/servers.ts'
import { UrlFault, type DatabaseAddress, type Parts } from './database-url/terms.ts'
import { tlsOf } from './database-url/tls.ts'

export type {
  ChannelBinding,
  DatabaseAddress,
  LoginMethod,
  LoginWish,
  ServerAddress,
  SslMode,
  TlsWish,
  WantedServer,
} from './database-url/terms.ts'

const shape =
  /^postgres(?:ql)?:\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^@/?#]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/i

/**
 * Parses DATABASE_URL, in either form of libpq:
 * - `postgres://[user[:password]@][host[:port],…][/database][?name=value&…]`
 * - `host=… port=… user=… password=… dbname=…`
 *
 * Several hosts have a port each, or one port for all. A host that begins with `/` (written `%2F`) is the directory of a
 * Unix socket. Percent escapes work as in any URL. `new URL` would reject several hosts with ports. Undefined when the text
 * is not valid; {@link databaseUrlFault} says why.
 */
export function readDatabaseUrl(text: string): DatabaseAddress | undefined {
  const result = parsed(text)
  return typeof result === 'string' ? undefined : result
}

/** What is wrong with the text, as a clause after "it"; null if it is valid. */
export function databaseUrlFault(text: string): string | null {
  const result = parsed(text)
  return typeof result === 'string' ? result : null
}

/** The address, or what is wrong with the text. */
function parsed(text: string): DatabaseAddress | string {
  try {
    return addressOf(text)
  } catch (error) {
    if (error instanceof UrlFault) return error.message
    throw error
  }
}

function addressOf(text: string): DatabaseAddress {
  const { hosts, parameters } = partsOf(text)
  return {
    servers: serversOf(hosts, parameters),
    tls: tlsOf(parameters),
    login: loginOf(parameters),
    wanted: wantedOf(parameters),
    ...secondsOf(parameters),
    keepAliveMs: keepAliveOf(parameters),
    ...optional('user', parameters.get('user')),
    ...optional('password', parameters.get('password')),
    ...optional('database', parameters.get('dbname')),
    parameters: parametersOf(parameters),
    unused: unusedOf(parameters),
  }
}

function partsOf(text: string): Parts {
  if (/^\w+\s*=/.test(text)) return partsOfPairs(text)
  rejectScheme(text)
  if (/\s/.test(text)) throw new UrlFault('contains a blank; write only the URL, and %20 for a blank in a name')
  const parts = shape.exec(text)?.groups
  if (parts === undefined)
    throw new UrlFault(
      text.includes('#')
        ? 'contains a #; escape it in the password (%23)'
        : 'must be postgres://USER:PASSWORD@HOST:PORT/DATABASE',
    )
  const { login = '', hosts = '', database = '', query = '' } = parts
  if (database.includes('@') || database.includes('/'))
    throw new UrlFault(
      'contains an unescaped @ or / after the host; escape the special characters of the password: / is %2F, ? is %3F, # is %23, @ is %40',
    )
  const [user = '', ...password] = login.split(':')
  const beforeQuery = {
    user: decoded(user, 'the user'),
    password: decoded(password.join(':'), 'the password'),
    dbname: decoded(database, 'the name of the database'),
  }
  const given = Object.entries(beforeQuery).filter(([, value]) => value !== '')
  return { hosts, parameters: new Map([...given, ...queryParameters(query)]) }
}

/** Parses a query string as in any URL, except that `+` is a plus sign. Empty values count as absent. */
function queryParameters(query: string): [string, string][] {
  return query
    .split('&')
    .filter(Boolean)
    .map((pair): [string, string] => {
      const [name = '', ...value] = pair.split('=')
      if (!/^[a-z_][\w.]*$/i.test(name))
        throw new UrlFault(
          'has a parameter after the ? whose name is not valid; if the ? belongs to the password, write %3F',
        )
      if (value.length === 0) throw new UrlFault(`has the parameter ${name} without a value; write ${name}=VALUE`)
      return [name, decoded(value.join('='), `the parameter ${name}`)]
    })
    .filter(([name, value]) => isGiven(name, value))
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UrlFault(`has a % in ${what} that escapes nothing; write %25 for a percent sign`)
  }
}

function optional<Name extends string>(name: Name, value: string | undefined): { readonly [Each in Name]?: string } {
  return value ? ({ [name]: value } as { readonly [Each in Name]?: string }) : {}
}
