import t from 'tap'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { adminKey, skipReason, startApp } from '../support/app.ts'
import { startGateway } from '../support/gateway.ts'
import { startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** Connections that were cut off without a word: who waits is told within a few looks at the server, not after a minute. */

const skip = skipReason('postgres')
const never = new AbortController().signal

async function behindGateway(t: Parameters<typeof startPostgres>[0] & object) {
  const server = await startPostgres(t)
  const { port } = new URL(server.url)
  const gateway = await startGateway(t, Number(port))
  return { server, gateway, url: server.url.replace(`:${port}/`, `:${gateway.port}/`) }
}

t.test('a PUT over a connection that was cut off: refused soon, and the next one is stored', { skip }, async t => {
  const { gateway, url } = await behindGateway(t)
  const app = await startApp(t, 'postgres', {
    DATABASE_URL: url,
    EMBEDDING_MODEL: 'local',
    POOL_SIZE: '1',
    POOL_MAX_OVERFLOW: '0',
  })
  const put = (text: string) =>
    app.send('PUT', '/documents', { documents: [{ source: 'note', text }] }, { authorization: `Bearer ${adminKey}` })
  t.equal((await put('One.')).status, 200)
  gateway.forget()
  const { totals: before } = app.deps.database.status()
  const cut = await put('Two.')
  t.match(cut, { status: 503, json: { code: 'database_unavailable' } })
  const { totals } = app.deps.database.status()
  t.equal(totals.overdue, before.overdue, 'not because its time was over')
  t.ok(totals.destroyed > before.destroyed, 'the connection was given up')
  await until('the next is stored', async () => (await put('Three.')).status === 200)
})

t.test('who works, pauses, or waits for a lock is left alone', { skip }, async t => {
  const { url } = await behindGateway(t)
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 3,
    poolMaxOverflow: 0,
    poolMaxWaiting: 10,
    statementTimeoutMs: 60_000,
  })
  t.teardown(() => database.close())
  const lease = database.lease
  const { promise: isOver, resolve: over } = Promise.withResolvers<void>()
  const working = lease({ signal: never, label: 'test' }, sql => sql`select pg_sleep(9)`)
  const pausing = lease({ signal: never, label: 'test' }, async sql => {
    await sql`select 1`
    await isOver
    return (await sql`select 2 as two`)[0]?.['two']
  })
  await working
  over()
  t.equal(await pausing, 2)
  t.match(database.status().totals, { destroyed: 0, invalidated: 0 })
})

t.test('a backend that is gone without a word', { skip }, async t => {
  const { gateway, server, url } = await behindGateway(t)
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 10,
    statementTimeoutMs: 0,
  })
  t.teardown(() => database.close())
  await database.lease({ signal: never, label: 'test' }, sql => sql`select 1`)
  gateway.forget()
  await server.stop('immediate')
  await server.start()
  await t.rejects(
    database.lease({ signal: never, label: 'test', holdLimitMs: Infinity }, sql => sql`select 1`),
    { code: 'database_unavailable' },
  )
  t.equal(
    await database.lease({ signal: never, label: 'test' }, async sql => (await sql`select 3 as three`)[0]?.['three']),
    3,
  )
})
