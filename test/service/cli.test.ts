import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { databaseSettings, skipReason, worlds } from '../support/app.ts'
import { runCli, runCliProcess, startCli, type CliOptions, type Finished } from '../support/cli.ts'
import { inDatabase } from '../support/contents.ts'
import { createDatabase } from '../support/database.ts'
import { createEmptyDatabase } from '../support/old-schema.ts'
import { administer } from '../support/postgres.ts'
import { version } from '../../src/version.ts'

/** Runs each command line in an empty folder. */
async function runs<T extends string>(
  t: Test,
  commands: Readonly<Record<T, CliOptions>>,
  run = runCli,
): Promise<Record<T, Finished>> {
  const cwd = t.testdir({})
  const results: [string, Finished][] = []
  for (const [line, options] of Object.entries<CliOptions>(commands)) {
    const args = line.split(' ').filter(word => word !== '')
    const finished = await run(args, { cwd, ...options })
    t.notMatch(finished.stderr + finished.stdout, /^\s+at /m, `${line}: no stack trace`)
    results.push([line, finished])
  }
  return Object.fromEntries(results) as Record<T, Finished>
}

tap.test('each command as a process: its exit code, and what goes to which stream', async t => {
  const nowhere = { env: { DATABASE_URL: 'postgres://askwell@127.0.0.1:1/askwell' } }
  const wrong = { env: { PORT: 'high' } }
  const found = await runs(
    t,
    {
      '--help': {},
      ingst: {},
      'key new --name web --json': {},
      'eval nowhere': {},
      serve: wrong,
      demo: wrong,
      'ingest x': wrong,
      migrate: nowhere,
      reembed: nowhere,
      reindex: nowhere,
      'tune recall': nowhere,
      'cache stats': nowhere,
    },
    runCliProcess,
  )
  t.match(found['--help'], { code: 0, stderr: '', stdout: /^Usage: askwell / })
  t.match(found['key new --name web --json'], { code: 0, stderr: '', json: { entry: { name: 'web' } } })
  t.match(found['ingst'], { code: 2, stdout: '', stderr: /unknown command/ })
  for (const line of ['serve', 'demo', 'ingest x'] as const)
    t.match(found[line], { code: 78, stdout: '', stderr: /^ {2}PORT is /m }, line)
  for (const line of ['eval nowhere', 'migrate', 'reembed', 'reindex', 'tune recall', 'cache stats'] as const)
    t.match(found[line], { code: 1, stdout: '', stderr: /^askwell: [^\n]+\n$/ }, line)
})

tap.test('help is on stdout and costs nothing; a wrong command line is said on stderr: exit code 2', async t => {
  const found = await runs(t, {
    '': {},
    '--help': {},
    help: {},
    'ingest --help': {},
    'help ingest': {},
    '--version': {},
    '--json': {},
    ingst: {},
    'ingest --prun docs': {},
    ingest: {},
    'ingest docs --collection Not_good': {},
    'ingest docs --metadata faculty': {},
    'ingest docs --language English': {},
    'reembed -c ../x': {},
    'reembed one two': {},
    'reindex -c ../x': {},
    'reindex one': {},
  })
  for (const line of ['--help', 'help'] as const) {
    t.match(found[line], {
      code: 0,
      stderr: '',
      stdout: /Usage: askwell .*\bserve\b.*\bingest\b.*\bmigrate\b.*\breembed\b.*DATABASE_URL/s,
    })
  }
  for (const line of ['ingest --help', 'help ingest'] as const) {
    t.match(found[line], {
      code: 0,
      stderr: '',
      stdout: /Usage: askwell ingest .*--collection.*--language.*--metadata.*--prune/s,
    })
  }
  t.match(found['--version'], { code: 0, stderr: '', stdout: `${version}\n` })
  for (const line of ['', '--json'] as const) t.match(found[line], { code: 2, stdout: '', stderr: /^Usage: askwell/ })
  const refused = (line: keyof typeof found, stderr: RegExp) =>
    t.match(found[line], { code: 2, stdout: '', stderr }, line)
  refused('ingst', /unknown command 'ingst'\n\(Did you mean ingest\?\)/)
  refused('ingest --prun docs', /unknown option '--prun'\n\(Did you mean --prune\?\)/)
  refused('ingest', /missing required argument 'path'/)
  refused('ingest docs --collection Not_good', /--collection.*'Not_good' is invalid.*lowercase letters/)
  refused('ingest docs --metadata faculty', /--metadata.*'faculty' is invalid.*key=value/)
  refused('ingest docs --language English', /--language.*'English' is invalid.*such as en or kk/)
  refused('reembed -c ../x', /--collection.*'\.\.\/x' is invalid/)
  refused('reembed one two', /too many arguments/)
  refused('reindex -c ../x', /--collection.*'\.\.\/x' is invalid/)
  refused('reindex one', /too many arguments/)
})

