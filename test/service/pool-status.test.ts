import t, { type Test } from 'tap'
import { adminKey, anyWorld, startApp, type App } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { idlers, tricklers } from '../support/crowd.ts'
import { isOk, provoked, type Finding } from '../support/findings.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import type { Behaviour } from '../support/model/behaviour.ts'
import { administer, startPostgres } from '../support/postgres.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { redisSkipReason, startRedis, told } from '../support/redis.ts'
import { until } from '../support/until.ts'

/** GET /monitoring/pool-status says what is wrong, and whose doing it is, whatever is wrong. */

// Nearly all the time goes into waiting until something has lasted.
t.jobs = 4

const rent = 'How much does a place in the dormitory cost?'
let asked = 0
const anew = () => ({ question: `${++asked}. ${rent}`, timeout_ms: 2500 })

async function statusOf(app: Pick<App, 'send'>) {
  const { status, json } = await app.send('GET', '/monitoring/pool-status')
  if (status !== 200) throw new Error(`pool-status: ${status}`)
  return json
}

/**
 * Most findings are of what happened in the last ten seconds. On a busy machine these are over, or the request ran out of
 * time on its way: then it is provoked once more.
 */
async function found(app: App, code: string, provoke: () => Promise<unknown> = async () => {}): Promise<Finding> {
  const isFinding = async () => ((await statusOf(app)).service.findings as Finding[]).find(each => each.code === code)
  return await until(`${code} is found`, async () => (await isFinding()) ?? (await provoke(), await isFinding()), {
    everyMs: 100,
  })
}

const isWell = (app: App) =>
  until(
    'all is well again',
    async () => {
      const { verdict, reasons, service } = await statusOf(app)
      return isOk({ verdict, findings: reasons }) && isOk(service)
    },
    { everyMs: 100 },
  )

/** Leases that stay out until told. */
async function holdAll(t: Test, { deps: { database } }: App, count: number) {
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const signal = new AbortController().signal
  const leases = Array.from({ length: count }, () => database.lease({ signal, label: 'test' }, () => release))
  t.teardown(resolve)
  return { release: async () => (resolve(), void (await Promise.all(leases))) }
}

t.test('nothing is wrong: ok, and nothing found', async t => {
  const app = await startApp(t, 'embedded')
  await loadHandbook(app)
  t.match(await app.ask({ question: rent }), { status: 200 })
  const status = await until('what is done behind the reply is done', async () => {
    const seen = await statusOf(app)
    return seen.pool.checked_out === 0 ? seen : null
  })
  t.match(status, { database: 'up', server: null, redis: { state: 'off' } })
  t.ok(isOk({ verdict: status.verdict, findings: status.reasons }), JSON.stringify(status))
  t.ok(isOk(status.service), JSON.stringify(status))
  t.same(provoked(status.service.findings), [])
  t.match(status.pool, {
    size: 1,
    max_overflow: 0,
    open: 1,
    checked_in: 1,
    checked_out: 0,
    overflow: 0,
    waiting: 0,
    max_waiting: 200,
  })
  t.same(status.pool.holders, {})
  t.ok(status.pool.wait_ms.count > 0 && status.pool.hold_ms.p50 > 0, JSON.stringify(status.pool))
})

t.test(
  '200 requests wait for a connection: exhausted, with who holds them; and ok again',
  { skip: postgresSkipReason() },
  async t => {
    const app = await startApp(t, 'postgres', { POOL_SIZE: '2', POOL_MAX_OVERFLOW: '1', POOL_MAX_WAITING: '200' })
    const { release } = await holdAll(t, app, 203)
    const status = await until('it is exhausted', async () => {
      const now = await statusOf(app)
      return now.verdict === 'exhausted' ? now : null
    })
    t.match(status.pool, {
      size: 2,
      max_overflow: 1,
      open: 3,
      checked_in: 0,
      checked_out: 3,
      overflow: 1,
      waiting: 200,
      max_waiting: 200,
      holders: { test: 3 },
    })
    t.ok(status.pool.longest_wait_ms >= 100)
    t.match(status.reasons, [
      {
        culprit: 'pool',
        severity: 'critical',
        code: 'pool-exhausted',
        detail: /3 of 3 database connections are in use \(test 3\); 200 requests are waiting/,
      },
    ])
    t.equal(status.service.verdict, 'failing')
    await t.rejects(
      app.deps.database.lease({ signal: new AbortController().signal, label: 'test' }, async () => {}),
      { code: 'pool_exhausted' },
    )
    t.equal((await statusOf(app)).pool.totals.refused, 1)
    await release()
    t.match(await statusOf(app), { pool: { checked_out: 0, checked_in: 3, waiting: 0 } })
  },
)

