import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { openRedis, type RedisServer } from '../../src/adapters/redis/redis.ts'
import { silent } from '../../src/events.ts'
import type { RedisFault } from '../../src/faults.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { startWatchedRedis } from '../support/redis-sentinel.ts'
import { redisSkipReason, startRedis, told, type Redis } from '../support/redis.ts'
import type { Owner } from '../support/server-process.ts'
import { until } from '../support/until.ts'

/** Redis in each of its three forms, and each way it fails: no request waits for it, and it is used when it is back. */

interface Opened extends RedisServer {
  /** Messages of the log, oldest first. */
  readonly said: readonly string[]
  readonly failures: readonly RedisFault[]
  set(key: string, value?: string): Promise<'OK' | undefined>
  get(key: string): Promise<string | null | undefined>
}

/** A busy machine may be taken for a deaf server: what must hold is waited for. */
const timeoutMs = 250
/** For servers that are well: nothing is late. */
const patientMs = 600_000

function open(t: Owner, url: string, timeoutMs: number): Opened {
  const said: string[] = []
  const failures: RedisFault[] = []
  const say = (_: object, message: string) => void said.push(message)
  const log = { debug: say, info: say, warn: say, error: say }
  const redis = openRedis(url, {
    keyPrefix: 'askwell:test:',
    timeoutMs,
    log,
    events: { ...silent, redisFailed: reason => failures.push(reason) },
  })
  t.teardown(redis.close)
  const set = (key: string, value = 'value') => redis.attempt('set', client => client.set(key, value))
  return { ...redis, said, failures, set, get: key => redis.attempt('get', client => client.get(key)) }
}

async function openReady(t: Owner, url: string, limitMs = timeoutMs): Promise<Opened> {
  const redis = open(t, url, limitMs)
  await until('it is usable', redis.isUsable)
  return redis
}

const works = (redis: Opened, key: string) =>
  until(`${key} can be written`, async () => (await redis.set(key)) === 'OK' && (await redis.get(key)) === 'value')

