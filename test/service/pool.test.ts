import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { assertNoLease } from '../../src/adapters/postgres/one-lease-guard.ts'
import { silent } from '../../src/events.ts'
import { createPool, type Pool, type PoolOptions, type Sql } from '../../src/adapters/postgres/pool.ts'
import { openClient } from '../../src/adapters/postgres/client.ts'
import { atLeast } from '../support/at-least.ts'
import { createDatabase } from '../support/database.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const skip = postgresSkipReason()

interface TestPool {
  readonly pool: Pool
  readonly side: Sql
}

async function openPool(t: Test, options: Partial<PoolOptions> = {}, url?: string): Promise<TestPool> {
  const address = url ?? (await createDatabase(t)).url
  const connect = (onClose = () => {}) => openClient(address, { name: 'pool test', statementTimeoutMs: 0, onClose })
  const { sql: side, end } = connect()
  const cancelBackend = async (pid: number) => void (await side`select pg_cancel_backend(${pid})`)
  const pool = createPool({ connect, size: 2, maxOverflow: 1, maxWaiting: 2, cancelBackend, ...options })
  t.teardown(async () => {
    await pool.close()
    await end(1000)
  })
  return { pool, side }
}

const patient = () => new AbortController().signal
const lease = <T>(pool: Pool, work: (sql: Sql) => Promise<T>, signal = patient()) =>
  pool.lease({ signal, label: 'test' }, work)

/** A lease that stays out until told. */
function hold(pool: Pool) {
  const { promise: until, resolve: release } = Promise.withResolvers<void>()
  const { promise: isOut, resolve: out } = Promise.withResolvers<void>()
  const done = lease(pool, async () => {
    out()
    await until
  })
  return { isOut, release, done }
}

t.test('the pool grows to size + overflow, and shrinks to size again when the rush is over', { skip }, async t => {
  const { pool } = await openPool(t, { surplusMs: 2000 })
  const holds = [hold(pool), hold(pool), hold(pool)]
  await Promise.all(holds.map(each => each.isOut))
  t.match(pool.status(), { open: 3, checkedOut: 3, holders: { test: 3 } })
  for (const each of holds) each.release()
  await Promise.all(holds.map(each => each.done))
  t.match(pool.status(), { open: 3, checkedOut: 0 }, 'what was opened is kept for the next in the rush')
  await until('it shrinks', () => pool.status().open === 2)
  t.equal(await lease(pool, async sql => (await sql`select 1 as one`)[0]?.['one']), 1, 'and works on')
})

t.test('all in use: the next waits, and gets the first that comes back', { skip }, async t => {
  const { pool } = await openPool(t, { size: 1, maxOverflow: 0 })
  const held = hold(pool)
  await held.isOut
  const second = lease(pool, async sql => Number((await sql`select 1 as one`)[0]?.['one']))
  t.equal(pool.status().waiting, 1)
  held.release()
  t.equal(await second, 1)
})

t.test('the queue is full: refused at once, with a time to come back', { skip }, async t => {
  const { pool } = await openPool(t, { size: 1, maxOverflow: 0, maxWaiting: 0 })
  const held = hold(pool)
  await held.isOut
  await t.rejects(
    lease(pool, async () => {}),
    { code: 'pool_exhausted', retryAfter: 1 },
  )
  t.equal(pool.status().totals.refused, 1)
  held.release()
  await held.done
})

t.test('an abort while waiting: out of the queue, with its reason', { skip }, async t => {
  const { pool } = await openPool(t, { size: 1, maxOverflow: 0 })
  const held = hold(pool)
  await held.isOut
  const controller = new AbortController()
  const waiting = lease(pool, async () => {}, controller.signal)
  controller.abort(new Error('gone'))
  await t.rejects(waiting, { message: 'gone' })
  t.match(pool.status(), { waiting: 0, totals: { timeouts: 1 } })
  held.release()
  await held.done
})

t.test('an abort while a query runs: the server stops it, and the connection serves on', { skip }, async t => {
  const { pool, side } = await openPool(t, { size: 1, maxOverflow: 0, cancelGraceMs: 60_000 })
  const controller = new AbortController()
  const sleeping = lease(pool, sql => sql`select pg_sleep(60)`, controller.signal)
  await activeQueries(side, 1)
  controller.abort(new Error('gone'))
  await t.rejects(sleeping, { message: 'gone' })
  await activeQueries(side, 0)
  t.equal(pool.status().totals.cancels, 1)
  const [row] = await lease(pool, sql => sql`select 2 as two`)
  t.equal(row?.['two'], 2)
  t.equal(pool.status().open, 1)
})

