import t, { type Test } from 'tap'
import { adminKey, skipReason } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { administer } from '../support/postgres.ts'
import { clientOf, startService, type Service } from '../support/service.ts'
import { startPrimary, startStandby } from '../support/standby.ts'
import { until } from '../support/until.ts'

/** A server that takes no writes, and several servers of which one does. */

const skip = skipReason('postgres')
let asked = 0
/** Another text each time, with words of the document alone. */
const anew = () => ({ question: `How much does a place in the dormitory cost${'?'.repeat(++asked)}` })
const settings = { EMBEDDING_MODEL: 'local', ANSWER_CACHE_SECONDS: '0' }
const readOnly = { status: 503, json: { code: 'database_read_only' } }

async function put(url: string) {
  const documents = [{ source: 'note', text: `# A note\n\nOf the number ${++asked}.` }]
  return await clientOf(url).send(
    'PUT',
    '/documents',
    { collection: 'notes', documents },
    { authorization: `Bearer ${adminKey}` },
  )
}

async function fill(t: Test, url: string): Promise<void> {
  const service = startService(t, { ...settings, DATABASE_URL: url })
  await loadHandbook(clientOf(await service.ready()))
  service.signal('SIGTERM')
  await service.exited()
}

const fatal = ({ log }: Service) => log.filter(({ level }) => level === 'fatal')

t.test('a standby: it starts, answers, refuses writes, and writes when it is promoted', { skip }, async t => {
  const primary = await startPrimary(t)
  await fill(t, primary.url)
  const standby = await startStandby(t, primary)
  const service = startService(t, { ...settings, DATABASE_URL: standby.url })
  const url = await service.ready()
  const { ask, send } = clientOf(url)
  const reply = await ask(anew())
  t.match(reply, { status: 200, json: { answer: /12,000/ } })
  t.same(reply.json.degraded, [])
  const refused = await put(url)
  t.match(refused, readOnly)
  t.ok(refused.headers.has('retry-after'))
  t.match(await send('GET', '/readyz'), { status: 200, json: { components: { writes: 'database_read_only' } } })
  t.match((await send('GET', '/monitoring/pool-status', undefined, { authorization: `Bearer ${adminKey}` })).json, {
    writes: 'database_read_only',
    database: 'up',
  })
  t.ok(
    service.log.some(({ code, level }) => code === 'database-read-only' && level === 'warn'),
    'it is logged',
  )
  await standby.promote()
  await until('it takes writes', async () => (await put(url)).status === 200)
  t.match(await ask(anew()), { status: 200, json: { answer: /12,000/ } })
  t.match(await send('GET', '/readyz'), { status: 200, json: { components: { writes: 'ok' } } })
  await until('it hears of changes', () =>
    administer(
      standby.adminUrl,
      async sql => (await sql`select from pg_stat_activity where query like 'listen askwell%'`).length === 1,
    ),
  )
  t.ok(service.log.some(({ msg }) => msg === 'Postgres accepts writes again'))
  t.same(fatal(service), [])
  t.equal(service.stderr, '')
})

t.test(
  'a database that was made read-only, and writable again: it starts, and no session of before is left',
  { skip },
  async t => {
    const primary = await startPrimary(t)
    await fill(t, primary.url)
    const set = (value: string) => administer(primary.adminUrl, sql => sql.unsafe(`alter database askwell ${value}`))
    await set('set default_transaction_read_only = on')
    const service = startService(t, { ...settings, DATABASE_URL: primary.url })
    const url = await service.ready()
    t.match(await clientOf(url).ask(anew()), { status: 200, json: { answer: /12,000/ } })
    t.match(await put(url), readOnly)
    await set('reset default_transaction_read_only')
    await until('it takes writes', async () => (await put(url)).status === 200)
    for (let i = 0; i < 8; i++) t.equal((await put(url)).status, 200)
    await set('set default_transaction_read_only = on')
    await administer(
      primary.adminUrl,
      sql => sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'askwell%'`,
    )
    await until('it is known', async () => (await put(url)).json?.code === 'database_read_only')
    t.equal(service.stderr, '')
  },
)

t.test('a standby that lacks the schema: it says so and does not start', { skip }, async t => {
  const primary = await startPrimary(t)
  await administer(primary.url, sql => sql`drop table migrations`)
  const standby = await startStandby(t, primary)
  const service = startService(t, { ...settings, DATABASE_URL: standby.url })
  t.same(await service.exited(), { code: 1, signal: null })
  t.match(service.stderr, /accepts no writes .*askwell migrate on the primary/)
})

t.test('several servers: the one that writes is used, and the next one after a switchover', { skip }, async t => {
  const primary = await startPrimary(t)
  await fill(t, primary.url)
  const standby = await startStandby(t, primary)
  const primaryPort = new URL(primary.url).port
  const several = `postgres://postgres@127.0.0.1:${standby.port},127.0.0.1:${primaryPort}/askwell`
  for (const wanted of ['', '?target_session_attrs=read-write', '?target_session_attrs=primary']) {
    await t.test(`DATABASE_URL with ${wanted || 'no wish'}`, async t => {
      const service = startService(t, { ...settings, DATABASE_URL: several + wanted })
      t.match(await put(await service.ready()), { status: 200 })
      service.signal('SIGTERM')
      t.same(await service.exited(), { code: 0, signal: null })
    })
  }
  const reader = startService(t, {
    ...settings,
    DATABASE_URL: `postgres://postgres@127.0.0.1:${primaryPort},127.0.0.1:${standby.port}/askwell?target_session_attrs=standby`,
  })
  t.match(await put(await reader.ready()), readOnly, 'target_session_attrs=standby')
  const service = startService(t, { ...settings, DATABASE_URL: `${several}?target_session_attrs=read-write` })
  const url = await service.ready()
  t.match(await put(url), { status: 200 })
  await standby.caughtUp()
  await primary.stop('immediate')
  t.match(await put(url), { status: 503 })
  await standby.promote()
  await until('it writes on the other one', async () => (await put(url)).status === 200)
  t.match(await clientOf(url).ask(anew()), { status: 200, json: { answer: /12,000/ } })
  t.same(fatal(service), [])
})

t.test('read-write is wanted, and there is but a standby: it waits, and says why it ends', { skip }, async t => {
  const primary = await startPrimary(t)
  const standby = await startStandby(t, primary)
  const service = startService(t, {
    ...settings,
    DATABASE_URL: `${standby.url}?target_session_attrs=read-write`,
    START_TIMEOUT_SECONDS: '1',
  })
  t.same(await service.exited(), { code: 1, signal: null })
  t.match(service.stderr, /no server of DATABASE_URL is read-write.*is a standby/)
})