tap.test('wrong settings: every fault at once, exit code 78', async t => {
  const env = { PORT: 'high', DATABASE_URL: 'mysql://localhost/x', ADMIN_API_KEY: 'short' }
  const found = await runs(t, { serve: { env }, 'ingest x': { env } })
  for (const { code, stderr, stdout } of Object.values(found)) {
    t.equal(code, 78)
    t.equal(stdout, '')
    for (const name of ['PORT', 'DATABASE_URL', 'ADMIN_API_KEY']) t.match(stderr, new RegExp(`^  ${name} is `, 'm'))
    t.notMatch(stderr, 'short', 'a secret is not repeated')
  }
})

tap.test('a database that is not there: one line that helps, exit code 1, and no hang', async t => {
  const silent = await listening(t, () => {})
  const closing = await listening(t, socket => socket.end())
  const settings = (url: string) => ({ env: { DATABASE_URL: url } })
  const found = await runs(t, {
    migrate: settings('postgres://askwell@127.0.0.1:1/askwell'),
    reembed: settings('postgres://askwell@nowhere.invalid/askwell'),
    'migrate --json': settings(`postgres://askwell@127.0.0.1:${silent}/askwell`),
    'ingest .': settings(`postgres://askwell@127.0.0.1:${closing}/askwell`),
  })
  for (const [line, { code, stdout, stderr }] of Object.entries(found)) {
    t.equal(code, 1, line)
    t.equal(stdout, '')
    t.match(stderr, /^askwell: [^\n]+\n$/, line)
  }
  t.match(found['migrate'].stderr, /cannot be reached \(connect ECONNREFUSED 127\.0\.0\.1:1\)/)
  t.match(found['reembed'].stderr, /cannot be reached .*nowhere\.invalid/)
  t.match(found['migrate --json'].stderr, /cannot be reached .*TIMEOUT/)
  t.match(found['ingest .'].stderr, /cannot be reached \(the database closed the connection\)/)
})

tap.test('a Postgres that will not do says what it lacks', { skip: skipReason('postgres') }, async t => {
  const [without, old, plain] = [await createDatabase(t), await createDatabase(t), await createDatabase(t)]
  await pretend(without, "select name, default_version from pg_catalog.pg_available_extensions where name <> 'vector'")
  await pretend(old, "select name, '0.7.4' as default_version from pg_catalog.pg_available_extensions")
  const settings = (url: string) => ({ env: { DATABASE_URL: url } })
  const found = await runs(t, {
    migrate: settings(without.url),
    'migrate --json': settings(old.url),
    'ingest x': settings(plain.url.replace('postgres@', 'stranger@')),
    reembed: settings(plain.url.replace(plain.name, 'no_such_database')),
  })
  for (const [line, { code, stderr }] of Object.entries(found)) {
    t.equal(code, 1, line)
    t.match(stderr, /^askwell: [^\n]+\n$/, line)
  }
  t.match(
    found['migrate'].stderr,
    /lacks pgvector: install it \(package postgresql-NN-pgvector, or the image pgvector\/pgvector\)/,
  )
  t.match(found['migrate --json'].stderr, /has pgvector 0\.7\.4; Askwell needs pgvector 0\.8 or newer/)
  t.match(found['ingest x'].stderr, /check [^\n]*DATABASE_URL \([^\n]*role "stranger" does not exist\)\n/)
  t.match(found['reembed'].stderr, /check [^\n]*DATABASE_URL \([^\n]*database "no_such_database" does not exist\)\n/)
})

tap.test('a port that is taken: which setting to change, exit code 1', async t => {
  const port = String(await listening(t, () => {}))
  const env = {
    DATABASE_URL: 'postgres://askwell@127.0.0.1:1/askwell',
    START_TIMEOUT_SECONDS: '0',
    LOG_LEVEL: 'silent',
  }
  const { serve } = await runs(t, { serve: { env: { ...env, PORT: port } } }, runCliProcess)
  t.match(serve, {
    code: 1,
    stderr: `askwell: port ${port} is in use; set PORT to another port, or stop the process that uses it\n`,
  })
  const monitoring = await runs(t, {
    serve: { env: { ...env, PORT: '0', MONITORING_PORT: port, MONITORING_API_KEY: 'a-key-for-monitoring-only' } },
  })
  t.match(monitoring.serve, {
    code: 1,
    stderr: `askwell: port ${port} is in use; set MONITORING_PORT to another port, or stop the process that uses it\n`,
  })
})

tap.test(
  'the extension is where the search path does not lead: it is found there',
  { skip: skipReason('postgres') },
  async t => {
    const { url } = await createEmptyDatabase(t)
    await administer(url, sql =>
      sql.unsafe('create schema elsewhere; create extension vector schema elsewhere').simple(),
    )
    t.match(await runs(t, { migrate: { env: { DATABASE_URL: url } } }), { migrate: { code: 0, stderr: '' } })
  },
)

