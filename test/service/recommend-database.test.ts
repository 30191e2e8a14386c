import t, { type Test } from 'tap'
import { startApp, skipReason, type App } from '../support/app.ts'
import { advised, adviceOf, freshQuestion, times } from '../support/advice.ts'
import { atLeast } from '../support/at-least.ts'
import { leased } from '../support/contents.ts'
import { loadHandbook } from '../support/corpus.ts'
import { isOfTheMachine } from '../support/findings.ts'
import { administer, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** Each piece of advice about the pool and the server is given when its cause is there, and not before. */

const wide = {
  ADMISSION_CEILING: '500',
  ADMISSION_MAX_WAITING: '500',
  ADMISSION_MAX_WAIT_MS: '60000',
  SEMANTIC_CACHE: 'off',
}

async function start(t: Test, settings: Record<string, string>): Promise<App> {
  const app = await startApp(t, 'postgres', { ...wide, ...settings })
  await loadHandbook(app)
  return app
}

/** Searches while nobody may read what is searched. */
async function searchLocked(app: App, ms: number, count: number): Promise<void> {
  await administer(app.env['DATABASE_URL']!, async sql => {
    const { searches } = await sql.begin(async tx => {
      await tx`lock table chunks in access exclusive mode`
      const searches = times(count, () => app.send('POST', '/search', freshQuestion()))
      // Their questions are embedded first, one at a time; on a busy machine that alone may take as long.
      await until('half of those that fit have come to the database', () => {
        const { checkedOut, size, maxOverflow } = app.deps.database.status()
        return checkedOut >= Math.min(count, size + maxOverflow) / 2
      })
      await tx`select pg_sleep(${ms / 1000})`
      return { searches }
    })
    await searches
  })
}

t.test('a service that is well is told nothing', { skip: skipReason('postgres') }, async t => {
  const app = await start(t, {})
  for (let count = 0; count < 30; count++) await app.ask(freshQuestion())
  await app.deps.monitoring?.inspect()
  t.same(
    (await adviceOf(app)).filter(({ id }) => !isOfTheMachine(id)),
    [],
  )
})

t.test(
  'requests wait for a connection while the server has some: POOL_MAX_OVERFLOW',
  { skip: skipReason('postgres') },
  async t => {
    const app = await start(t, { POOL_SIZE: '2', POOL_MAX_OVERFLOW: '1' })
    await searchLocked(app, 900, 30)
    const { setting, evidence, action } = await advised(app, 'pool-too-small')
    t.equal(setting, 'POOL_MAX_OVERFLOW')
    t.match(
      evidence,
      /p95 wait for a connection \d+ ms .* POOL_SIZE 2 and POOL_MAX_OVERFLOW 1 allow 3, Postgres has \d+ of 200 free/,
    )
    t.match(action, /POOL_MAX_OVERFLOW to 6/)
  },
)

t.test(
  'requests wait for a connection and the server has none: its max_connections',
  { skip: skipReason('postgres') },
  async t => {
    const { url } = await startPostgres(t, { settings: { max_connections: '10', superuser_reserved_connections: '3' } })
    const app = await start(t, { DATABASE_URL: url, POOL_SIZE: '1', POOL_MAX_OVERFLOW: '0' })
    await searchLocked(app, 900, 30)
    await app.deps.monitoring?.inspect()
    const { setting, evidence, action } = await advised(app, 'server-connections-full')
    t.equal(setting, null)
    t.match(evidence, /Postgres has \d of 10 free, 3 are Askwell's, 1 of this process/)
    t.match(action, /max_connections/)
    t.notOk((await adviceOf(app)).some(({ id }) => id === 'pool-too-small'))
  },
)

t.test('connections are held long: what holds them is named', { skip: skipReason('postgres') }, async t => {
  const app = await start(t, { POOL_SIZE: '40' })
  await searchLocked(app, 900, 40)
  const { evidence, action } = await advised(app, 'connections-held-long')
  t.match(evidence, /p95 hold \d{3,} ms, .*"retrieve" held them for \d+ % of the time/)
  t.match(action, /locks/)
})

t.test('the embedded database is asked too much at once: DATABASE_URL', async t => {
  const app = await startApp(t, 'embedded', wide)
  await loadHandbook(app)
  const { setting, evidence } = await advised(app, 'embedded-database-busy', async () => {
    const searches = await leased(app.deps.database, async () => {
      const begun = times(5, () => app.send('POST', '/search', freshQuestion()))
      await until('one waits', () => app.deps.database.status().waiting > 0)
      await atLeast(100)
      return [begun]
    })
    await Promise.all(searches)
  })
  t.equal(setting, 'DATABASE_URL')
  t.match(evidence, /p95 wait \d+ ms/)
})

t.test('several processes on one database and no Redis: REDIS_URL', { skip: skipReason('postgres') }, async t => {
  const app = await start(t, {})
  const other = await startApp(t, 'postgres', { ...wide, DATABASE_URL: app.env['DATABASE_URL']! })
  await searchLocked(other, 100, 10)
  await app.deps.monitoring?.inspect()
  const { setting, evidence } = await advised(app, 'redis-off')
  t.equal(setting, 'REDIS_URL')
  t.match(evidence, /\d+ connections of the server are Askwell's, this process has \d/)
})
