import {
  channelBindings,
  loginMethods,
  UrlFault,
  wantedServers,
  type DatabaseAddress,
  type LoginWish,
  type WantedServer,
} from './terms.ts'

/** What Askwell does with each parameter of DATABASE_URL: libpq's, and those that other clients and providers write. */

export type Given = ReadonlyMap<string, string>

/** Interpreted here. They are not settings of the server, which would reject a connection that sends them. */
const ownNames = new Set(
  (
    'host hostaddr port user password dbname target_session_attrs connect_timeout keepalives keepalives_idle ' +
    'ssl sslmode sslaccept sslnegotiation sslrootcert sslcrl sslcert sslkey sslpassword sslsni sslcertmode ' +
    'ssl_min_protocol_version ssl_max_protocol_version channel_binding require_auth gssencmode load_balance_hosts ' +
    'min_protocol_version fallback_application_name schema currentSchema client_encoding encoding'
  ).split(' '),
)

/**
 * Tuning of other clients, and limits that Askwell has its own settings for. Ignoring them weakens nothing that the
 * operator asked for.
 */
const unusedNames = new Set(
  (
    'keepalives_interval keepalives_count tcp_user_timeout sslcompression krbsrvname gsslib gssdelegation ' +
    'max_protocol_version sslkeylogfile ' +
    'statement_timeout lock_timeout transaction_timeout idle_in_transaction_session_timeout idle_session_timeout ' +
    // Prisma
    'pgbouncer connection_limit pool_timeout socket_timeout statement_cache_size single_use_connections ' +
    'max_connection_lifetime max_idle_connection_lifetime ' +
    // node-postgres, postgres.js, Supabase and Vercel
    'uselibpqcompat prepare max max_lifetime idle_timeout supa workaround ' +
    // asyncpg and SQLAlchemy, pgx and lib/pq, Rails, Django
    'prepared_statement_cache_size command_timeout async_fallback statement_cache_capacity description_cache_capacity ' +
    'statement_cache_mode default_query_exec_mode binary_parameters pool_max_conns pool_min_conns pool_max_conn_lifetime ' +
    'pool_max_conn_idle_time pool_health_check_period pool pool_size max_overflow prepared_statements ' +
    'checkout_timeout reaping_frequency conn_max_age'
  ).split(' '),
)

/** Not supported. To ignore them would connect elsewhere, or less safely, than the operator asked for. */
const refusedNames: Readonly<Record<string, string>> = {
  passfile: 'write the password in the URL, or set PGPASSWORD',
  service: 'write the host, user and database of the service',
  servicefile: 'write the host, user and database of the service',
  sslcrldir: 'use sslcrl=FILE',
  sslidentity: 'use sslcert and sslkey',
  requirepeer: 'remove it',
  requiressl: 'use sslmode=require',
  replication: 'Askwell needs an ordinary connection',
  scram_client_key: 'use the password',
  scram_server_key: 'use the password',
  oauth_issuer: 'use a password or a client certificate',
  oauth_client_id: 'use a password or a client certificate',
  oauth_client_secret: 'use a password or a client certificate',
  oauth_scope: 'use a password or a client certificate',
}

function refusalOf(name: string): string | undefined {
  return Object.hasOwn(refusedNames, name) ? refusedNames[name] : undefined
}

/** `SSLMODE` and `ssl_mode` are slips. The server would reject them only after an unencrypted login. */
const lettersOf = (name: string) => name.toLowerCase().replaceAll('_', '')
const ownByLetters: ReadonlyMap<string, string> = new Map([...ownNames].map(name => [lettersOf(name), name]))

