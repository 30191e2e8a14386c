import { hash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { adminKey, anyWorld, databaseSettings, skipReason, startApp, eitherWorld } from '../support/app.ts'
import { assertContract } from '../support/contract.ts'
import { runCli } from '../support/cli.ts'
import { loadHandbook } from '../support/corpus.ts'
import { handbookSettings, startHandbookApp } from '../support/handbook-app.ts'
import { clientOf, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** Strangers, keys that may do some things only, and clients that are slow on purpose: against the whole service. */

const rent = 'How much does a place in the dormitory cost?'
const secretOf = (name: string) => `askwell_${name}_of_many_random_letters`
const withKey = (name: string) => ({ authorization: `Bearer ${secretOf(name)}` })
const listOf = (keys: readonly ({ name: string } & Record<string, unknown>)[]) =>
  JSON.stringify(keys.map(key => ({ ...key, sha256: hash('sha256', secretOf(key.name), 'hex') })))

t.test('an address that others can reach, and no key for asking: it says what to do and does not start', async t => {
  for (const [HOST, more] of [
    ['0.0.0.0', {}],
    ['::', { MONITORING_API_KEY: 'one-long-watch-key' }],
  ] as const) {
    const service = startService(t, { ...(await databaseSettings(t, anyWorld)), HOST, ...more })
    t.match(await service.exited(), { code: 78 })
    t.match(service.stderr, /HOST is .*asking needs no key; set API_KEYS .*askwell key new.*ALLOW_ANONYMOUS=on/)
  }
})

t.test('the same with ALLOW_ANONYMOUS=on, or with a key: it starts', async t => {
  for (const [settings, status] of [
    [{ ALLOW_ANONYMOUS: 'on' }, 404],
    [{ API_KEYS: listOf([{ name: 'web' }]) }, 401],
  ] as const) {
    const app = await startApp(t, anyWorld, { HOST: '0.0.0.0', ...settings })
    const address = `http://127.0.0.1:${new URL(app.url).port}`
    t.equal((await clientOf(address).ask({ question: rent, collection: 'nowhere' })).status, status)
  }
})

t.test('a key as `askwell key new` prints it opens what it says, and the caller gets it once', async t => {
  const { code, json } = await runCli([
    'key',
    'new',
    '--name',
    'web',
    '--scope',
    'ask',
    '--collection',
    'default',
    '--rate-limit',
    '1000',
    '--priority',
    'batch',
    '--budget',
    '{"tokens_per_day":200000,"cost_per_day":1.5}',
    '--json',
  ])
  t.equal(code, 0)
  const { key, entry } = json as { key: string; entry: Record<string, unknown> }
  t.match(key, /^askwell_[\w-]{43}$/)
  t.notMatch(JSON.stringify(entry), key)
  t.equal(entry['priority'], 'batch')
  t.same(entry['budget'], { tokens_per_day: 200_000, cost_per_day: 1.5 })
  for (const budget of ['{"tokens_per_day":0}', '200000', 'much'])
    t.match(await runCli(['key', 'new', '--name', 'web', '--budget', budget]), {
      code: 2,
      stderr: /budget is invalid; it must be an object with tokens_per_day/,
    })
  t.match(await runCli(['key', 'new', '--name', 'web', '--priority', 'urgent']), {
    code: 2,
    stderr: /interactive, batch/,
  })
  t.match(await runCli(['key', 'new', '--name', 'web', '--scope', 'monitoring', '--priority', 'batch']), {
    code: 2,
    stderr: /priority requires the scope ask/,
  })
  const app = await startHandbookApp(t, anyWorld, {
    API_KEYS: JSON.stringify([entry]),
    MODEL_PRICES: 'prompt=1,completion=1',
  })
  t.equal((await app.ask({ question: rent })).status, 401)
  t.equal((await app.ask({ question: rent }, { authorization: `Bearer ${key}` })).status, 200)
  t.match(await runCli(['key', 'new', '--name', 'we b']), {
    code: 2,
    stdout: '',
    stderr: /name is invalid; it must be/,
  })
  t.match(await runCli(['key', 'new']), { code: 2, stderr: /--name/ })
})

for (const world of eitherWorld)
  t.test(`keys for some collections and tenants, ${world}`, { skip: skipReason(world) }, async t => {
    const keys = listOf([
      { name: 'web' },
      { name: 'law', collections: ['law'] },
      { name: 'north', tenant: 'north' },
      { name: 'south', tenant: 'south' },
    ])
    const app = await startHandbookApp(t, world, { API_KEYS: keys })
    await loadHandbook(app, 'law')

    t.test(
      'what is there and not for the key, and what is not there: the same to the letter, as JSON and as a stream',
      async t => {
        for (const [path, stream] of [
          ['/ask', false],
          ['/ask', true],
          ['/search', undefined],
        ] as const) {
          const bodyOf = async (collection: string) => {
            const { status, text } = await app.send(
              'POST',
              path,
              { question: rent, collection, ...(stream === undefined ? {} : { stream }) },
              { ...withKey('law'), 'x-request-id': 'same' },
            )
            return { status, text: text.replaceAll(collection, 'NAME') }
          }
          t.same(await bodyOf('default'), await bodyOf('nowhere'))
          t.equal((await bodyOf('default')).status, 404)
          t.equal((await bodyOf('law')).status, 200)
        }
      },
    )

    t.test('a cached answer is not given past the list of collections', async t => {
      const { json } = await app.ask({ question: rent }, withKey('web'))
      t.equal(json.abstained, false)
      t.equal((await app.ask({ question: rent }, withKey('web'))).json.cache.status, 'hit')
      t.equal((await app.ask({ question: rent }, withKey('law'))).status, 404)
    })

    t.test('each tenant has cached answers of its own', async t => {
      const statusOf = async (name: string) =>
        (await app.ask({ question: 'When are quiet hours?' }, withKey(name))).json.cache.status
      t.same([await statusOf('north'), await statusOf('south'), await statusOf('web')], ['miss', 'miss', 'miss'])
      t.same([await statusOf('north'), await statusOf('south'), await statusOf('web')], ['hit', 'hit', 'hit'])
    })

    t.test('the admin key asks nothing, a key for asking loads nothing', async t => {
      t.equal((await app.ask({ question: rent }, { authorization: `Bearer ${adminKey}` })).json.code, 'forbidden')
      t.equal((await app.send('GET', '/collections', undefined, withKey('web'))).json.code, 'forbidden')
    })
  })

/** A client that means to take its time; what it is told in the end, and when that is. */
function slow(url: string, head: string): { socket: Socket; told: () => string; ended: Promise<unknown> } {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let told = ''
  socket
    .setEncoding('utf8')
    .on('data', text => (told += text))
    .on('error', () => {})
  socket.write(head)
  return { socket, told: () => told, ended: new Promise(resolve => socket.once('close', resolve)) }
}

function trickle(t: Test, sockets: readonly Socket[], piece: () => string): void {
  const timer = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write(piece())
  }, 100)
  t.teardown(() => clearInterval(timer))
}

