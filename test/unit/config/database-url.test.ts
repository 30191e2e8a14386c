import t from 'tap'
import { readDatabaseUrl } from '../../../src/config/database-url.ts'

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
    t.equal(readDatabaseUrl(unclear), undefined, unclear)
})

t.test('one host, a socket, or none', async t => {
  t.same(serversOf('postgresql://h/db'), ['h 5432'])
  t.same(serversOf('postgres://user@%2Frun%2Fpg:6000/db'), ['/run/pg/.s.PGSQL.6000'])
  t.same(serversOf('postgres:///db?host=/run/pg'), ['/run/pg/.s.PGSQL.5432'])
  t.same(serversOf('postgres:///db'), [], 'what PGHOST says')
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
  t.equal(readDatabaseUrl('postgres://u:50%off@h/db'), undefined, 'a percent sign that escapes nothing')
})

t.test('what is for the client is not told to the server', async t => {
  const address = readDatabaseUrl(
    'postgres://h/db?sslmode=require&channel_binding=require&connect_timeout=10&application_name=chat&target_session_attrs=read-write',
  )
  t.same(address?.parameters, { application_name: 'chat' })
  t.match(address, { tls: { mode: 'require' }, wanted: 'read-write' })
  t.match(readDatabaseUrl('postgres://h/db?sslrootcert=system'), { tls: { mode: 'verify-full', rootCert: undefined } })
  t.match(readDatabaseUrl('postgres://h/db?sslmode=verify-ca&sslrootcert=/ca.pem'), {
    tls: { mode: 'verify-ca', rootCert: '/ca.pem' },
  })
})

t.test('what is none', async t => {
  for (const text of [
    'postgres://h/db?sslmode=verfy-full',
    'postgres://h/db?target_session_attrs=writer',
    'postgres://h:0/db',
    'postgres://h:65536/db',
    'postgres://h:x/db',
    'mysql://h/db',
    'jdbc:postgresql://h/db',
    'postgresql+asyncpg://h/db',
    'h/db',
    '',
    'postgres://u@h/db with blanks',
  ])
    t.equal(readDatabaseUrl(text), undefined, text)
})
