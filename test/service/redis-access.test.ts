import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { openRedis } from '../../src/adapters/redis/redis.ts'
import { adminKey, skipReason, startApp } from '../support/app.ts'
import { selfSigned } from '../support/certificate.ts'
import { loadHandbook } from '../support/corpus.ts'
import { redisSkipReason, startRedis, startRedisProgram, told } from '../support/redis.ts'
import { freePort, type Owner } from '../support/server-process.ts'
import { until } from '../support/until.ts'

/** What REDIS_URL says of the database, TLS and the user, against real servers. */

const skip = redisSkipReason()

function open(t: Owner, url: string) {
  const errors: string[] = []
  const say = (fields: { err?: Error }) => void (fields.err && errors.push(fields.err.message))
  const redis = openRedis(url, {
    keyPrefix: 'askwell:test:',
    timeoutMs: 600_000,
    log: { debug: say, info: say, warn: say, error: say },
  })
  t.teardown(redis.close)
  return { ...redis, errors }
}

t.test('a database that the server does not have is refused, and database 0 is not used', { skip }, async t => {
  const server = await startRedis(t, ['--databases', '4'])
  const redis = open(t, `${server.url}/4`)
  await until('it is known', () => redis.outage() === 'refuses')
  t.match(redis.errors, [/DB index is out of range/])
  t.equal(redis.isUsable(), false)
  t.equal(await redis.attempt('set', async () => t.fail('it was asked')), undefined)
  const last = open(t, `${server.url}/3`)
  await until('it is usable', last.isUsable)
  await last.attempt('set', client => client.set('key', 'value'))
  t.match(await told(server, client => client.info('keyspace')), /^(?![^]*db0:)[^]*db3:keys=1/)
})

t.test('TLS with a certificate authority of our own', { skip }, async t => {
  const port = await freePort()
  let root = ''
  await startRedisProgram('redis', t, folder => {
    const { cert, key } = selfSigned(folder, undefined)
    root = cert
    return [
      '--tls-port',
      String(port),
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-auth-clients',
      'no',
      '--save',
      '',
    ]
  })
  const url = `rediss://localhost:${port}`
  for (const tail of [`?ssl_ca_certs=${root}`, '?ssl_cert_reqs=none']) {
    const redis = open(t, url + tail)
    await until('it is usable', redis.isUsable)
    t.equal(await redis.attempt('set', client => client.set('key', 'value')), 'OK', tail)
  }
  const untrusted = open(t, url)
  await until('it is refused', () => untrusted.errors.length > 0)
  t.match(untrusted.errors, [/self-signed certificate/])
})

t.test(
  'a user with the rights of the documentation is denied nothing',
  { skip: skip || skipReason('postgres') },
  async t => {
    const guide = readFileSync(join(dirname(import.meta.dirname), '../docs/guides/caching.md'), 'utf8')
    const [, rights = ''] = /^ACL SETUSER askwell on >PASSWORD (.*)$/m.exec(guide) ?? []
    const server = await startRedis(t)
    await told(server, client => client.call('ACL', 'SETUSER', 'askwell', 'on', '>50%off', ...rights.split(' ')))
    const settings = {
      REDIS_URL: `${server.url.replace('//', '//askwell:50%25off@')}/1`,
      REDIS_TIMEOUT_MS: '10000',
      EMBEDDING_MODEL: 'local',
      RATE_LIMIT: '1000',
      BUDGET_TOKENS_PER_DAY: '1000000',
    }
    const app = await startApp(t, 'postgres', settings)
    const headers = { authorization: `Bearer ${adminKey}` }
    await until('Redis is usable', () => app.deps.redis?.isUsable())
    await loadHandbook(app)
    const question = { question: 'How much does a place in the dormitory cost?' }
    t.match(await app.ask(question), { status: 200 })
    const keys = () => told(server, async client => (await client.select(1), await client.keys('askwell:*:answer:*')))
    await until('the answer is in Redis', async () => (await keys()).length > 0)
    t.match(await app.send('GET', '/cache', undefined, headers), { status: 200 })
    t.match(await app.send('DELETE', '/cache', undefined, headers), { status: 200 })
    await app.stop()
    t.same(await told(server, client => client.call('ACL', 'LOG')), [])
  },
)
