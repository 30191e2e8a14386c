import t from 'tap'
import { createBackends } from '../../src/adapters/postgres/backends.ts'
import { openClient } from '../../src/adapters/postgres/client.ts'
import { openServers } from '../../src/adapters/postgres/servers.ts'
import { skipReason } from '../support/app.ts'
import { startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

t.test(
  'a backend is asked about, and cancelled, at its own server, and no other that has its number',
  { skip: skipReason('postgres') },
  async t => {
    const [one, other] = await Promise.all([startPostgres(t), startPostgres(t)])
    const ports = [one, other].map(({ url }) => new URL(url).port)
    const servers = openServers(`postgres://postgres@127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}/askwell`)
    const { stateOf, cancel } = createBackends(servers)
    const client = openClient(other.url, { name: 'backends test', statementTimeoutMs: 0 })
    t.teardown(() => client.end(1000))
    const [row] =
      await client.sql`select pg_backend_pid() as pid, (select extract(epoch from backend_start)::text from pg_stat_activity where pid = pg_backend_pid()) as started`
    const backend = { pid: Number(row?.['pid']), startedAt: String(row?.['started']), server: client.server }
    t.equal(await stateOf(backend), 'idle')
    const sleeping = client.sql`select pg_sleep(600)`.then(
      () => 'slept',
      (error: unknown) => error,
    )
    await until('it sleeps', async () => (await stateOf(backend)) === 'busy')
    t.equal(await stateOf({ ...backend, server: null }), 'gone', 'the first server has none like it')
    t.equal(await stateOf({ ...backend, startedAt: '1.5' }), 'gone', "the number is another's by now")
    await cancel({ ...backend, server: null })
    await cancel({ ...backend, startedAt: '1.5' })
    t.equal(await stateOf(backend), 'busy', 'it is left alone')
    await cancel(backend)
    t.match(await sleeping, { code: '57014' })
    await one.stop('immediate')
    await t.rejects(
      stateOf({ ...backend, server: { host: '127.0.0.1', port: Number(ports[0]), path: null } }),
      Error,
      'a server that is not there says nothing',
    )
  },
)
