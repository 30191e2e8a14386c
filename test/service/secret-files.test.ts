import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { adminKey, databaseSettings, skipReason } from '../support/app.ts'
import { handbookSettings } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { administer } from '../support/postgres.ts'
import { startReranker } from '../support/reranker.ts'
import { clientOf, emptyFolder, startService } from '../support/service.ts'
import { startWorkers } from '../support/workers.ts'
import { until } from '../support/until.ts'

/** Secrets that are mounted as files, and change while the service runs. */

const question = 'How much does a place in the dormitory cost?'

t.test('keys in files are followed', { skip: skipReason('postgres') }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-secrets-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const put = (name: string, value: string) => {
    writeFileSync(join(folder, name), `${value}\n`)
    return join(folder, name)
  }
  const [model, reranker] = [await startModel(t), await startReranker(t)]
  const { DATABASE_URL: url = '', ...others } = await handbookSettings(t, 'postgres')
  const { OPENAI_API_KEY: _, ...models } = settingsFor(model)
  const service = startService(t, {
    ...others,
    ...models,
    ADMIN_API_KEY: '',
    ANSWER_CACHE_SECONDS: '0',
    SEMANTIC_CACHE: 'off',
    POOL_SIZE: '1',
    POOL_MAX_OVERFLOW: '0',
    RERANK_URL: reranker.url,
    RERANK_MODEL: 'test-rerank',
    DATABASE_URL_FILE: put('database', url),
    OPENAI_API_KEY_FILE: put('openai', 'the-first-key'),
    RERANK_API_KEY_FILE: put('rerank', 'the-first-rerank-key'),
    ADMIN_API_KEY_FILE: put('admin', adminKey),
  })
  const { ask, send } = clientOf(await service.ready())
  const adminStatus = async (key: string) =>
    (await send('GET', '/cache', undefined, { authorization: `Bearer ${key}` })).status
  t.match(service.log.find(({ msg }) => msg === 'ready')?.['database'], /^PostgreSQL/, 'not the embedded database')
  t.equal((await ask({ question })).status, 200)
  t.equal(model.chat.requests.at(-1)?.headers.authorization, 'Bearer the-first-key')
  t.same([await adminStatus(adminKey), await adminStatus('a-second-key-of-the-admin')], [200, 401])

  await t.test('SIGHUP: the new keys count at once, the former one of the admin no longer', async t => {
    put('openai', 'the-second-key')
    put('rerank', 'the-second-rerank-key')
    put('admin', 'a-second-key-of-the-admin')
    service.signal('SIGHUP')
    const changed = () => service.log.filter(({ msg }) => String(msg).endsWith('the new value is used from now on'))
    await until('they are read', () => changed().length === 3)
    t.equal((await ask({ question: `${question} Please.`, top_k: 4 })).status, 200)
    t.equal(model.chat.requests.at(-1)?.headers.authorization, 'Bearer the-second-key')
    t.equal(reranker.requests.at(-1)?.authorization, 'Bearer the-second-rerank-key')
    t.same([await adminStatus(adminKey), await adminStatus('a-second-key-of-the-admin')], [401, 200])
  })

  await t.test('a half-written file changes nothing, and the log says so without its text', async t => {
    put('admin', 'short')
    service.signal('SIGHUP')
    await until('it is said', () =>
      service.log.some(({ msg }) => /ADMIN_API_KEY_FILE.*keeping the prev/.test(String(msg))),
    )
    t.equal(await adminStatus('a-second-key-of-the-admin'), 200)
    t.notMatch(JSON.stringify(service.log), /the-second-key|second-rerank|a-second-key|short/)
  })
})

t.test('a new database password: for new connections', { skip: skipReason('postgres') }, async t => {
  const { DATABASE_URL: url = '', ...others } = await databaseSettings(t, 'postgres')
  const folder = emptyFolder(t)
  const file = join(folder, 'url')
  const role = `follower_${process.pid}`
  const { port, pathname } = new URL(url)
  const database = pathname.slice(1)
  const withLogin = (password: string) => `postgres://${role}:${password}@127.0.0.1:${port}/${database}`
  await administer(url, async sql => {
    await sql.unsafe(`create role ${role} login superuser password 'first'`)
  })
  t.teardown(() =>
    administer(url, async sql => {
      await sql.unsafe(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`)
    }),
  )
  writeFileSync(file, withLogin('first'))
  const service = startService(t, { ...others, DATABASE_URL_FILE: file })
  const { send } = clientOf(await service.ready())
  writeFileSync(file, `${withLogin('second')}\n`)
  service.signal('SIGHUP')
  await until('it is read', () =>
    service.log.some(({ msg }) => String(msg).startsWith('DATABASE_URL_FILE has changed')),
  )
  await administer(url, async sql => {
    await sql.unsafe(`alter role ${role} password 'second'`)
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`
  })
  await until('new connections use it', async () => (await send('GET', '/readyz')).status === 200)
  service.signal('SIGTERM')
  await service.exited()
  t.notMatch(JSON.stringify(service.log), /:second@|rejected our credentials/)
})

t.test('SIGHUP without a file of keys or secrets is ignored', async t => {
  const service = startService(t, await databaseSettings(t, 'embedded'))
  await service.ready()
  service.signal('SIGHUP')
  await until('it is said', () => service.log.some(({ msg }) => String(msg).startsWith('SIGHUP ignored')))
  service.signal('SIGTERM')
  t.same(await service.exited(), { code: 0, signal: null })
})

t.test('SIGHUP to several workers: all read their files', { skip: skipReason('postgres') }, async t => {
  const file = join(emptyFolder(t), 'admin')
  writeFileSync(file, adminKey)
  const { ADMIN_API_KEY: _, ...settings } = {
    ...(await databaseSettings(t, 'postgres')),
    ADMIN_API_KEY: '',
    ADMIN_API_KEY_FILE: file,
  }
  const service = await startWorkers(t, 2, { ...settings, ADMIN_API_KEY: '' })
  writeFileSync(file, 'a-second-key-of-the-admin')
  service.signal('SIGHUP')
  const read = (worker: number) => service.linesOf(worker).some(({ msg }) => msg === 'API keys reloaded')
  await until('both have read it', () => read(1) && read(2), { ended: service.exited() })
  service.signal('SIGTERM')
  t.same(await service.exited(), { code: 0, signal: null })
})