/** All other parameters are settings of the server, which names any that it does not know. */
export function parametersOf(given: Given): Record<string, string> {
  for (const [name, value] of given) {
    if (value.includes('\0')) throw new UrlFault(`has a zero byte (%00) in ${name}; remove it`)
    const right = ownNames.has(name) ? undefined : ownByLetters.get(lettersOf(name))
    if (right !== undefined) throw new UrlFault(`has the parameter ${name}; write ${right}`)
    const reason = refusalOf(name)
    if (reason !== undefined) throw new UrlFault(`has the parameter ${name}, which is not supported; ${reason}`)
  }
  demandOneOf(given, 'gssencmode', ['disable', 'prefer'])
  demandOneOf(given, 'load_balance_hosts', ['disable'])
  demandOneOf(given, 'min_protocol_version', ['3.0'])
  for (const name of ['client_encoding', 'encoding'])
    if (given.has(name) && !/^(auto|utf-?8|unicode)$/i.test(given.get(name) as string))
      throw new UrlFault(`has ${name} with another value than UTF8, which Askwell needs; remove it`)
  const ours = [...given].filter(
    ([name]) => !ownNames.has(name) && !unusedNames.has(name) && refusalOf(name) === undefined,
  )
  const name = given.get('application_name') ?? given.get('fallback_application_name')
  const schema = given.get('schema') ?? given.get('currentSchema')
  return {
    ...Object.fromEntries(ours),
    ...(name !== undefined && { application_name: name }),
    ...(schema !== undefined && { search_path: schema.split(',').map(quotedName).join(', ') }),
  }
}

export function unusedOf(given: Given): string[] {
  return [...given.keys()].filter(name => unusedNames.has(name))
}

function quotedName(name: string): string {
  return `"${name.trim().replaceAll('"', '""')}"`
}

/** The choice, or undefined when the parameter is absent. Throws for another value. */
/** Parameters that protect the connection. An empty one is probably a variable that is not set. */
const neverEmpty: ReadonlySet<string> = new Set(['sslmode', 'channel_binding', 'require_auth'])

/** As in libpq, an empty value means the default. */
export function isGiven(name: string, value: string): boolean {
  if (value === '' && neverEmpty.has(name)) throw new UrlFault(`has ${name} with an empty value; set one, or remove it`)
  return value !== ''
}

export function demandOneOf<const Choice extends string>(
  given: Given,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = given.get(name)
  if (text === undefined) return undefined
  const found = choices.find(choice => choice === text)
  if (found === undefined) throw new UrlFault(`has ${name} with an unsupported value; use ${choices.join(', ')}`)
  return found
}

export function flag(given: Given, name: string): boolean {
  return demandOneOf(given, name, ['0', '1']) !== '0'
}

export function wantedOf(given: Given): WantedServer {
  return demandOneOf(given, 'target_session_attrs', wantedServers) ?? 'any'
}

/** libpq takes 0 for no limit; here it is the longest. */
const longestConnectSeconds = 60

export function secondsOf(given: Given): Pick<DatabaseAddress, 'connectSeconds'> {
  const seconds = wholeNumber(given, 'connect_timeout')
  if (seconds === undefined) return {}
  return {
    connectSeconds: seconds === 0 ? longestConnectSeconds : Math.min(Math.max(2, seconds), longestConnectSeconds),
  }
}

const defaultKeepAliveMs = 15_000

export function keepAliveOf(given: Given): number | null {
  if (!flag(given, 'keepalives')) return null
  const seconds = wholeNumber(given, 'keepalives_idle')
  return seconds ? seconds * 1000 : defaultKeepAliveMs
}

function wholeNumber(given: Given, name: string): number | undefined {
  const text = given.get(name)
  if (text === undefined) return undefined
  if (!/^\d{1,6}$/.test(text)) throw new UrlFault(`has ${name} with a value that is not a number of seconds`)
  return Number(text)
}

export function loginOf(given: Given): LoginWish {
  const channelBinding = demandOneOf(given, 'channel_binding', channelBindings) ?? 'prefer'
  const named = given.get('require_auth')?.split(',') ?? []
  const isNegated = named.some(name => name.startsWith('!'))
  const methods = named.map(name => {
    const method = loginMethods.find(each => each === name.replace(/^!/, ''))
    if (method === undefined && !(isNegated && /^!(gss|sspi|oauth)$/.test(name)))
      throw new UrlFault(`has require_auth with an unsupported method; use ${loginMethods.join(', ')}`)
    return method
  })
  if (isNegated && !named.every(name => name.startsWith('!')))
    throw new UrlFault('has require_auth with methods with and without "!"; use one or the other')
  if (named.length === 0) return { channelBinding, methods: loginMethods }
  return { channelBinding, methods: loginMethods.filter(each => methods.includes(each) !== isNegated) }
}