t.test('a single Redis', { skip: redisSkipReason() }, async t => {
  t.test('keeps what it is given, behind a password and in the database of its URL', async t => {
    const server = await startRedis(t, ['--requirepass', 'p@ss word'])
    const url = server.url.replace('//', '//:p%40ss%20word@')
    const redis = await openReady(t, `${url}/3`, patientMs)
    await works(redis, 'key')
    t.equal(redis.status(), 'ready')
    const elsewhere = await openReady(t, `${url}/4`, patientMs)
    t.equal(await elsewhere.get('key'), null)
  })

  t.test('absent at the start: nothing is tried, and it is used when it comes', async t => {
    const server = await startRedis(t)
    await server.stop()
    const redis = open(t, server.url, timeoutMs)
    await until('it was tried', () => redis.said.length > 0)
    t.equal(redis.isUsable(), false)
    t.equal(await redis.attempt('get', async () => t.fail('it was asked')), undefined)
    t.same(redis.failures, ['down'])
    await server.start()
    await works(redis, 'key')
    t.same(redis.said, ['Redis cannot be used: continuing without it', 'Redis is available again'])
  })

  t.test('killed: undefined at once, and used when it is back', async t => {
    const server = await startRedis(t)
    const redis = await openReady(t, server.url)
    await server.kill()
    await until('it is noticed', () => !redis.isUsable())
    t.equal(await redis.get('key'), undefined)
    await server.start()
    await works(redis, 'key')
    t.match(redis.said, [
      'Redis connected',
      /^Redis (connection lost|cannot be used): continuing without it$/,
      'Redis is available again',
    ])
    t.equal(redis.said.length, 3)
  })

  t.test('frozen: nobody waits once that is known, and it is used when it thaws', async t => {
    const server = await startRedis(t)
    const redis = await openReady(t, server.url)
    server.freeze()
    await until('it is known', async () => (await redis.get('key')) === undefined && !redis.isUsable())
    t.equal(redis.status(), 'deaf')
    t.ok(redis.failures.includes('timeout'))
    t.equal(await redis.attempt('get', async () => t.fail('it was asked')), undefined)
    t.equal(redis.failures.at(-1), 'down')
    t.same(redis.said, ['Redis connected', 'Redis does not respond: continuing without it'])
    server.thaw()
    await works(redis, 'key')
    t.equal(redis.said.at(-1), 'Redis is available again')
  })

  t.test('frozen while nobody asks: that is known too, and the connection is given up for a new one', async t => {
    const server = await startRedis(t)
    const redis = await openReady(t, server.url)
    const clientId = () => redis.attempt('ask who we are', client => client.client('ID'))
    const before = await until('it says who we are', clientId)
    server.freeze()
    await until('it is deaf', () => redis.status() === 'deaf')
    await until('the connection is given up', () => redis.client.status !== 'ready')
    server.thaw()
    t.not(await until('it says who we are', clientId), before)
  })

  t.test('a reply that came while we were busy is not late', async t => {
    const server = await startRedis(t)
    const redis = await openReady(t, server.url)
    await works(redis, 'key')
    const reply = redis.get('key')
    // It takes commands in turn: when it has answered another, it has answered ours.
    execFileSync('redis-cli', ['-u', server.url, 'ping'])
    const end = performance.now() + 3 * timeoutMs
    while (performance.now() < end) {
      /* as a long parse would */
    }
    t.equal(await reply, 'value')
  })

  t.test('full: it is read, not written, and stays in use; written when there is room', async t => {
    const server = await startRedis(t)
    const redis = await openReady(t, server.url, patientMs)
    await works(redis, 'key')
    await told(server, client => client.config('SET', 'maxmemory', '1'))
    for (let i = 0; i < 5; i++) t.equal(await redis.set('more'), undefined)
    t.equal(await redis.get('key'), 'value')
    t.ok(redis.isUsable())
    t.same(redis.failures, ['full', 'full', 'full', 'full', 'full'])
    t.equal(
      await redis.attempt('count', client => client.eval("return redis.call('INCR', KEYS[1])", 1, 'count')),
      undefined,
    )
    t.equal(redis.failures.at(-1), 'full', 'also when a script says so')
    await told(server, client => client.config('SET', 'maxmemory', '0'))
    await works(redis, 'more')
    t.same(redis.said, [
      'Redis connected',
      'Redis is out of memory: continuing without the writes it rejects',
      'Redis accepts writes again',
    ])
  })

  t.test('a value of another kind: the caller is told, and may remove it', async t => {
    const redis = await openReady(t, (await startRedis(t)).url, patientMs)
    await redis.attempt('push', client => client.lpush('key', 'a'))
    let removal: Promise<number | undefined> | undefined
    const remove = () => void (removal = redis.attempt('remove', client => client.del('key')))
    for (let i = 0; i < 5; i++) t.equal(await redis.get('key'), undefined)
    t.equal(await redis.attempt('get', client => client.get('key'), remove), undefined)
    t.equal(await removal, 1)
    t.equal(await redis.get('key'), null)
    t.ok(redis.isUsable())
    t.equal(redis.said.length, 2, 'told once')
  })

  t.test("a caller's own fault is not the server's", async t => {
    const redis = await openReady(t, (await startRedis(t)).url, patientMs)
    for (let i = 0; i < 5; i++) t.equal(await redis.attempt('read', async () => JSON.parse('{')), undefined)
    t.equal(
      await redis.attempt('read', () => {
        throw new Error('before it was a promise')
      }),
      undefined,
    )
    t.same(new Set(redis.failures), new Set(['other']))
    t.ok(redis.isUsable())
  })

  t.test('made a replica: it is read, not written; written when it is the master again', async t => {
    const server = await startRedis(t)
    const redis = await openReady(t, server.url, patientMs)
    await works(redis, 'key')
    await told(server, client => client.replicaof('127.0.0.1', 1))
    for (let i = 0; i < 5; i++) t.equal(await redis.set('more'), undefined)
    t.equal(await until('it is read', () => redis.get('key')), 'value')
    await told(server, client => client.replicaof('NO', 'ONE'))
    await works(redis, 'more')
  })
})

