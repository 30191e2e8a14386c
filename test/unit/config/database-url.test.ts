import { readFileSync } from 'node:fs'
import t from 'tap'
import { databaseUrlFault, readDatabaseUrl } from '../../../src/config/database-url.ts'
import { password, providerUrls } from '../../fixtures/provider-urls.ts'

const serversOf = (text: string) =>
  readDatabaseUrl(text)?.servers.map(({ host, port, path }) => path ?? `${host} ${port}`)

t.test('several hosts: a port each, or one for all', async t => {
  t.same(serversOf('postgres://h1:1,h2:2/db'), ['h1 1', 'h2 2'])
  t.same(serversOf('postgres://h1,h2:5433/db'), ['h1 5433', 'h2 5433'], 'the last one is for all')
  t.same(serversOf('postgres://h1,h2/db'), ['h1 5432', 'h2 5432'])
  t.same(serversOf('postgres://h1,h2/db?port=7'), ['h1 7', 'h2 7'])
  t.same(serversOf('postgres:///db?host=h1,h2&port=1,2'), ['h1 1', 'h2 2'])
  t.same(serversOf('postgres://[::1]:1,[2001:db8::2]:2/db'), ['::1 1', '2001:db8::2 2'])
  for (const unclear of [
    'postgres://h1:1,h2/db',
    'postgres://h1:1,h2:2,h3/db',
    'postgres://h1,h2:2,h3/db',
    'postgres://h1,h2,h3/db?port=1,2',
  ])
    t.match(databaseUrlFault(unclear), /ports?/, unclear)
})

t.test('one host, a socket, or none', async t => {
  t.same(serversOf('postgresql://h/db'), ['h 5432'])
  t.same(serversOf('POSTGRES://h:1/db'), ['h 1'])
  t.same(serversOf('postgres://user@%2Frun%2Fpg:6000/db'), ['/run/pg/.s.PGSQL.6000'])
  t.same(serversOf('postgres:///db?host=/run/pg'), ['/run/pg/.s.PGSQL.5432'])
  t.same(serversOf('postgres://u:p@localhost/db?host=/run/pg'), ['/run/pg/.s.PGSQL.5432'], 'the parameter counts')
  t.same(serversOf('postgres:///db?host=@pg'), ['\0pg/.s.PGSQL.5432'], 'an abstract socket')
  t.same(serversOf('postgres:///db'), [], 'what PGHOST says')
  t.same(serversOf('postgres://:7/db'), ['localhost 7'])
  t.match(readDatabaseUrl('postgres://h/db?hostaddr=10.0.0.1')?.servers, [{ host: 'h', address: '10.0.0.1' }])
})

t.test('what is escaped', async t => {
  t.match(
    readDatabaseUrl('postgres://o%27p%40x:p%25s%2Fw%231%3F@h/b%C3%BCcher?options=-c%20search_path%3Daskwell,public'),
    {
      user: "o'p@x",
      password: 'p%s/w#1?',
      database: 'bücher',
      parameters: { options: '-c search_path=askwell,public' },
    },
  )
  t.match(readDatabaseUrl('postgres://u:a:b@h'), { user: 'u', password: 'a:b' })
  t.match(readDatabaseUrl('postgres://u:a@b@h'), { user: 'u', password: 'a@b' }, 'the last @ ends the login')
  t.match(readDatabaseUrl('postgres://u:@h/with%20blank'), { user: 'u', password: undefined, database: 'with blank' })
  t.match(readDatabaseUrl('postgres://h/?user=u&password=a%26b&dbname=d'), {
    user: 'u',
    password: 'a&b',
    database: 'd',
  })
})

t.test("libpq's other form", async t => {
  t.match(readDatabaseUrl(String.raw`host=h1,h2 port=1 user='o\'p' password='a b\\c;d' dbname = db sslmode=require`), {
    servers: [
      { host: 'h1', port: 1 },
      { host: 'h2', port: 1 },
    ],
    user: "o'p",
    password: String.raw`a b\c;d`,
    database: 'db',
    tls: { mode: 'require' },
  })
  t.match(databaseUrlFault("host=h password='a b"), /NAME=VALUE/)
})

