import t from 'tap'
import { readRedisUrl } from '../../../src/config/redis-url.ts'

const plain = { isEncrypted: false, db: 0, master: '' }

t.test('a single server: port, database and login may be left out', async t => {
  t.same(readRedisUrl('redis://cache'), { ...plain, kind: 'single', hosts: [{ host: 'cache', port: 6379 }] })
  t.same(readRedisUrl('redis://cache:7000/2'), {
    ...plain,
    kind: 'single',
    hosts: [{ host: 'cache', port: 7000 }],
    db: 2,
  })
  t.match(readRedisUrl('redis://cache/'), { db: 0 })
  t.match(readRedisUrl('rediss://[2001:db8::1]:7000'), {
    isEncrypted: true,
    hosts: [{ host: '2001:db8::1', port: 7000 }],
  })
})

t.test('several Sentinels: their port is another, and the name of the master is needed', async t => {
  t.same(readRedisUrl('redis+sentinel://one,two:26380/main'), {
    ...plain,
    kind: 'sentinel',
    hosts: [
      { host: 'one', port: 26_379 },
      { host: 'two', port: 26_380 },
    ],
    master: 'main',
  })
  t.match(readRedisUrl('rediss+sentinel://one/the%20master/3?sentinel_password=a%26b%2Bc+d&sentinel_username=me'), {
    isEncrypted: true,
    master: 'the master',
    db: 3,
    sentinelPassword: 'a&b+c+d',
    sentinelUsername: 'me',
  })
  t.equal(readRedisUrl('redis+sentinel://one,two'), undefined)
  t.equal(readRedisUrl('redis+sentinel://one/main/x'), undefined)
})

t.test('a Cluster: some of its nodes, and no database but the first', async t => {
  t.same(readRedisUrl('redis+cluster://one:7000,two'), {
    ...plain,
    kind: 'cluster',
    hosts: [
      { host: 'one', port: 7000 },
      { host: 'two', port: 6379 },
    ],
  })
  t.match(readRedisUrl('rediss+cluster://one/0'), { kind: 'cluster', isEncrypted: true })
  t.equal(readRedisUrl('redis+cluster://one/1'), undefined)
})

t.test('a login is unescaped; the last @ ends it', async t => {
  t.match(readRedisUrl('redis://me:p%40ss%2F%3A@cache'), { username: 'me', password: 'p@ss/:' })
  t.match(readRedisUrl('redis+cluster://me:p@ss:word@one,two'), {
    username: 'me',
    password: 'p@ss:word',
    hosts: [{ host: 'one' }, { host: 'two' }],
  })
  const secretOnly = readRedisUrl('redis://:secret@cache')
  t.equal(secretOnly?.password, 'secret')
  t.notOk(secretOnly && 'username' in secretOnly)
})

t.test('what is not such an address', async t => {
  const wrong = [
    '',
    'cache',
    'http://cache',
    'redis:cache',
    'redis://',
    'redis://:6379',
    'redis://one,two',
    'redis://cache:0',
    'redis://cache:65536',
    'redis://cache:port',
    'redis://cache/x',
    'redis://cache/1/2',
    'redis://cache?family=6',
    'redis://cache#1',
    'redis://ca che',
    'redis://me:100%@cache',
    'redis+unix://cache',
    'redis+cluster://one,',
    'redis+cluster://one,,two',
    'redis+sentinel:///main',
    'redis+sentinel://one/main?password=x',
    'redis+cluster://one?sentinel_password=x',
    'redis+sentinel://one/main?sentinel_password=%',
  ]
  for (const url of wrong) t.equal(readRedisUrl(url), undefined, url)
})
