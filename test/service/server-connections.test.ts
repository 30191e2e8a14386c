import t from 'tap'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { readServerConnections } from '../../src/adapters/postgres/server-connections.ts'
import { administer, startPostgres } from '../support/postgres.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { until } from '../support/until.ts'

const signal = new AbortController().signal

t.test('connections of a server', { skip: postgresSkipReason() }, async t => {
  const { url, adminUrl } = await startPostgres(t, {
    settings: { max_connections: '20', superuser_reserved_connections: '3' },
  })
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 4,
    poolMaxOverflow: 0,
    poolMaxWaiting: 10,
    statementTimeoutMs: 5000,
  })
  t.teardown(() => database.close())
  const facts = () => database.aside({ signal, label: 'test' }, readServerConnections)
  // Those who made it may still be leaving.
  const before = await until('nobody else is there', async () => {
    const seen = await facts()
    return seen.free === 20 - 3 - 2 ? seen : null
  })

  await t.test('say what is open, and what may still be opened', async t => {
    t.match(before, { maxConnections: 20, reserved: 3 })
    const { active, idle, idleInTransaction, other } = before.byState
    t.equal(before.free, 20 - 3 - (active + idle + idleInTransaction + other))
    t.equal(before.ours, 2, "the pool's and the one aside")
  })

  await t.test('tell an open transaction from work', async t => {
    await administer(adminUrl, async sql => {
      await sql.begin(async tx => {
        await tx`select 1`
        const { byState, free } = await facts()
        t.equal(byState.idleInTransaction, 1)
        t.equal(free, before.free - 1)
      })
    })
  })

  await t.test('know a limit of the role', async () => {
    await administer(adminUrl, sql => sql`alter role postgres connection limit 5`)
    await until('what is free is what the role leaves', async () => (await facts()).free === 5 - before.ours)
  })
})
