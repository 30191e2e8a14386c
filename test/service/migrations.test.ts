import type { ChildProcess } from 'node:child_process'
import postgres from 'postgres'
import tap, { type Test } from 'tap'
import { migrate } from '../../src/adapters/postgres/migrate.ts'
import { parseMigration, readMigrations } from '../../src/adapters/postgres/migrations/files.ts'
import { migrationLock } from '../../src/adapters/postgres/migrations/session.ts'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { runCli, startCli } from '../support/cli.ts'
import { createDatabase } from '../support/database.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { startService } from '../support/service.ts'
import { until } from '../support/until.ts'

const skip = postgresSkipReason()

/** As migrate() is given it: a client of one connection. */
function session(t: Test, url: string): any {
  // eslint-disable-line
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  t.teardown(() => sql.end({ timeout: 1 }))
  return sql
}

async function database(t: Test) {
  const { url } = await createDatabase(t)
  return { url, sql: session(t, url), files: await readMigrations() }
}

const later = (number: number, text: string, header = '-- older code: runs') =>
  parseMigration(`999${number}00_later.sql`, `${header}\n${text}\n`)

/** Whoever asks for it waits until the test lets go. */
async function barrier(t: Test, url: string) {
  const holder = session(t, url)
  await holder`select pg_advisory_lock(42)`
  const waiting = async () =>
    (await holder`select pid from pg_locks where ${here(holder)} and objid = 42 and not granted`) as { pid: number }[]
  return { holder, open: async () => void (await holder`select pg_advisory_unlock(42)`), waiting }
}
/** Other databases of the server have locks too. */
const here = (sql: any) =>
  sql`locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())` // eslint-disable-line

const stopHere = 'do $$ begin perform pg_advisory_xact_lock(42); end $$;'

tap.test('checksums', { skip }, async t => {
  const { url, sql, files } = await database(t)
  const rows = async () =>
    (await sql`select name, checksum, older_code from migrations order by name`).map((row: object) => ({ ...row }))
  const whole = files.map(({ name, checksum, olderCode }) => ({ name, checksum, older_code: olderCode }))

  await t.test('are stored with each migration, and filled in where an older version wrote names alone', async t => {
    t.same(await rows(), whole)
    await sql`alter table migrations drop column checksum, drop column older_code`
    const { applied, newer } = await migrate(sql)
    t.same([applied, newer], [[], []])
    t.same(await rows(), whole)
    await sql`update migrations set checksum = null where name like '000002%'`
    await migrate(sql)
    t.same(await rows(), whole)
  })
  await t.test('a table without them is enough for a start that does not migrate', async t => {
    await sql`alter table migrations drop column checksum, drop column older_code`
    await startService(t, { DATABASE_URL: url, MIGRATE_ON_START: 'off', EMBEDDING_MODEL: 'local' }).ready()
    t.same(
      (await sql`select column_name from information_schema.columns where table_name = 'migrations' order by 1`).map(
        (row: any) => row.column_name,
      ),
      ['applied_at', 'name'],
      'nothing was written',
    ) // eslint-disable-line
    await migrate(sql)
  })
  await t.test('one that differs is refused, with what to do', async t => {
    await sql`update migrations set checksum = ${'0'.repeat(64)} where name like '000003%'`
    for (const [args, more] of [
      [['migrate'], {}],
      [['serve'], {}],
      [['serve'], { MIGRATE_ON_START: 'off' }],
    ] as const) {
      const { code, stderr } = await runCli(args, {
        env: { DATABASE_URL: url, PORT: '0', LOG_LEVEL: 'silent', ...more },
      })
      t.equal(code, 1)
      t.match(
        stderr,
        /^askwell: the migration 000003_caches\.sql differs from the one that was applied to the database .*: install the version .* update migrations set checksum = null/,
      )
    }
    await sql`update migrations set checksum = null`
    t.match(await runCli(['migrate'], { env: { DATABASE_URL: url } }), { code: 0, stdout: /^nothing to do/ })
    t.same(await rows(), whole)
  })
})