t.test('parameters: interpreted, sent to the server, or without effect', async t => {
  const address = readDatabaseUrl(
    'postgres://h/db?sslmode=require&channel_binding=require&connect_timeout=10&application_name=chat&target_session_attrs=read-write&keepalives_idle=30&work_mem=64MB',
  )
  t.same(address?.parameters, { application_name: 'chat', work_mem: '64MB' })
  t.match(address, {
    tls: { mode: 'require' },
    wanted: 'read-write',
    login: { channelBinding: 'require' },
    connectSeconds: 10,
    keepAliveMs: 30_000,
  })
  t.match(readDatabaseUrl('postgres://h/db'), { tls: { mode: 'prefer' }, login: { channelBinding: 'prefer' } })
  t.match(readDatabaseUrl('postgres://h/db?sslrootcert=system'), { tls: { mode: 'verify-full', rootCert: undefined } })
  t.match(readDatabaseUrl('postgres://h/db?sslmode=verify-ca&sslrootcert=/ca.pem'), {
    tls: { mode: 'verify-ca', rootCert: '/ca.pem' },
  })
  t.match(readDatabaseUrl('postgres://h/db?ssl=true'), { tls: { mode: 'verify-full' } })
  t.match(readDatabaseUrl('postgres://h/db?sslaccept=strict'), { tls: { mode: 'verify-full' } })
  t.same(readDatabaseUrl('postgres://h/db?schema=my "x"'), undefined)
  t.same(readDatabaseUrl('postgres://h/db?schema=my%20%22x%22')?.parameters, { search_path: '"my ""x"""' })
  t.same(readDatabaseUrl('postgres://h/db?require_auth=!password,!md5')?.login.methods, ['none', 'scram-sha-256'])
  t.same(readDatabaseUrl('postgres://h/db?keepalives=0')?.keepAliveMs, null)
  const prisma = readDatabaseUrl(
    'postgres://h/db?pgbouncer=true&connection_limit=1&pool_timeout=0&statement_cache_size=0',
  )
  t.same(prisma?.parameters, {})
  t.same(prisma?.unused, ['pgbouncer', 'connection_limit', 'pool_timeout', 'statement_cache_size'])
})

