import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import t from 'tap'
import { openDatabase, type Database } from '../../src/adapters/postgres/database.ts'
import { migrate } from '../../src/adapters/postgres/migrate.ts'
import { extensions } from '../../src/adapters/postgres/session.ts'
import { adminKey, replyOf, skipReason, startApp } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startModel } from '../support/model.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startPostgres } from '../support/postgres.ts'
import { startService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { password, providerUrls } from '../fixtures/provider-urls.ts'

/** Postgres as providers and administrators hand it out, on one server with TLS that asks for passwords. */

const signal = new AbortController().signal

async function opened<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 2,
    poolMaxOverflow: 0,
    poolMaxWaiting: 10,
    statementTimeoutMs: 12_000,
  })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

const rowOf = (url: string) =>
  opened(url, database =>
    database.lease({ signal, label: 'test' }, async sql => {
      const [row] = await sql`
        select current_user as role, current_database() as database, current_schema() as schema, current_setting('application_name') as name,
          (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as ssl`
      return { ...row }
    }),
  )

t.test('a server that asks for passwords', { skip: skipReason('postgres') }, async t => {
  const server = await startPostgres(t, { isEncrypted: true })
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
  t.teardown(() => admin.end())
  const files = await prepare(admin)
  const port = new URL(server.adminUrl).port
  const at = (login: string, tail = '') => `postgres://${login}@localhost:${port}/askwell${tail}`

  await t.test('channel binding is carried out, or refused by name', async t => {
    t.match(await rowOf(at('scram:geheim', '?sslmode=require&channel_binding=require')), { role: 'scram', ssl: true })
    t.match(await rowOf(at('scram:geheim', '?sslmode=disable')), { role: 'scram', ssl: false })
    t.match(await rowOf(at('old:geheim')), { role: 'old', ssl: true }, 'MD5')
    for (const [login, tail, words] of [
      ['scram:geheim', '?sslmode=disable&channel_binding=require', /channel_binding=require.*not encrypted/],
      ['old:geheim', '?channel_binding=require', /channel_binding=require.*md5/],
      ['postgres', '?channel_binding=require', /channel_binding=require.*no password/],
      ['postgres', '?require_auth=scram-sha-256', /no password.*require_auth/],
      ['old:geheim', '?require_auth=scram-sha-256', /method md5.*require_auth/],
      ['scram:WRONG', '', /rejected our credentials/],
    ] as const)
      await t.rejects(rowOf(at(login, tail)), { code: 'database_unavailable', detail: words, retryAfter: undefined })
  })

  await t.test('TLS: a client certificate, and files that are missing or do not fit', async t => {
    const client = `sslcert=${files.cert}&sslkey=${files.key}`
    t.match(await rowOf(at('certified', `?sslmode=verify-full&sslrootcert=${files.root}&${client}`)), {
      role: 'certified',
      ssl: true,
    })
    for (const [tail, words] of [
      ['?sslmode=verify-full', /certificate.*sslrootcert=FILE/],
      ['?sslmode=verify-full&sslrootcert=/nowhere.pem', /sslrootcert.*cannot be read \(ENOENT\)/],
      [`?sslcert=${files.cert}&sslkey=${files.root}`, /do not fit together/],
    ] as const)
      await t.rejects(rowOf(at('certified', tail)), {
        code: 'database_unavailable',
        detail: words,
        retryAfter: undefined,
      })
    const other = `postgres://scram:geheim@127.0.0.1:${port}/askwell?sslrootcert=${files.root}`
    await t.rejects(rowOf(`${other}&sslmode=verify-full`), { code: 'database_unavailable', detail: /for another host/ })
    const wrong = other.replace(files.root, files.cert)
    for (const mode of ['', '&sslmode=allow', '&sslmode=prefer', '&sslmode=require', '&sslmode=verify-ca']) {
      t.match(await rowOf(`${other}${mode}`), { ssl: true }, 'the name is not checked')
      const untrusted = { code: 'database_unavailable', detail: /certificate.*not accepted/ }
      await t.rejects(rowOf(`${wrong}${mode}`), untrusted, 'the certificate is')
    }
    t.match(await rowOf(`${wrong}&sslmode=no-verify`), { ssl: true })
  })

  await t.test('parameters of the session, and one that the server does not know', async t => {
    t.match(
      await rowOf(at('scram:geheim', '?schema=askwell&application_name=chat&pgbouncer=true&connection_limit=1')),
      {
        schema: 'askwell',
        name: 'chat',
      },
    )
    t.match(await rowOf(`host=${files.folder} port=${port} user=postgres dbname='with blank' application_name=x`), {
      database: 'with blank',
      ssl: false,
    })
    await t.rejects(rowOf(at('scram:geheim', '?foo=bar')), {
      detail: /rejected a parameter in DATABASE_URL/,
      cause: { message: /"foo"/ },
    })
  })

  await t.test('the form of each provider', async t => {
    for (const { name, url, user, database } of providerUrls) {
      await admin.unsafe(
        `do $$ begin create role "${user}" superuser login; exception when duplicate_object then null; end $$`,
      )
      await admin.unsafe(`alter role "${user}" password '${password}'`)
      await admin`create database ${admin(database)}`.catch(() => {})
      const isSocket = url.includes('/cloudsql/')
      const here = url
        .replace('sslrootcert=CA', `sslrootcert=${files.root}`)
        .replace('/cloudsql/project:region:instance', files.folder)
        .replace('sslmode=verify-full', 'sslmode=verify-ca') // the certificate is not for the provider's host
      const local = `${here}${here.includes('?') ? '&' : '?'}port=${port}${isSocket ? '' : '&hostaddr=127.0.0.1'}`
      t.match(await rowOf(local), { role: user, database, ssl: !isSocket }, name)
    }
    await admin.unsafe(`alter role postgres password null`)
  })

  await t.test('settings of the role do not change what the code relies on', async t => {
    await admin.unsafe('create role odd superuser login')
    for (const setting of oddSettings) await admin.unsafe(`alter role odd set ${setting}`)
    const app = await startApp(t, 'postgres', { DATABASE_URL: at('odd'), EMBEDDING_MODEL: 'local' })
    await loadHandbook(app)
    t.match(await app.ask({ question: 'How much does a place in the dormitory cost?' }), {
      status: 200,
      json: { answer: /12,000/ },
    })
    const current = await opened(at('odd'), database =>
      database.lease({ signal, label: 'test' }, async sql => {
        const [row] = await sql`
          select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement, current_setting('transaction_isolation') as isolation,
            current_setting('idle_session_timeout') as idle, current_setting('plan_cache_mode') as plans`
        return { ...row }
      }),
    )
    t.same(current, {
      lock: '0',
      statement: '12s',
      isolation: 'read committed',
      idle: '0',
      plans: 'force_generic_plan',
    })
    const upload = (n: number) => ({
      collection: 'default',
      documents: [{ source: `s${n}`, title: "It's a \\ title", text: `# Room ${n}\n\nRoom ${n} has a \\ window.` }],
    })
    const headers = { authorization: `Bearer ${app.env['ADMIN_API_KEY']}` }
    const written = await Promise.all(
      Array.from({ length: 8 }, (_, n) => app.send('PUT', '/documents', upload(n), headers)),
    )
    t.same([...new Set(written.map(({ status }) => status))], [200])
    await app.stop()
  })

  await t.test('a write that the server rolled back is made again; if it fails every time, 503', async t => {
    const app = await startApp(t, 'postgres', { DATABASE_URL: at('scram:geheim'), EMBEDDING_MODEL: 'local' })
    const headers = { authorization: `Bearer ${app.env['ADMIN_API_KEY']}` }
    const upload = (source: string) =>
      app.send(
        'PUT',
        '/documents',
        { collection: 'conflicts', documents: [{ source, title: 'Room', text: 'The room is warm.' }] },
        headers,
      )
    const sql = postgres(at('postgres'), { max: 1, onnotice: () => {} })
    for (const [state, failures, status] of [
      ['40001', 2, 200],
      ['55P03', 2, 200],
      ['40P01', 1000, 503],
    ] as const) {
      await sql.unsafe(`
        create sequence tries; create function fail() returns trigger language plpgsql as $$ begin
          if nextval('tries') <= ${failures} then raise exception 'made up' using errcode = '${state}'; end if; return new; end $$;
        create trigger fail before insert on documents for each row execute function fail()`)
      const reply = await upload(`source-${state}`)
      t.match(reply, { status }, state)
      if (status === 503) t.match(reply, { json: { code: 'database_unavailable' } })
      if (status === 503) t.ok(Number(reply.headers.get('retry-after')) > 0)
      await sql.unsafe('drop trigger fail on documents; drop function fail; drop sequence tries')
    }
    await app.stop()
    const model = await startModel(t)
    for (const [what, table, event] of [
      ['vectors', 'chunk_vectors', 'insert'],
      ['the switch', 'collections', 'update'],
    ] as const) {
      await sql.unsafe(`
        create sequence tries; create function fail() returns trigger language plpgsql as $$ begin
          if nextval('tries') <= 2 then raise exception 'made up' using errcode = '40001'; end if; return new; end $$;
        create trigger fail before ${event} on ${table} for each row execute function fail()`)
      // To the other model, then back.
      const env = {
        DATABASE_URL: at('scram:geheim'),
        ...(table === 'collections' ? { EMBEDDING_MODEL: 'local' } : settingsFor(model, 'test-embedding')),
      }
      t.match(await runCli(['reembed', '-c', 'conflicts', '--json'], { env }), { code: 0, json: { chunks: 2 } }, what)
      t.match(await sql`select last_value > 2 as enough from tries`, [{ enough: true }], what)
      await sql.unsafe(`drop trigger fail on ${table}; drop function fail; drop sequence tries`)
    }
    await sql.end()
  })

  await t.test('a right that is taken away: 503, and the log has the GRANT that gives it back', async t => {
    await admin.unsafe('create role lacks login')
    await admin`create database revoked owner lacks`
    const url = at('lacks').replace(/askwell$/, 'revoked')
    const sql = postgres(at('postgres').replace(/askwell$/, 'revoked'), { max: 1, onnotice: () => {} })
    for (const name of extensions) await sql.unsafe(`create extension ${name}`)
    const service = startService(t, { DATABASE_URL: url, EMBEDDING_MODEL: 'local' })
    const base = await service.ready()
    const upload = async () =>
      await replyOf(
        await fetch(`${base}/documents`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
          body: JSON.stringify({ documents: [{ source: 'room', text: 'The room is warm.' }] }),
        }),
      )
    await sql`revoke insert on documents from lacks`
    const reply = await upload()
    t.match(reply, { status: 503, json: { code: 'database_unavailable', detail: /^The role .* lacks a right/ } })
    t.ok(Number(reply.headers.get('retry-after')) > 0)
    t.notMatch(reply.json.detail, /documents|grant /)
    const line = await until('the line', async () => service.log.find(({ err }) => err?.type === 'MissingRight'))
    const grant = /let the owner run: (grant .* on table documents to) ROLE/.exec(line['err'].message)?.[1]
    await sql.unsafe(`${grant} lacks`)
    t.match(await upload(), { status: 200 })
    await sql.end()
    service.signal('SIGTERM')
    await service.exited()
  })

  await t.test('extensions in another schema are found there', async t => {
    await admin`create database elsewhere`
    const sql = postgres(server.adminUrl.replace(/postgres$/, 'elsewhere'), { max: 1, onnotice: () => {} })
    await sql.unsafe(
      'create schema extensions; create extension vector schema extensions; create extension pg_trgm schema extensions',
    )
    await sql.end()
    const app = await startApp(t, 'postgres', {
      DATABASE_URL: at('postgres').replace(/askwell$/, 'elsewhere'),
      EMBEDDING_MODEL: 'local',
    })
    await loadHandbook(app)
    t.match(await app.ask({ question: 'How much does a place in the dormitry cost?' }), { json: { answer: /12,000/ } })
    await app.stop()
  })

  await t.test('what only an administrator can change is said, with the statement', async t => {
    await admin.unsafe(`create database latin encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'`)
    const url = (database: string, login = 'postgres') => at(login).replace(/askwell$/, database)
    await t.rejects(rowOf(url('latin')), {
      code: 'database_unavailable',
      detail: /"latin" has the encoding LATIN1.*UTF8.*create database/,
    })
    await admin.unsafe('create role lost superuser login; alter role lost set search_path = nowhere')
    await t.rejects(rowOf(url('with%20blank', 'lost')), {
      code: 'database_unavailable',
      detail: /search_path \(nowhere\).*schema=/,
    })
    await admin.unsafe('create role copied superuser login; alter role copied set session_replication_role = replica')
    await t.rejects(rowOf(at('copied')), { code: 'database_unavailable', detail: /session_replication_role/ })

    await admin.unsafe('create role app login')
    await admin`create database bare`
    await admin`create database owned owner app`
    const migrated = (database: string) =>
      opened(url(database, 'app'), each => each.lease({ signal, label: 'migrate' }, sql => migrate(sql)))
    const all = /vector;.*pg_trgm;.*btree_gin;.*fuzzystrmatch;/
    await t.rejects(migrated('bare'), { code: 'database_unavailable', detail: /"app".*grant create on schema public/ })
    await t.rejects(migrated('bare'), { code: 'database_unavailable', detail: all })
    await t.rejects(migrated('owned'), {
      code: 'database_unavailable',
      detail: /"app" may not create the extensions.*superuser/,
    })
    await t.rejects(migrated('owned'), { code: 'database_unavailable', detail: all })
  })
})