t.test("a cancel never hits the next holder's query", { skip }, async t => {
  const { pool } = await openPool(t, { size: 1, maxOverflow: 0, maxWaiting: 100 })
  for (let i = 0; i < 30; i++) {
    const controller = new AbortController()
    const first = lease(pool, sql => sql`select pg_sleep(0.003)`, controller.signal)
    void atLeast(2).then(() => controller.abort(new Error('gone')))
    const second = lease(pool, sql => sql`select pg_sleep(0.005), ${i}::int as i`)
    await first.catch(() => {})
    t.equal((await second)[0]?.['i'], i)
  }
})

t.test('the server restarts: the pool serves again without a restart of ours', { skip }, async t => {
  const server = await startPostgres(t)
  const { pool } = await openPool(t, {}, server.url)
  await lease(pool, sql => sql`select 1`)
  await server.stop('immediate')
  await t.rejects(
    lease(pool, sql => sql`select 1`),
    { code: 'database_unavailable' },
  )
  await server.start()
  const [row] = await lease(pool, sql => sql`select 3 as three`)
  t.equal(row?.['three'], 3)
  t.match(pool.status(), { checkedOut: 0 })
})

t.test('a fault of SQL is passed on as it is', { skip }, async t => {
  const { pool } = await openPool(t)
  await t.rejects(
    lease(pool, sql => sql`select 1 / 0`),
    { code: '22012' },
  )
  t.equal(pool.status().checkedOut, 0)
})

t.test('a type that is replaced under a session: the session ends, and it is told once', { skip }, async t => {
  const met: unknown[] = []
  const { pool, side } = await openPool(t, { size: 1, maxOverflow: 0, onStale: error => void met.push(error) })
  const create = () =>
    side
      .unsafe(`create type mood as enum ('good'); create table days (mood mood); insert into days values ('good')`)
      .simple()
  await create()
  const read = () =>
    lease(pool, async sql => (await sql`select mood from days where mood = ${'good'}::mood`)[0]?.['mood'] as unknown)
  t.equal(await read(), 'good')
  await side.unsafe('drop table days; drop type mood').simple()
  await t.rejects(read(), { code: 'database_unavailable', retryAfter: 1 })
  t.equal(met.length, 1)
  await create()
  t.equal(await read(), 'good', 'on a new connection')
  t.equal(pool.status().open, 1)
})

t.test(
  'every connection killed by the administrator: what runs fails as unavailable, what comes next has new ones',
  { skip },
  async t => {
    const { pool, side } = await openPool(t, { size: 3 })
    const killAll = () =>
      side`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pool test' and datname = current_database() and pid <> pg_backend_pid()`
    const sleeping = Promise.allSettled([1, 2, 3].map(() => lease(pool, sql => sql`select pg_sleep(60)`)))
    await activeQueries(side, 3)
    await killAll()
    for (const each of await sleeping) t.match(each, { status: 'rejected', reason: { code: 'database_unavailable' } })
    t.match(pool.status(), { open: 0, checkedOut: 0 })
    await lease(pool, sql => sql`select 1`)
    await killAll()
    // The server says that they are gone before it hangs up: one that is used in this very moment fails.
    await until('idle ones are replaced', () =>
      lease(pool, sql => sql`select 4`).then(
        () => true,
        () => false,
      ),
    )
  },
)

t.test(
  'a frozen server: an abort gives the connection up, the place is free, and after the thaw all is well',
  { skip },
  async t => {
    const server = await startPostgres(t)
    t.teardown(() => server.thaw())
    const { pool } = await openPool(t, { size: 2, maxOverflow: 0, cancelGraceMs: 50, openLimitMs: 3000 }, server.url)
    await Promise.all([1, 2].map(() => lease(pool, sql => sql`select 1`)))
    server.freeze()
    const controller = new AbortController()
    const stuck = Promise.allSettled([1, 2].map(() => lease(pool, sql => sql`select 1`, controller.signal)))
    const next = lease(pool, sql => sql`select 1`)
    await until('both ask, the third waits', () => pool.status().waiting === 1)
    await turn()
    controller.abort(new Error('gone'))
    for (const each of await stuck) t.match(each, { status: 'rejected', reason: { message: 'gone' } })
    await t.rejects(
      next,
      { code: 'database_unavailable', retryAfter: 1 },
      'a new one cannot be opened either, and that is bounded',
    )
    t.match(pool.status(), { open: 0, checkedOut: 0, waiting: 0, totals: { destroyed: 2 } })
    server.thaw()
    const rows = await until('it answers again', () => lease(pool, sql => sql`select 5 as five`).catch(() => null))
    t.equal(rows[0]?.['five'], 5)
  },
)