tap.test('a newer schema', { skip }, async t => {
  const { url, sql, files } = await database(t)
  const newer = later(1, 'create table of_a_newer_version ()')
  t.match(await migrate(sql, { files: [...files, newer] }), { applied: [newer.name], current: newer.name })
  const env = { DATABASE_URL: url, EMBEDDING_MODEL: 'local' }

  await t.test('that lets older code run: it starts, migrating or not, and says so', async t => {
    t.same(await migrate(sql), { applied: [], current: newer.name, newer: [newer.name] })
    t.match(await runCli(['migrate'], { env }), {
      code: 0,
      stdout: `nothing to do: the schema is at ${newer.name}, from a newer version (${newer.name}) that this one can run on\n`,
    })
    for (const MIGRATE_ON_START of ['on', 'off']) {
      const service = startService(t, { ...env, MIGRATE_ON_START })
      const address = await service.ready()
      t.equal((await fetch(`${address}/readyz`)).status, 200)
      t.match(
        service.log.find(({ level }) => level === 'warn'),
        { newer: [newer.name], msg: /^the database was migrated by a newer version that this one is compatible with/ },
      )
      service.signal('SIGTERM')
      await service.exited()
    }
  })
  await t.test('that does not: nothing starts', async t => {
    await migrate(sql, {
      files: [...files, newer, later(2, 'create table of_the_newest ()', '-- older code: refused')],
    })
    for (const [args, more] of [
      [['migrate'], {}],
      [['serve'], {}],
      [['serve'], { MIGRATE_ON_START: 'off' }],
      [['reembed'], {}],
    ] as const) {
      const { code, stderr } = await runCli(args, { env: { ...env, PORT: '0', LOG_LEVEL: 'silent', ...more } })
      t.equal(code, 1, args.join())
      t.match(
        stderr,
        /^askwell: the database was migrated by a newer version \(it has 999200_later\.sql\): run that version, or restore an older backup/,
      )
    }
  })
})

tap.test('each migration is a transaction of its own', { skip }, async t => {
  const { sql, files } = await database(t)
  const broken = [
    ...files,
    later(1, 'create table one ()'),
    later(2, 'create table two (); select 1 / 0'),
    later(3, 'create table three ()'),
  ]
  await t.rejects(migrate(sql, { files: broken }), { message: /division by zero/ })
  const [left] =
    await sql`select to_regclass('one') is not null as one, to_regclass('two') is not null as two, to_regclass('three') is not null as three`
  t.match(left, { one: true, two: false, three: false })
  t.match(await sql`select name from migrations where name like '999%'`, [{ name: '999100_later.sql' }])
  t.match(
    await sql`select count(*)::int as count from pg_locks where ${here(sql)}`,
    [{ count: 0 }],
    'the lock is let go',
  )
  t.match(await sql`select current_setting('statement_timeout') as timeout`, [{ timeout: '0' }])
})

tap.test('a migration that is killed leaves what the next start mends', { skip }, async t => {
  const ways = {
    'its process is killed': async (_: any, child: ChildProcess) => child.kill('SIGKILL'), // eslint-disable-line
    'its backend is ended': async (tx: any, _: ChildProcess, pid: number) =>
      await tx`select pg_terminate_backend(${pid}::int)`, // eslint-disable-line
  }
  for (const [way, kill] of Object.entries(ways))
    await t.test(way, async t => {
      const { url, sql, files } = await database(t)
      await sql`drop schema public cascade`
      await sql`create schema public`
      await migrate(sql, { files: files.slice(0, 3) })
      const holder = session(t, url)
      await holder.begin(async (tx: any) => {
        // eslint-disable-line
        await tx`lock table chunk_vectors in access share mode`
        const { child, finished } = startCli(['migrate'], { env: { DATABASE_URL: url } })
        const waiter = () => tx`select pid from pg_locks where relation = 'chunk_vectors'::regclass and not granted`
        await kill(tx, child, (await until('it waits for the table', async () => (await waiter())[0])).pid)
        t.not((await finished).code, 0)
      })
      t.match(await sql`select count(*)::int as count from migrations`, [{ count: 3 }])
      const mended = await runCli(['migrate', '--json'], { env: { DATABASE_URL: url } })
      t.match(mended, { code: 0, json: { applied: files.slice(3).map(each => each.name) } })
      t.match(await runCli(['migrate'], { env: { DATABASE_URL: url } }), { code: 0, stdout: /^nothing to do/ })
    })
})

tap.test('two at once: one migrates, the other waits and finds nothing to do', { skip }, async t => {
  const { url, sql, files } = await database(t)
  const gate = await barrier(t, url)
  const all = [...files, later(1, `create table one (); ${stopHere}`)]
  const first = migrate(sql, { files: all })
  await until('the first is in the middle', async () => (await gate.waiting())[0])
  const second = await new Promise<{ done: ReturnType<typeof migrate> }>(resolve => {
    const done = migrate(session(t, url), { files: all, onWait: () => resolve({ done }) })
  })
  t.equal((await gate.waiting()).length, 1, 'the second is not in it')
  await gate.open()
  t.match(await first, { applied: ['999100_later.sql'] })
  const { applied, current } = await second.done
  t.same([applied, current], [[], '999100_later.sql'])
})

