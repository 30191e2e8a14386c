import { randomInt } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { openDatabase, type Database, type Sql } from '../../src/adapters/postgres/database.ts'
import { openClient } from '../../src/adapters/postgres/client.ts'
import { isAskError } from '../../src/errors.ts'
import { skipReason } from '../support/app.ts'
import { atLeast } from '../support/at-least.ts'
import { startPostgres, type Postgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/**
 * Connections that are ended at any moment of any kind of statement: what ran is rejected, the next one has a connection,
 * no transaction is half done, and nothing is thrown that nobody can catch (which would end this process, and the test).
 */

const skip = skipReason('postgres')
const settings = {
  dataDir: undefined,
  poolSize: 4,
  poolMaxOverflow: 2,
  poolMaxWaiting: 100,
  statementTimeoutMs: 12_000,
}
const never = new AbortController().signal

/** More than the driver gathers before it writes: such a statement is on its way at once. */
const long = 'x'.repeat(5000)
let pairs = 0

type Kind = (database: Database, signal: AbortSignal) => Promise<unknown>

const lease = (database: Database, work: (sql: Sql) => Promise<unknown>, signal = never) =>
  database.lease({ signal, label: 'test' }, work)

const kinds: Readonly<Record<string, Kind>> = {
  'a query': database => lease(database, sql => sql`select count(*) from generate_series(1, 2000)`),
  'a query with parameters': database =>
    lease(database, sql => sql`select ${randomInt(1000)}::int + ${randomInt(1000)}::int as sum`),
  'a statement of its own each time': database =>
    lease(database, sql =>
      sql.unsafe(`select ${randomInt(1e9)} as ${'c' + randomInt(1e9)}, $1::text`, ['a'], { prepare: true }),
    ),
  'a long statement': database => lease(database, sql => sql`select length(${long}) as length`),
  'many rows': database =>
    lease(database, sql => sql`select repeat(${'y'}, 1000) as text from generate_series(1, 1000)`),
  'several in a row': database =>
    lease(database, async sql => {
      for (let i = 0; i < 5; i++) await sql`select ${i}::int, pg_sleep(0.001)`
    }),
  'several at once': database =>
    lease(database, sql => Promise.all(Array.from({ length: 20 }, (_, i) => sql`select ${i}::int, ${long}::text`))),
  'a transaction': database => {
    const pair = ++pairs
    return lease(database, sql =>
      sql.begin(async tx => {
        await tx`insert into halves values (${pair})`
        await tx`select pg_sleep(0.002)`
        await tx`insert into halves values (${pair})`
      }),
    )
  },
  'a transaction that goes on after an error': database => {
    const pair = ++pairs
    return lease(database, sql =>
      sql.begin(async tx => {
        const each = () => tx`insert into halves values (${pair})`
        const done = await Promise.allSettled([each(), tx`select pg_sleep(0.002)`, each()])
        for (const { status } of done) if (status === 'rejected') await each() // on whatever is there now
        for (const result of done) if (result.status === 'rejected') throw result.reason
      }),
    )
  },
  'COPY in': database =>
    lease(database, async sql => {
      const target = await sql`copy copied from stdin`.writable()
      await pipeline(Readable.from(Array.from({ length: 200 }, (_, i) => `${i}\t${long}\n`)), target)
    }),
  'COPY out': database =>
    lease(database, async sql => {
      const source = await sql`copy (select repeat('z', 1000) from generate_series(1, 500)) to stdout`.readable()
      for await (const _ of source);
    }),
  'a cancel': async database => {
    const leaving = new AbortController()
    const left = lease(database, sql => sql`select pg_sleep(60)`, leaving.signal)
    void atLeast(randomInt(50)).then(() => leaving.abort(new Error('left')))
    await left.catch((error: unknown) => {
      if (!(error instanceof Error && error.message === 'left')) throw error
    })
  },
  'a lease with pauses': database =>
    lease(database, async sql => {
      await sql`select 1`
      await atLeast(randomInt(4))
      await sql`select 2`
    }),
  'a read beside the pool': database =>
    database.aside({ signal: never, label: 'test' }, sql => sql`select count(*) from pg_class`),
}

for (const isEncrypted of [false, true]) {
  t.test(`connections are ended at random${isEncrypted ? ', over TLS' : ''}`, { skip }, async t => {
    const server = await startPostgres(t, { isEncrypted })
    const admin = adminOf(t, server)
    await admin.unsafe(`create table halves (pair int); create table copied (id int, text text)`)
    const database = await openDatabase({ ...settings, url: server.url })
    t.teardown(() => database.close())
    let told = 0
    database.watch(() => told++)
    await Promise.all(
      Object.entries(kinds).map(([name, kind]) => t.test(name, t => endOften(t, database, kind, admin))),
    )
    const halves = await admin`select pair, count(*) from halves group by pair having count(*) <> 2`
    t.same([...halves], [], 'no transaction is half done')
    t.equal(
      ((await lease(database, sql => sql`select 7 as seven`)) as { seven: number }[])[0]?.seven,
      7,
      'and the pool serves on',
    )
    t.match(database.status(), { checkedOut: 0, waiting: 0 })
    const before = told
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'askwell watch'`
    await until('the watch listens again', () => told > before)
  })

  t.test(`a lost connection takes nothing more${isEncrypted ? ', over TLS' : ''}`, { skip }, async t => {
    const server = await startPostgres(t, { isEncrypted })
    const admin = adminOf(t, server)
    const client = openClient(server.url, { name: 'lost', statementTimeoutMs: 0 })
    t.teardown(() => client.end(1000))
    const { sql } = client
    await sql`select 1`
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lost'`
    await until('it is noticed', () => client.sql !== sql)
    for (const each of [sql`select ${1}::int`, sql`select ${long}::text`, sql.begin(tx => tx`select 1`)])
      await t.rejects(each, Error)
    t.equal((await client.sql`select 2 as two`)[0]?.['two'], 2, 'the next one is another')
  })
}

/** Until this kind was lost at least ten times and was well at least ten times. */
async function endOften(t: Test, database: Database, kind: Kind, admin: postgres.Sql): Promise<void> {
  const count = { well: 0, lost: 0 }
  const strange: unknown[] = []
  const killing = new AbortController()
  const kills = endAtRandom(admin, killing.signal, () => count.well)
  while (strange.length === 0 && (count.lost < 10 || count.well < 10)) {
    await Promise.all(
      [0, 1].map(() =>
        kind(database, never).then(
          () => count.well++,
          (error: unknown) => (isAskError(error, 'database_unavailable') ? count.lost++ : strange.push(error)),
        ),
      ),
    )
  }
  killing.abort()
  await kills
  t.same(strange, [], `${count.lost} lost, ${count.well} well, and nothing else`)
}

/** Two that are busy or idle, chosen by the server, each time that something went well since the last. */
async function endAtRandom(admin: postgres.Sql, signal: AbortSignal, well: () => number): Promise<void> {
  while (!signal.aborted) {
    const before = well()
    await admin`
      select pg_terminate_backend(pid) from (
        select pid from pg_stat_activity where application_name like 'askwell%' order by random() limit 2) chosen`
    await until('something went well', () => signal.aborted || well() > before)
    await atLeast(randomInt(30))
  }
}

function adminOf(t: Test, { adminUrl, url }: Postgres): postgres.Sql {
  const admin = postgres(adminUrl, { max: 4, database: new URL(url).pathname.slice(1), onnotice: () => {} })
  t.teardown(() => admin.end())
  return admin
}