t.test('a lease that is out too long: told once, its query ended', { skip }, async t => {
  const told: unknown[] = []
  const events = { ...silent, connectionOverdue: (...each: unknown[]) => told.push(each) }
  const { pool, side } = await openPool(t, { holdLimitMs: 50, cancelGraceMs: 60_000, events })
  await t.rejects(
    lease(pool, sql => sql`select pg_sleep(60)`),
    { code: 'deadline_exceeded' },
  )
  await activeQueries(side, 0)
  t.same(told, [['test', 50]])
  t.match(pool.status(), { checkedOut: 0, totals: { overdue: 1, cancels: 1, destroyed: 0 } })
})

t.test('a lease that is out too long without a query: taken away', { skip }, async t => {
  const { pool } = await openPool(t, { size: 1, maxOverflow: 0, holdLimitMs: 50, cancelGraceMs: 50 })
  const held = hold(pool)
  const next = lease(pool, sql => sql`select 6 as six`)
  await t.rejects(held.done, { code: 'database_unavailable' })
  t.equal((await next)[0]?.['six'], 6)
  held.release()
})

t.test('a lease that may take as long as it takes is left alone', { skip }, async t => {
  const { pool } = await openPool(t, { holdLimitMs: 50 })
  await pool.lease({ signal: patient(), label: 'test', holdLimitMs: Infinity }, sql => sql`select pg_sleep(0.3)`)
  t.match(pool.status().totals, { overdue: 0, cancels: 0 })
})

t.test("the server's own bound follows the deadline, and is said only when it is another", { skip }, async t => {
  const { pool } = await openPool(t, { size: 1, maxOverflow: 0 })
  const bound = (ms?: number) =>
    pool.lease({ signal: patient(), label: 'test', ...(ms && { deadline: performance.now() + ms }) }, async sql => {
      const [row] = await sql`select current_setting('statement_timeout') as bound`
      return row?.['bound']
    })
  t.equal(await bound(), '0')
  // Each far above the power of two below it: on a busy machine some of the time is gone when it is said.
  t.equal(await bound(128_000), '131072ms')
  t.equal(await bound(64_000), '131072ms', 'near enough')
  t.equal(await bound(16_000), '16384ms')
  t.equal(await bound(), '0', 'not left behind for one that has no deadline')
})

t.test('a statement ends at the server when this process is too busy to end it', { skip }, async t => {
  const { pool } = await openPool(t)
  const deadline = performance.now() + 100
  await t.rejects(
    pool.lease({ signal: patient(), label: 'test', deadline }, sql => sql`select pg_sleep(60)`),
    { code: 'deadline_exceeded' },
  )
})

t.test('a proxy that takes connections and closes them: bounded, and nothing is left over', { skip }, async t => {
  const proxy = createServer(socket => void socket.once('data', () => socket.destroy()).on('error', () => {})).listen(
    0,
    '127.0.0.1',
  )
  await once(proxy, 'listening')
  t.teardown(() => proxy.close())
  const { port } = proxy.address() as AddressInfo
  const client = openClient(`postgres://nobody@127.0.0.1:${port}/none`, { name: 'pool test', statementTimeoutMs: 0 })
  const pool = createPool({
    connect: () => client,
    size: 1,
    maxOverflow: 0,
    maxWaiting: 1,
    cancelBackend: async () => {},
    openLimitMs: 300,
  })
  await t.rejects(
    lease(pool, async () => {}),
    { code: 'database_unavailable' },
  )
  t.match(pool.status(), { open: 0, checkedOut: 0 })
})

t.test(
  'a model may not be asked while a connection is held; what a lease left running afterwards may',
  { skip },
  async t => {
    const { pool } = await openPool(t)
    const { promise: isBack, resolve: back } = Promise.withResolvers<void>()
    let later: Promise<void> | undefined
    const inside = lease(pool, async () => {
      later = isBack.then(() => assertNoLease('a model'))
      assertNoLease('a model')
    })
    await t.rejects(inside, { message: 'a model is called while a database connection is held' })
    back()
    await later
    assertNoLease('a model')
  },
)

t.test('waits and holds are told', { skip }, async t => {
  const told: string[] = []
  const { pool } = await openPool(t, {
    events: {
      ...silent,
      connectionLeased: seconds => told.push(`waited ${seconds >= 0}`),
      connectionReturned: seconds => told.push(`held ${seconds >= 0.02}`),
    },
  })
  await lease(pool, sql => sql`select pg_sleep(0.02)`)
  t.same(told, ['waited true', 'held true'])
})

async function activeQueries(side: Sql, wanted: number): Promise<void> {
  await until(`${wanted} queries are active`, async () => {
    const rows =
      await side`select from pg_stat_activity where state = 'active' and query like '%pg_sleep(60)%' and datname = current_database() and pid <> pg_backend_pid()`
    return rows.length === wanted
  })
}