tap.test('a replica whose role has lock_timeout = 300ms, while another one migrates', { skip }, async t => {
  const { url, sql, files } = await database(t)
  const name = new URL(url).pathname.slice(1)
  await sql.unsafe(`alter database "${name}" set lock_timeout = '300ms'`)
  const replica = (seconds: number) =>
    startService(t, { DATABASE_URL: url, EMBEDDING_MODEL: 'local', START_TIMEOUT_SECONDS: String(seconds) })
  const stopped = async (service: ReturnType<typeof replica>) => {
    service.signal('SIGTERM')
    await service.exited()
  }

  await t.test('waits for the lock of the other one, then migrates', async t => {
    await sql`delete from migrations where name = ${files.at(-1)?.name}`
    await sql`select pg_advisory_lock(${migrationLock})`
    const service = replica(60)
    await until('it says that it waits', async () =>
      service.log.find(({ msg }) => /another process is migrating/.test(msg)),
    )
    await sql`select pg_advisory_unlock(${migrationLock})`
    await service.ready()
    t.match(await sql`select name from migrations order by name desc limit 1`, [{ name: files.at(-1)?.name }])
    await stopped(service)
  })

  await t.test('waits for the table of migrations longer than its lock_timeout', async t => {
    let service!: ReturnType<typeof replica>
    const observer = session(t, url)
    // prettier-ignore
    await sql.begin(async (tx: any) => { // eslint-disable-line
      await tx`lock table migrations in access exclusive mode`
      service = replica(60)
      await until('it has waited for longer', async () => {
        if (service.stderr !== '') throw new Error(service.stderr)
        const waiting = await observer`
          select from pg_stat_activity where datname = ${name} and wait_event = 'relation' and clock_timestamp() - query_start > interval '400 ms'`
        return waiting[0]
      })
    })
    await service.ready()
    await stopped(service)
  })

  await t.test('ends after START_TIMEOUT_SECONDS, and names the session that has the lock', async t => {
    await sql`delete from migrations where name = ${files.at(-1)?.name}`
    const [{ pid }] = await sql`select pg_backend_pid() as pid, pg_advisory_lock(${migrationLock})`
    const service = replica(1)
    t.match(await service.exited(), { code: 1 })
    t.match(service.stderr, /^askwell: another process .* more than 1 s: .*START_TIMEOUT_SECONDS/)
    t.ok(service.stderr.includes(`select pg_terminate_backend(${pid})`), service.stderr)
  })
})

tap.test('without a transaction', { skip }, async t => {
  const { url, sql, files } = await database(t)
  const header = '-- older code: runs\n-- without a transaction'
  const index = later(
    1,
    'create table if not exists marks (x int);\ncreate index concurrently if not exists marks_x on marks (x)',
    header,
  )

  await t.test('an index is built concurrently, also while another process waits to migrate', async t => {
    const gate = await barrier(t, url)
    const slow = later(
      1,
      `create table if not exists marks (x int);\n${stopHere}\ncreate index concurrently if not exists marks_x on marks (x)`,
      header,
    )
    const first = migrate(sql, { files: [...files, slow] })
    await until('the first is in the middle', async () => (await gate.waiting())[0])
    const second = await new Promise<{ done: ReturnType<typeof migrate> }>(resolve => {
      const done = migrate(session(t, url), { files: [...files, slow], onWait: () => resolve({ done }) })
    })
    await gate.open()
    t.match(await first, { applied: [slow.name] })
    t.same((await second.done).applied, [])
    t.match(await sql`select indisvalid from pg_index where indexrelid = 'marks_x'::regclass`, [{ indisvalid: true }])
  })
  await t.test('one that was cut short is run again from its first statement', async t => {
    await sql`delete from migrations where name = ${index.name}`
    await sql`drop index marks_x`
    t.match(await migrate(sql, { files: [...files, index] }), { applied: [index.name] })
    t.match(await sql`select to_regclass('marks_x') is not null as there`, [{ there: true }])
  })
})

tap.test('a service that bounds its statements does not bound its migrations', { skip }, async t => {
  const { url } = await database(t)
  const bounded = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 1,
    statementTimeoutMs: 100,
  })
  t.teardown(() => bounded.close())
  const lease = bounded.lease
  const terms = { signal: new AbortController().signal, label: 'test', holdLimitMs: Infinity }
  const files = [...(await readMigrations()), later(1, 'select pg_sleep(0.3)')]
  t.match(await lease(terms, sql => migrate(sql, { files })), { applied: ['999100_later.sql'] })
  t.match(await lease(terms, sql => sql`select current_setting('statement_timeout') as timeout`), [
    { timeout: '100ms' },
  ])
})

tap.test(
  'a table that is in use: the migration steps back for those who come meanwhile, and tries again',
  { skip },
  async t => {
    const { url, sql, files } = await database(t)
    const holder = session(t, url)
    const asker = session(t, url)
    let run: ReturnType<typeof migrate> | undefined
    await holder.begin(async (tx: any) => {
      // eslint-disable-line
      await tx`lock table documents in row exclusive mode`
      run = migrate(sql, { files: [...files, later(1, 'alter table documents add column if not exists x int')] })
      await until(
        'it waits',
        async () => (await tx`select from pg_locks where relation = 'documents'::regclass and not granted`)[0],
      )
      t.match(
        await asker`select count(*)::int as count from documents`,
        [{ count: 0 }],
        'who comes behind it is answered before the holder has gone',
      )
    })
    t.match(await run, { applied: ['999100_later.sql'] })
  },
)