/** Texts that are refused, and the word by which the operator finds the mistake. */
const refused: readonly (readonly [text: string, words: RegExp])[] = [
  ['postgres://u:SECRET@h/db?sslmode=verfy-full', /sslmode/],
  ['postgres://u:SECRET@h/db?sslcert=/c.pem', /sslcert and sslkey/],
  ['postgres://u:SECRET@h/db?ssl_min_protocol_version=SSLv3', /ssl_min_protocol_version/],
  ['postgres://u:SECRET@h/db?channel_binding=maybe', /channel_binding.*disable, prefer, require/],
  ['postgres://u:SECRET@h/db?require_auth=gss', /require_auth/],
  ['postgres://u:SECRET@h/db?gssencmode=require', /gssencmode/],
  ['postgres://u:SECRET@h/db?target_session_attrs=writer', /target_session_attrs/],
  ['postgres://u:SECRET@h/db?load_balance_hosts=random', /load_balance_hosts/],
  ['postgres://u:SECRET@h/db?passfile=/x', /passfile.*PGPASSWORD/],
  ['postgres://u:SECRET@h/db?service=x', /service/],
  ['postgres://u:SECRET@h/db?sslcrldir=x', /sslcrldir.*sslcrl/],
  ['postgres://u:SECRET@h/db?replication=database', /replication/],
  ['postgres://u:SECRET@h/db?client_encoding=latin1', /client_encoding.*UTF8/],
  ['postgres://u:SECRET@h/db?connect_timeout=soon', /connect_timeout/],
  ['postgres://u:SECRET@h/db?sslmode', /sslmode without a value/],
  ['postgres://u:SECRET@h/db?sslmode=', /sslmode with an empty value/],
  ['host=h password=SECRET channel_binding=', /channel_binding with an empty value/],
  ['postgres://u:SECRET@h/db?hostaddr=db.internal', /hostaddr.*IP address/],
  ['postgres://u:SECRET@h:0/db', /port/],
  ['postgres://u:SECRET@h:65536/db', /port/],
  ['postgres://u:SECRET@h:x/db', /port/],
  ['postgres://u:SECRET@::1/db', /\[::1\]/],
  ['postgres://u:SECRET%off@h/db', /% in the password.*%25/],
  ['postgres://u:SECRET#1@h/db', /#.*%23/],
  ['postgres://u:SECRET/1@h/db', /%2F/],
  ['postgres://u:12/SECRET@h/db', /%2F/],
  ['postgres://u:SECRET?1@h/db', /%3F/],
  ['postgres://u:12?SECRET!=1@h/db', /%3F/],
  ['postgres://u:SECRET@h/db with blanks', /blank.*%20/],
  ['"postgres://u:SECRET@h/db"', /quotation marks/],
  ["psql 'postgres://u:SECRET@h/db'", /psql command/],
  ['mysql://u:SECRET@h/db', /mysql:.*not Postgres/],
  ['jdbc:postgresql://h/db?password=SECRET', /JDBC/],
  ['postgresql+asyncpg://u:SECRET@h/db', /SQLAlchemy.*postgresql:\/\//],
  ['postgres+ssl://u:SECRET@h/db', /sslmode=require/],
  ['prisma://accelerate.example/?api_key=SECRET', /Accelerate/],
  ['cockroachdb://u:SECRET@h/db', /CockroachDB is not supported/],
  ['https://SECRET.supabase.co', /HTTP service/],
  ['Server=h;Database=db;User Id=u;Password=SECRET', /ADO.NET/],
  ['Host=h;Password=SECRET;', /ADO.NET|NAME=VALUE/],
  ['u:SECRET@h/db', /postgres:\/\//],
  ['h/db', /postgres:\/\//],
]

t.test('what is refused, by name and without the password', async t => {
  for (const [text, words] of refused) {
    const fault = databaseUrlFault(text)
    t.match(fault, words, text)
    t.notMatch(fault, /SECRET/, text)
    t.equal(readDatabaseUrl(text), undefined)
  }
})

t.test('the forms of providers are understood, and the documentation shows them', async t => {
  const page = readFileSync(new URL('../../../docs/operations/postgres-providers.md', import.meta.url), 'utf8')
  for (const { name, url, user, database } of providerUrls) {
    t.match(readDatabaseUrl(url), { user, password, database }, `${name}: ${databaseUrlFault(url)}`)
    const shown = url
      .replace('p%40ss%3A%2F%25', 'PASSWORD')
      .replace('sslrootcert=CA', 'sslrootcert=/etc/ssl/provider.pem')
    t.ok(page.includes(shown), `${name} in the documentation`)
  }
})

t.test('a slip that would weaken the login or have no effect is refused or named', async t => {
  for (const [query, fault] of [
    ['SSLMODE=verify-full', /parameter SSLMODE; write sslmode$/],
    ['ssl_mode=verify-full', /parameter ssl_mode; write sslmode$/],
    ['Channel_Binding=require', /write channel_binding$/],
    ['ssl=constructor', /ssl with an unsupported value/],
    ['user=a%00user%00b', /zero byte \(%00\) in user/],
    ['options=%00', /zero byte \(%00\) in options/],
  ] as const)
    t.match(databaseUrlFault(`postgres://h/d?${query}`), fault, query)
  t.match(databaseUrlFault('postgres://u:p%00@h/d'), /zero byte \(%00\) in password/)
  t.match(databaseUrlFault('postgres://h%00/d'), /zero byte \(%00\) in the host/)
  for (const name of ['constructor', 'toString', '__proto__'])
    t.same(
      readDatabaseUrl(`postgres://h/d?${name}=x`)?.parameters,
      JSON.parse(`{"${name}":"x"}`),
      'the server names it',
    )
  t.match(readDatabaseUrl('postgres://h/d?statement_timeout=5'), { unused: ['statement_timeout'], parameters: {} })
  t.match(readDatabaseUrl('postgres://h/d?TimeZone=UTC&search_path=x'), { parameters: { TimeZone: 'UTC' } })
})