t.test('Redis behind a Sentinel: the master dies, and its replica is used', { skip: redisSkipReason() }, async t => {
  const { url, master, replica } = await startWatchedRedis(t)
  const redis = await openReady(t, url)
  await works(redis, 'key')
  t.match(await redis.attempt('ask for its port', client => client.config('GET', 'port')), [
    'port',
    String(master.port),
  ])
  await until('the replica has it', async () => (await told(replica, client => client.get('key'))) === 'value')
  await master.kill()
  await until('that is noticed', () => !redis.isUsable())
  await works(redis, 'another key')
  t.match(await redis.attempt('ask for its port', client => client.config('GET', 'port')), [
    'port',
    String(replica.port),
  ])
  t.equal(await redis.get('key'), 'value')
})

t.test('a Redis Cluster', { skip: redisSkipReason() }, async t => {
  const { url, nodes, keyOf } = await startRedisCluster(t)
  const keys = await Promise.all(nodes.map(keyOf))
  const [lost = '', ...others] = keys
  const [node] = nodes as [Redis, ...Redis[]]
  const redis = await openReady(t, url)

  t.test('each node is used for its keys', async t => {
    for (const key of keys) await works(redis, key)
    for (const [i, key] of keys.entries()) t.same(await told(nodes[i] as Redis, client => client.keys('*')), [key])
  })

  const faults = [
    ['killed', () => node.kill(), () => node.start()],
    ['frozen', () => node.freeze(), () => node.thaw()],
  ] as const
  for (const [fault, breakIt, mendIt] of faults) {
    t.test(`a node ${fault}: nobody asks it, the others work, and it is used when it is back`, async t => {
      await breakIt()
      await until('that is known', async () => {
        t.equal(await redis.get(lost), undefined)
        return (
          redis.said.filter(message => message.startsWith('a Redis node does not respond')).length >
          faults.findIndex(([name]) => name === fault)
        )
      })
      t.equal(await redis.get(lost), undefined)
      t.equal(redis.failures.at(-1), 'down', 'not tried')
      for (const key of others) await works(redis, key)
      await mendIt()
      await works(redis, lost)
    })
  }

  t.test('all frozen: it is not used; one thaws: that one is', async () => {
    for (const each of nodes) each.freeze()
    await until('it is known', () => !redis.isUsable())
    node.thaw()
    await works(redis, lost)
    for (const each of nodes) each.thaw()
    for (const key of keys) await works(redis, key)
  })
})

t.test('closing ends all that would hold up the exit', { skip: redisSkipReason() }, async t => {
  const [ready, frozen, cluster] = await Promise.all([startRedis(t), startRedis(t), startRedisCluster(t)])
  frozen.freeze()
  const isUsable = 'redis.isUsable()'
  const aWhile = 'Date.now() > begun + 300'
  const cases: [url: string, after: string][] = [
    [ready.url, isUsable],
    [cluster.url, isUsable],
    [frozen.url, aWhile],
    ['redis://127.0.0.1:1', aWhile],
    ['redis+sentinel://127.0.0.1:1/main', aWhile],
    ['redis+cluster://127.0.0.1:1', aWhile],
  ]
  await Promise.all(
    cases.map(async ([url, after]) => {
      const script = `
      import { openRedis } from ${JSON.stringify(new URL('../../src/adapters/redis/redis.ts', import.meta.url))}
      const say = () => {}, begun = Date.now()
      const redis = openRedis(${JSON.stringify(url)}, { keyPrefix: 'askwell:test:', timeoutMs: 50, log: { debug: say, info: say, warn: say, error: say } })
      while (!(${after})) await new Promise(resolve => setTimeout(resolve, 10))
      await redis.close()
      console.log('closed')`
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        timeout: 600_000,
      })
      t.equal(stdout, 'closed\n', url)
    }),
  )
})
