import { readFileSync, writeFileSync } from 'node:fs'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { skipReason } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startPostgres, type Postgres } from '../support/postgres.ts'
import { clientOf, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/**
 * Connections are open, and the server refuses further ones while a rush of questions wants them: the process lives, each
 * question is answered or refused, and when new ones are let in again all is well.
 */

const password = 'the-password-of-askwell'
let asked = 0
/** Another question each time, so that nothing of it is remembered. */
const anew = () => ({ question: `How much does a place in the dormitory cost guest number ${++asked}?` })

interface Refusal {
  readonly what: string
  readonly begin: (admin: postgres.Sql) => Promise<unknown>
  readonly end: (admin: postgres.Sql) => Promise<unknown>
}

const crowd: postgres.Sql[] = []

const refusals: readonly Refusal[] = [
  {
    what: 'the role has its connections',
    begin: admin => admin`alter role askwell connection limit 1`,
    end: admin => admin`alter role askwell connection limit -1`,
  },
  {
    what: 'the database has its connections',
    begin: admin => admin`alter database askwell connection limit 1`,
    end: admin => admin`alter database askwell connection limit -1`,
  },
  {
    what: 'the server has its connections',
    begin: fill,
    end: async () => void (await Promise.all(crowd.splice(0).map(each => each.end()))),
  },
  {
    what: 'the right to connect was taken away',
    begin: admin => admin`revoke connect on database askwell from public`,
    end: admin => admin`grant connect on database askwell to public`,
  },
  {
    what: 'the database takes no connections',
    begin: admin => admin`alter database askwell allow_connections false`,
    end: admin => admin`alter database askwell allow_connections true`,
  },
  {
    what: 'the password was changed',
    begin: admin => admin`alter role askwell password 'another'`,
    end: admin => admin.unsafe(`alter role askwell password '${password}'`),
  },
]

for (const isEncrypted of [false, true]) {
  t.test(`new connections are refused${isEncrypted ? ', over TLS' : ''}`, { skip: skipReason('postgres') }, async t => {
    const server = await startPostgres(t, { isEncrypted, settings: { max_connections: '40' } })
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
    t.teardown(() => admin.end())
    await makeRole(admin, server)
    const service = startService(t, {
      DATABASE_URL: server.url.replace('postgres@', `askwell:${password}@`),
      EMBEDDING_MODEL: 'local',
      POOL_SIZE: '2',
      POOL_MAX_OVERFLOW: '18',
      ANSWER_CACHE_SECONDS: '0',
      SEMANTIC_CACHE: 'off',
    })
    const client = clientOf(await service.ready())
    await loadHandbook(client)
    await admin`alter role askwell nosuperuser` // whom no limit holds
    for (const refusal of refusals) await t.test(refusal.what, t => rush(t, refusal, admin, client.ask))
    t.equal(service.stderr, '')
    t.same(
      service.log.filter(({ level }) => level === 'fatal'),
      [],
      'nothing that nobody caught',
    )
    service.signal('SIGTERM')
    t.same(await service.exited(), { code: 0, signal: null })
  })
}

async function rush(
  t: Test,
  { begin, end }: Refusal,
  admin: postgres.Sql,
  ask: ReturnType<typeof clientOf>['ask'],
): Promise<void> {
  await until('it has few connections', () => ask(anew()).then(({ status }) => status === 200))
  await begin(admin)
  for (let i = 0; i < 2; i++) {
    const replies = await Promise.all(Array.from({ length: 12 }, () => ask(anew())))
    const codes = replies.map(({ status, json }) => (status === 200 ? 'answered' : String(json.code)))
    t.same(
      codes.filter(code => code !== 'answered' && code !== 'database_unavailable'),
      [],
      `each is answered or refused: ${JSON.stringify(
        Object.groupBy(codes, code => code),
        (_, value) => (Array.isArray(value) ? value.length : value),
      )}`,
    )
  }
  await end(admin)
  await until('it answers again', () => ask(anew()).then(({ status }) => status === 200))
}

/** Takes every connection that is left. */
async function fill(admin: postgres.Sql): Promise<void> {
  const { host, port } = admin.options
  await admin.unsafe(
    `do $$ begin if not exists (select from pg_roles where rolname = 'crowd') then create role crowd login; end if; end $$`,
  )
  for (;;) {
    const one = postgres({
      host: host[0] as string,
      port: port[0] as number,
      user: 'crowd',
      database: 'postgres',
      max: 1,
      onnotice: () => {},
    })
    crowd.push(one)
    try {
      await one`select 1`
    } catch {
      return
    }
  }
}

/** Owns what Askwell uses, as in a deployment. */
async function makeRole(admin: postgres.Sql, server: Postgres): Promise<void> {
  await admin.unsafe(`create role askwell superuser login password '${password}'`)
  const inside = postgres(server.adminUrl, { max: 1, database: 'askwell', onnotice: () => {} })
  await inside`grant all on all tables in schema public to askwell`
  await inside`grant all on all sequences in schema public to askwell`
  await inside.end()
  const [row] = await admin`show hba_file`
  const file = String(row?.['hba_file'])
  writeFileSync(file, `host all askwell 127.0.0.1/32 scram-sha-256\n${readFileSync(file, 'utf8')}`)
  await admin`select pg_reload_conf()`
}