t.test(
  "the server's side: read in the background for who looks, with its age",
  { skip: postgresSkipReason() },
  async t => {
    const app = await startApp(t, 'postgres')
    const server = await until('it was read', async () => (await statusOf(app)).server)
    t.match(server, { max_connections: 200, reserved: 3 })
    t.ok(server.ours > 0 && server.free > 0 && server.age_s >= 0)
    const { active, idle, idle_in_transaction: inTransaction, other } = server.connections
    t.equal(server.free, 200 - 3 - active - idle - inTransaction - other)
  },
)

t.test('a database of its own', { skip: postgresSkipReason() }, async t => {
  const postgres = await startPostgres(t)
  const app = await startApp(t, 'postgres', { DATABASE_URL: postgres.url })
  await loadHandbook(app)
  await app.ask(anew())
  t.afterEach(() => isWell(app))

  t.test('frozen: down, and said so of it', async t => {
    postgres.freeze()
    t.match(await found(app, 'database-silent'), { culprit: 'database', severity: 'critical' })
    t.match(await statusOf(app), { verdict: 'down', database: 'down', service: { verdict: 'failing' } })
    postgres.thaw()
  })

  t.test('stopped: down, by another reason', async t => {
    await postgres.stop('immediate')
    t.match(await found(app, 'database-unreachable'), { culprit: 'database', severity: 'critical' })
    t.match(await statusOf(app), { verdict: 'down' })
    await postgres.start()
  })

  t.test('a lock on the chunks: who holds it', async t => {
    await administer(postgres.url, sql =>
      sql.begin(async sql => {
        await sql`lock table chunks in access exclusive mode`
        const asking = async () => t.ok([503, 504].includes((await app.ask(anew())).status), 'nobody is answered')
        // Who waits may have left between the look at the queue and the look for the holder.
        const named = await until('its holder is named', async () => {
          const finding = await found(app, 'database-lock', asking)
          return /a process that has ended/.test(finding.detail) ? null : finding
        })
        t.match(named, { culprit: 'database', detail: /held by process \d+ \(.*idle in transaction\)/ })
      }),
    )
  })

  t.test('takes no writes: found when something writes', async t => {
    const readOnly = (value: string) =>
      administer(postgres.adminUrl, async sql => {
        await sql.unsafe(`alter system set default_transaction_read_only = ${value}`)
        await sql`select pg_reload_conf()`
      })
    await readOnly('on')
    t.teardown(() => readOnly('off'))
    const write = () =>
      app.send(
        'PUT',
        '/documents',
        { collection: 'notes', documents: [{ source: 'a', text: 'x' }] },
        { authorization: `Bearer ${adminKey}` },
      )
    await until('a write is refused', async () => (await write()).status === 503)
    t.match(await found(app, 'database-read-only', write), { culprit: 'database', severity: 'warning' })
    t.match(await statusOf(app), { verdict: 'strained', service: { verdict: 'degraded' } })
    await readOnly('off')
  })

  t.test('loses its connections: found, though it answers', async t => {
    const end = () =>
      administer(
        postgres.adminUrl,
        sql => sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'askwell%'`,
      )
    await found(app, 'database-drops-connections', () => app.ask(anew()).then(end))
    t.ok((await statusOf(app)).pool.totals.invalidated > 0)
  })
})

t.test('Redis: gone, silent and full are three things', { skip: redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const app = await startHandbookApp(t, anyWorld, { REDIS_URL: redis.url })
  await until('it is connected', async () => (await statusOf(app)).redis.state === 'ready')

  await redis.kill()
  t.match(await found(app, 'redis-gone'), { culprit: 'redis', severity: 'warning' })
  const status = await statusOf(app)
  t.match(status, { service: { verdict: 'degraded' } })
  t.ok(isOk({ verdict: status.verdict, findings: status.reasons }), 'the pool has nothing to do with it')
  await redis.start()
  const restart = async () => {
    await redis.kill()
    await redis.start()
    await until('it is connected', async () => (await statusOf(app)).redis.state === 'ready')
  }
  t.match(await found(app, 'redis-reconnected', restart), { culprit: 'redis' })
  redis.freeze()
  t.match(await found(app, 'redis-silent'), { culprit: 'redis' })
  redis.thaw()
  await until('it answers', async () => (await statusOf(app)).redis.state === 'ready')
  await told(redis, client => client.config('SET', 'maxmemory', '1'))
  t.match(await found(app, 'redis-full', () => app.ask(anew())), { culprit: 'redis' })
  await told(redis, client => client.config('SET', 'maxmemory', '0'))
  await isWell(app)
})

/** By their findings; streams where the fault comes after the first word. */
const chatFaults: Readonly<Record<string, Behaviour>> = {
  'chat-fails': { status: 500 },
  'chat-busy': { status: 429, retryAfter: 1 },
  'chat-rejects': { status: 401 },
  'chat-silent': { silent: true },
  'chat-stalls': { stallAfterTokens: 1 },
  'chat-breaks-off': { cutAfterTokens: 3 },
  'chat-garbage': { garbage: true },
}

t.test('a model: in what way it fails', async t => {
  for (const [code, fault] of Object.entries(chatFaults)) {
    t.test(code, async t => {
      const model = await startModel(t)
      // Only who waits for words that do not come is to be short of patience: what is out of time elsewhere has a culprit too.
      const isWordless = 'silent' in fault || 'stallAfterTokens' in fault
      const app = await startHandbookApp(t, anyWorld, {
        ...settingsFor(model, 'test-embedding'),
        ...(isWordless && { MODEL_SILENCE_MS: '1000' }),
      })
      model.chat.behave(fault)
      const ask = () => app.ask({ ...anew(), timeout_ms: undefined })
      await Promise.all([1, 2, 3, 4].map(ask))
      t.match(await found(app, code, ask), { culprit: 'chat', severity: 'warning' })
      // A busy machine makes a queue for a moment; it ends while the fault lasts.
      await until('nobody else is to blame', async () => {
        await found(app, code, ask)
        return provoked((await statusOf(app)).service.findings).every(({ culprit }) => culprit === 'chat')
      })
    })
  }

  t.test('gone, and vectors of another length', async t => {
    const model = await startModel(t)
    const app = await startHandbookApp(t, anyWorld, settingsFor(model, 'test-embedding'))
    model.embeddings.behave({ wrongDimension: true })
    for (let nth = 0; nth < 3; nth++) await app.ask(anew())
    t.match(await found(app, 'embeddings-wrong-dimensions', () => app.ask(anew())), { culprit: 'embeddings' })
    await model.stop()
    for (let nth = 0; nth < 3; nth++) await app.ask(anew())
    t.match(await found(app, 'chat-unreachable', () => app.ask(anew())), { culprit: 'chat' })
  })
})

t.test('clients that hold places without asking: seen, and no reason for a verdict', async t => {
  const app = await startApp(t, anyWorld)
  const leave = new AbortController()
  const crowd = [idlers(app.url, 60, leave.signal), tricklers(app.url, 25, leave.signal)]
  t.match(await found(app, 'clients-say-nothing'), {
    culprit: 'clients',
    severity: 'info',
    detail: /^60 of \d+ connections/,
  })
  t.match(await found(app, 'clients-trickle'), {
    culprit: 'clients',
    severity: 'info',
    detail: /^25 of \d+ connections/,
  })
  t.ok(isOk((await statusOf(app)).service))
  leave.abort()
  await Promise.all(crowd)
  await until('they are gone', async () => provoked((await statusOf(app)).service.findings).length === 0)
})