t.test('200 clients that trickle their header and 50 that trickle their body', async t => {
  const service = startService(t, {
    ...(await handbookSettings(t, anyWorld)),
    HEADERS_TIMEOUT_MS: '1500',
    RECEIVE_TIMEOUT_MS: '3000',
  })
  const address = await service.ready()
  const client = clientOf(address)
  const open = 'POST /ask HTTP/1.1\r\nhost: localhost\r\n'
  const heads = Array.from({ length: 200 }, () => slow(address, open))
  const bodies = Array.from({ length: 50 }, () =>
    slow(address, `${open}content-type: application/json\r\ncontent-length: 5000\r\n\r\n{"question": "`),
  )
  let n = 0
  trickle(
    t,
    heads.map(({ socket }) => socket),
    () => `x-${n++}: a\r\n`,
  )
  trickle(
    t,
    bodies.map(({ socket }) => socket),
    () => 'a',
  )

  let closed = 0
  for (const { ended } of [...heads, ...bodies]) void ended.then(() => closed++)
  let answered = 0
  await until('all are closed', async () => {
    const { status } = await client.ask({ question: rent })
    t.equal(status, 200, 'others are answered meanwhile')
    answered += 1
    return closed === heads.length + bodies.length
  })
  t.ok(answered > 1)
  for (const { told } of [heads[0]!, heads.at(-1)!, bodies[0]!, bodies.at(-1)!]) {
    const [head = '', body = ''] = told().split('\r\n\r\n')
    const headers = new Headers(
      head
        .split('\r\n')
        .slice(1)
        .map(line => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
    )
    assertContract(t, { method: 'POST', path: '/ask', status: Number(head.split(' ')[1]), headers, body })
    t.equal(JSON.parse(body || '{}').code, 'request_timeout')
  }
  t.same(
    service.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
    'which is no fault of ours',
  )
})

t.test('MAX_CONNECTIONS: what comes above it is closed, what is there goes on, and there is room again', async t => {
  const app = await startApp(t, anyWorld, { MAX_CONNECTIONS: '5' })
  const all = Array.from({ length: 8 }, () => slow(app.url, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n'))
  await until(
    'five are answered and three are closed',
    () =>
      all.filter(({ told }) => told().includes('200 OK')).length === 5 &&
      all.filter(({ socket }) => socket.closed).length === 3,
  )
  for (const { socket } of all) socket.destroy()
  await until(
    'there is room again',
    async () => (await app.send('GET', '/livez').catch(() => undefined))?.status === 200,
  )
})

t.test('KEEP_ALIVE_MS: an idle connection is closed', async t => {
  const app = await startApp(t, anyWorld, { KEEP_ALIVE_MS: '1000' })
  const idle = slow(app.url, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n')
  await idle.ended
  t.match(idle.told(), /200 OK/)
})
