import { readFileSync, writeFileSync } from 'node:fs'
import postgres from 'postgres'
import t from 'tap'
import { skipReason } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startPostgres } from '../support/postgres.ts'
import { clientOf, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** A server that is there and lets Askwell in no more: said once, not a fault of each question, and over by itself. */

const rent = 'How much does a place in the dormitory cost?'
const password = 'the-password-of-askwell'
let asked = 0
/** Another question each time, so that nothing of it is remembered. */
const anew = () => ({ question: `${++asked}. ${rent}` })

t.test('a database that lets nobody in any more', { skip: skipReason('postgres') }, async t => {
  const server = await startPostgres(t)
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
  t.teardown(() => admin.end())
  await admin.unsafe(`create role askwell superuser login password '${password}'`)
  await askForPasswords(admin)
  const url = server.url.replace('postgres@', `askwell:${password}@`)

  await t.test('at the start: one line that says so, exit 1', async t => {
    const service = startService(t, { DATABASE_URL: url.replace(password, 'another'), EMBEDDING_MODEL: 'local' })
    t.same(await service.exited(), { code: 1, signal: null })
    t.match(
      service.stderr,
      /^askwell: [^\n]*; check [^\n]*DATABASE_URL \([^\n]*password authentication failed[^\n]*\)\n$/,
    )
    t.notOk(service.log.some(({ msg }) => String(msg).includes('waiting')))
  })

  const service = startService(t, { DATABASE_URL: url, EMBEDDING_MODEL: 'local' })
  const { ask, send } = clientOf(await service.ready())
  await loadHandbook({ send })
  const loud = () =>
    service.log.filter(({ level, msg }) => level === 'error' && String(msg).endsWith('the CONNECT privilege'))
  const quiet = () => service.log.filter(({ msg }) => msg === 'Postgres accepts our credentials again')

  for (const [number, { what, lock, unlock, code }] of [
    {
      what: 'another password',
      lock: `alter role askwell password 'another'`,
      unlock: `alter role askwell password '${password}'`,
      code: '28P01',
    },
    {
      what: 'a role that may not log in',
      lock: 'alter role askwell nologin',
      unlock: 'alter role askwell login',
      code: '28000',
    },
    {
      what: 'a database that is gone',
      lock: 'alter database askwell rename to away',
      unlock: 'alter database away rename to askwell',
      code: '3D000',
    },
    {
      what: 'a database that takes no connections',
      lock: 'alter database askwell allow_connections false',
      unlock: 'alter database askwell allow_connections true',
      code: '55000',
    },
  ].entries()) {
    await t.test(what, async t => {
      await until('it is locked', () =>
        hangUp(admin)
          .then(() => admin.unsafe(lock))
          .then(
            () => true,
            () => false,
          ),
      )
      await hangUp(admin)
      await until('it is said', () => loud().length > number)
      for (let i = 0; i < 10; i++) t.match(await ask(anew()), { status: 503, json: { code: 'database_unavailable' } })
      await until(
        'it is known to be down',
        async () => (await send('GET', '/readyz')).json.breakers.database === 'open',
      )
      t.match(await send('GET', '/readyz'), { status: 503, json: { status: 'no database' } })
      t.equal(loud().length, number + 1, 'once, not for each question')
      t.match(loud().at(-1), { dependency: 'database', err: { code } })
      await admin.unsafe(unlock)
      await until('it answers again', async () => (await ask(anew())).status === 200)
      await until('that is said too', () => quiet().length > number)
    })
  }
  t.notOk((service.stderr + JSON.stringify(service.log)).includes(password))
})

async function askForPasswords(admin: postgres.Sql): Promise<void> {
  const [row] = await admin`show hba_file`
  const file = String(row?.['hba_file'])
  writeFileSync(file, `host all askwell 127.0.0.1/32 scram-sha-256\n${readFileSync(file, 'utf8')}`)
  await admin`select pg_reload_conf()`
}

/** Who is connected stays so, whatever becomes of the password. */
async function hangUp(admin: postgres.Sql): Promise<void> {
  await admin`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'askwell'`
}