/** Defaults of a role that would each break something. */
const oddSettings = [
  'standard_conforming_strings = off',
  'array_nulls = off',
  `default_transaction_isolation = 'serializable'`,
  `lock_timeout = '5s'`,
  `statement_timeout = '5s'`,
  `idle_in_transaction_session_timeout = '5s'`,
  `idle_session_timeout = '5s'`,
  `datestyle = 'German'`,
  `intervalstyle = 'iso_8601'`,
  `bytea_output = 'escape'`,
  'extra_float_digits = -10',
  `timezone = 'Asia/Kathmandu'`,
  `client_encoding = 'latin1'`,
  'quote_all_identifiers = on',
  'row_security = off',
  'gin_fuzzy_search_limit = 1',
  'exit_on_error = on',
]

/** Roles, databases and a client certificate; the server's own certificate is the CA. */
async function prepare(admin: postgres.Sql) {
  const [row] = await admin`
    select current_setting('ssl_cert_file') as root, current_setting('hba_file') as hba, current_setting('unix_socket_directories') as folder`
  const [root, hba, folder] = [String(row?.['root']), String(row?.['hba']), String(row?.['folder'])]
  const [cert, key, request] = ['client.crt', 'client.key', 'client.csr'].map(name => join(dirname(root), name)) as [
    string,
    string,
    string,
  ]
  const run = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  run(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    key,
    '-out',
    request,
    '-subj',
    '/CN=certified',
  )
  run(
    'x509',
    '-req',
    '-in',
    request,
    '-CA',
    root,
    '-CAkey',
    root.replace(/crt$/, 'key'),
    '-CAcreateserial',
    '-days',
    '30',
    '-out',
    cert,
  )
  const rules = [
    'hostssl all certified all cert',
    'host all old all md5',
    `host all scram${providerUrls.map(({ user }) => (user === 'postgres' ? '' : `,"${user}"`)).join('')} all scram-sha-256`,
  ]
  writeFileSync(hba, `${rules.join('\n')}\n${readFileSync(hba, 'utf8')}`)
  await admin.unsafe(`alter system set ssl_ca_file = '${root}'`)
  await admin`select pg_reload_conf()`
  await admin.unsafe(`create role certified superuser login; create role scram superuser login password 'geheim'`)
  await admin.unsafe(
    `set password_encryption = 'md5'; create role old superuser login password 'geheim'; set password_encryption = 'scram-sha-256'`,
  )
  await admin`create database ${admin('with blank')}`
  const askwell = postgres(
    admin.options.host[0] ? `postgres://postgres@127.0.0.1:${admin.options.port[0]}/askwell` : '',
    { max: 1 },
  )
  await askwell`create schema askwell`
  await askwell.end()
  return { root, cert, key, folder }
}
