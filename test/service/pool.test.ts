import postgres from 'postgres'
import t, { type Test } from 'tap'
import { createPool, type Pool, type PoolOptions, type Sql } from '../../src/adapters/pool.ts'
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
  const connect = (onclose = () => {}) => postgres(address, { onclose, max: 1, connect_timeout: 2, onnotice: () => {}, connection: { application_name: 'pool test' } })
  const side = connect()
  const cancelBackend = async (pid: number) => void (await side`select pg_cancel_backend(${pid})`)
  const pool = createPool({ connect, size: 2, maxOverflow: 1, maxWaiting: 2, cancelBackend, ...options })
  t.teardown(async () => {
    await pool.close()
    await side.end()
  })
  return { pool, side }
}

const patient = () => new AbortController().signal
const lease = <T>(pool: Pool, work: (sql: Sql) => Promise<T>, signal = patient()) => pool.lease({ signal, label: 'test' }, work)

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
  const { pool } = await openPool(t, { surplusMs: 200 })
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
  await t.rejects(lease(pool, async () => {}), { code: 'pool_exhausted', retryAfter: 1 })
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
  const { pool, side } = await openPool(t, { size: 1, maxOverflow: 0 })
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
    setTimeout(() => controller.abort(new Error('gone')), 2)
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
  await t.rejects(lease(pool, sql => sql`select 1`), { code: 'database_unavailable' })
  await server.start()
  const [row] = await lease(pool, sql => sql`select 3 as three`)
  t.equal(row?.['three'], 3)
  t.match(pool.status(), { checkedOut: 0 })
})

t.test('a fault of SQL is passed on as it is', { skip }, async t => {
  const { pool } = await openPool(t)
  await t.rejects(lease(pool, sql => sql`select * from nowhere`), { code: '42P01' })
  t.equal(pool.status().checkedOut, 0)
})

async function activeQueries(side: Sql, wanted: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const [row] = await side`select count(*)::int as count from pg_stat_activity where state = 'active' and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`
    if (row?.['count'] === wanted) return
  }
  throw new Error(`never saw ${wanted} active queries`)
}