tap.test(
  'a role that may not create the extension: what a superuser runs once',
  { skip: skipReason('postgres') },
  async t => {
    const { name, url } = await createDatabase(t)
    const role = `limited_${process.pid}`
    await administer(url, sql =>
      sql
        .unsafe(
          `
    drop schema public cascade; create schema public; create role ${role} login;
    grant all on schema public to ${role}; grant create on database ${name} to ${role}`,
        )
        .simple(),
    )
    t.teardown(() => administer(url, sql => sql.unsafe(`drop owned by ${role}; drop role ${role}`).simple()))
    const limited = { migrate: { env: { DATABASE_URL: url.replace('postgres@', `${role}@`) } } }
    const refused = await runs(t, limited)
    t.match(refused.migrate, {
      code: 1,
      stderr:
        /^askwell: the role "limited_\d+" may not create the extensions vector, pg_trgm, btree_gin, fuzzystrmatch in the database "\w+": let a superuser, [^\n]*: create extension if not exists vector; [^\n]* \(permission denied to create extension "vector"\)\n$/,
    })
    await administer(url, sql => sql.unsafe('create extension if not exists vector;').simple())
    t.match(await runs(t, limited), { migrate: { code: 0, stderr: '' } })
  },
)

for (const world of worlds) {
  tap.test(`migrate, ${world}`, { skip: skipReason(world) }, async t => {
    const env = world === 'embedded' ? { DATA_DIR: join(t.testdir({}), 'new') } : await databaseSettings(t, world)
    if (world === 'postgres')
      await inDatabase(env, sql => sql.unsafe('drop schema public cascade; create schema public').simple())

    await t.test('twice: the second time there is nothing to do', async t => {
      const first = await runCli(['migrate', '--json'], { env })
      t.match(first, { code: 0, stderr: '' })
      t.match(first.json, { applied: [/^000001_/], current: /^\d{6}_\w+\.sql$/ })
      const second = await runCli(['migrate'], { env })
      t.match(second, { code: 0, stderr: '', stdout: /^nothing to do: the schema is at \d{6}_\w+\.sql\n$/ })
    })

    await t.test('a database that a newer version migrated is refused', async t => {
      await inDatabase(env, sql => sql`insert into migrations (name) values ('999999_later.sql')`)
      for (const args of [['migrate'], ['serve']]) {
        const { code, stderr } = await runCli(args, { env: { ...env, PORT: '0', LOG_LEVEL: 'silent' } })
        t.equal(code, 1)
        t.match(
          stderr,
          /^askwell: the database was migrated by a newer version \(it has 999999_later\.sql\): run that version/,
        )
      }
    })
  })
}

tap.test('the embedded folder has one owner at a time, and a dead one does not count', async t => {
  const env = await databaseSettings(t, 'embedded')
  const folder = env['DATA_DIR'] ?? ''
  await t.test('a living process keeps others out, and they are told which', async t => {
    const held = await inDatabase(env, async () => await runCliProcess(['migrate'], { env }))
    t.equal(held.code, 1)
    t.match(held.stderr, `process ${process.pid}`)
    t.match(held.stderr, /stop it, choose another DATA_DIR, or set DATABASE_URL/)
  })
  await t.test(
    'what the dead leave behind: an empty file, a number nobody has, a number somebody else has now',
    async t => {
      for (const left of ['', '4194303', `${process.ppid} 1`]) {
        writeFileSync(join(folder, 'lock'), left)
        t.match(await runCli(['migrate'], { env }), { code: 0, stderr: '' }, JSON.stringify(left))
      }
    },
  )
  await t.test('of two that start at once one gets it', async t => {
    const both = await Promise.all([1, 2].map(() => runCliProcess(['migrate'], { env })))
    for (const { code, stderr } of both) t.ok(code === 0 || /is in use by process \d+/.test(stderr), stderr)
    t.ok(both.some(({ code }) => code === 0))
  })
})

tap.test('a reader of the output that goes away is no error', async t => {
  const { child, finished } = startCli(['--help'], { cwd: t.testdir({}) })
  child.stdout?.destroy()
  const { stderr } = await finished
  t.equal(stderr, '')
})

/** A server that takes connections and does this with them. */
async function listening(t: Test, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Puts a view of ours before the catalogue's: the server seems to have other extensions than it has. */
async function pretend({ name, url }: { name: string; url: string }, extensions: string): Promise<void> {
  await administer(url, async sql => {
    await sql.unsafe(`create view public.pg_available_extensions as ${extensions}`)
    await sql.unsafe(`alter database ${name} set search_path = public, pg_catalog`)
  })
}
