import t from 'tap'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { skipReason, startApp } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { pgbouncerSkipReason, startPgBouncer } from '../support/pgbouncer.ts'
import { administer, startPostgres } from '../support/postgres.ts'
import { startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** A connection pooler between Askwell and Postgres: what works with it, and what is refused. */

const skip = skipReason('postgres') || pgbouncerSkipReason()
const poolSettings = {
  dataDir: undefined,
  poolSize: 2,
  poolMaxOverflow: 0,
  poolMaxWaiting: 10,
  statementTimeoutMs: 12_000,
}

t.test('in session mode', { skip }, async t => {
  const postgres = await startPostgres(t)
  const { url } = await startPgBouncer(t, postgres.url, { pool_mode: 'session', default_pool_size: '60' })

  t.test('the settings of a connection hold, without a setting of the pooler', async t => {
    const database = await openDatabase({ ...poolSettings, url })
    const signal = new AbortController().signal
    const [row] = await database.lease(
      { signal, label: 'test' },
      sql => sql`select current_setting('statement_timeout') as timeout, current_setting('plan_cache_mode') as plans`,
    )
    t.match(row, { timeout: '12s', plans: 'force_generic_plan' })
    await database.close()
  })

  t.test("who leaves ends the query, and nobody else's", async t => {
    const database = await openDatabase({ ...poolSettings, url })
    const leaving = new AbortController()
    const busy = () =>
      administer(
        postgres.adminUrl,
        sql =>
          sql`select query from pg_stat_activity where state = 'active' and query like '%pg_sleep(3_)%' and pid <> pg_backend_pid()`,
      )
    const other = database.lease(
      { signal: new AbortController().signal, label: 'test' },
      sql => sql`select pg_sleep(3.5)`,
    )
    const left = database.lease({ signal: leaving.signal, label: 'test' }, sql => sql.unsafe('select pg_sleep(30)'))
    left.catch(() => {})
    await until('it runs', async () => (await busy()).length === 1)
    leaving.abort(new Error('left'))
    await t.rejects(left, { message: 'left' })
    await until('it runs no more', async () => (await busy()).length === 0)
    await t.resolves(other)
    await database.close()
  })

  t.test('questions are answered, forty at once, and a change is heard of', async t => {
    const app = await startApp(t, 'postgres', { DATABASE_URL: url, EMBEDDING_MODEL: 'local' })
    await loadHandbook(app)
    const asked = Array.from({ length: 40 }, (_, number) =>
      app.ask({ question: `How much does a place in the dormitory cost guest ${number}?` }),
    )
    for (const { status, json } of await Promise.all(asked))
      t.match({ status, answer: json.answer }, { status: 200, answer: /12,000/ })
    const listening = await administer(
      postgres.adminUrl,
      sql => sql`select 1 from pg_stat_activity where query like 'listen askwell%'`,
    )
    t.equal(listening.length, 1)
  })
})

for (const [what, settings, words] of [
  ['in transaction mode', { pool_mode: 'transaction' }, /transaction mode.*set it to session mode/],
  [
    'in transaction mode, connections in turn',
    { pool_mode: 'transaction', server_round_robin: '1' },
    /transaction mode.*set it to session mode/,
  ],
] as const) {
  t.test(`${what}: it does not start, and says what to do`, { skip }, async t => {
    const postgres = await startPostgres(t)
    const { url } = await startPgBouncer(t, postgres.url, settings)
    const service = startService(t, { DATABASE_URL: url, EMBEDDING_MODEL: 'local' })
    t.same(await service.exited(), { code: 1, signal: null })
    t.match(service.stderr, words)
    const left = await administer(
      url,
      sql => sql`select current_setting('lock_timeout') as lock, current_setting('plan_cache_mode') as plans`,
    )
    t.match(left[0], { lock: '0', plans: 'auto' }, 'no setting stays on a connection that others use')
    t.notOk(service.log.some(({ msg }) => String(msg).includes('waiting')))
  })
}

t.test('a parameter of DATABASE_URL that the pooler does not pass on is named', { skip }, async t => {
  const postgres = await startPostgres(t)
  const { url } = await startPgBouncer(t, postgres.url, { pool_mode: 'session' })
  await t.rejects(openDatabase({ ...poolSettings, url: `${url}?work_mem=64MB` }), {
    code: 'database_unavailable',
    detail: /pooler.*rejects a parameter in DATABASE_URL/,
    cause: { message: /work_mem/ },
  })
})
