import { hash } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { anyWorld, databaseSettings } from '../support/app.ts'
import { clientOf, emptyFolder, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** Keys come and go without a restart. */

const secretOf = (name: string) => `askwell_${name}_of_many_random_letters`
const listOf = (...names: string[]) =>
  JSON.stringify(
    names.map(name => ({
      name,
      sha256: hash('sha256', secretOf(name), 'hex'),
      ...(name === 'few' && { rate_limit: 2 }),
    })),
  )
const nothing = { question: 'Who?', collection: 'nowhere' }

t.test('the file of keys changes while it runs', async t => {
  const folder = emptyFolder(t)
  const file = join(folder, 'keys.json')
  writeFileSync(file, listOf('web', 'leak'))
  const service = startService(t, { ...(await databaseSettings(t, anyWorld)), API_KEYS_FILE: file })
  const { ask } = clientOf(await service.ready())
  const statusOf = async (name: string) => (await ask(nothing, { authorization: `Bearer ${secretOf(name)}` })).status
  const told = (text: string) => service.log.filter(({ msg }) => String(msg).startsWith(text)).length
  t.same([await statusOf('web'), await statusOf('leak'), await statusOf('new')], [404, 404, 401])

  await t.test('a key is taken out and another comes: found by itself', async t => {
    writeFileSync(`${file}.next`, listOf('web', 'new', 'few'))
    renameSync(`${file}.next`, file)
    await until('the new one opens', async () => (await statusOf('new')) === 404)
    t.same([await statusOf('web'), await statusOf('leak')], [404, 401])
    const line = await until('it is said', () => service.log.find(({ msg }) => msg === 'API keys reloaded'))
    t.match(line, { level: 'info', keys: ['ADMIN_API_KEY', 'web', 'new', 'few'] })
    t.same(
      [await statusOf('few'), await statusOf('few'), await statusOf('few')],
      [404, 404, 429],
      'its limit holds too',
    )
  })

  await t.test('a file with a fault, or none: the keys from before hold, and it is said', async t => {
    writeFileSync(file, listOf('web').slice(0, -5))
    await until('it is said', () => told('API_KEYS_FILE has changed but is invalid') === 1)
    t.same([await statusOf('web'), await statusOf('new')], [404, 404])
    rmSync(file)
    await until('it is said', () => told('API_KEYS_FILE has changed but is invalid') === 2)
    t.same([await statusOf('web'), await statusOf('new')], [404, 404])
    t.notOk(JSON.stringify(service.log).includes(hash('sha256', secretOf('web'), 'hex')), 'nothing of it is shown')
  })

  await t.test('SIGHUP: at once', async t => {
    const before = told('API keys reloaded')
    writeFileSync(file, listOf('web'))
    service.signal('SIGHUP')
    await until('it is read', () => told('API keys reloaded') > before)
    t.same([await statusOf('web'), await statusOf('new')], [404, 401])
  })

  await t.test('the last key is taken out: nobody may ask, rather than everybody', async t => {
    writeFileSync(file, '[]')
    await until('it opens nothing', async () => (await statusOf('web')) === 401)
    t.equal((await ask(nothing)).status, 401)
  })
})

t.test('the first key comes while it runs: from then on one is needed', async t => {
  const folder = emptyFolder(t)
  const file = join(folder, 'keys.json')
  writeFileSync(file, '[]')
  const service = startService(t, { ...(await databaseSettings(t, anyWorld)), API_KEYS_FILE: file })
  const { ask } = clientOf(await service.ready())
  t.equal((await ask(nothing)).status, 404)
  writeFileSync(file, listOf('web'))
  service.signal('SIGHUP')
  await until('a key is needed', async () => (await ask(nothing)).status === 401)
  t.equal((await ask(nothing, { authorization: `Bearer ${secretOf('web')}` })).status, 404)
})
