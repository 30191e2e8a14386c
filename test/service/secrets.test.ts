import { hash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { skipReason } from '../support/app.ts'
import { runCli, runCliProcess } from '../support/cli.ts'
import { startCollector } from '../support/collector.ts'
import { loadHandbookWith } from '../support/corpus.ts'
import { administer, startPostgres, type Postgres } from '../support/postgres.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { startReranker } from '../support/reranker.ts'
import { clientOf, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/**
 * Every secret has this in it, in a setting or in what a client sends; nothing that the service writes, replies or
 * traces may. A password in a URL is encoded there, so that its bare form is looked for as well.
 */
const mark = /hush[-@%]/i
const secrets = {
  database: 'hush@database-password',
  redis: 'hush@redis-password',
  sentinel: 'hush@sentinel-password',
  model: 'hush-model-key',
  rerank: 'hush-rerank-key',
  admin: 'hush-admin-key-of-tests',
  monitoring: 'hush-monitoring-key-of-tests',
  caller: 'askwell_hush-key-of-a-caller',
  collector: 'hush-collector-token',
  guess: 'hush-guess-of-a-stranger',
} as const
const headerOf = (key: keyof typeof secrets) => ({ authorization: `Bearer ${secrets[key]}` })

/** Shows the secret itself, with what stands around it, when there is one. */
function clean(t: Test, what: string, text: string): void {
  const inBase64 = Object.values(secrets).find(secret =>
    text.includes(Buffer.from(secret).toString('base64').slice(0, 16)),
  )
  const at = text.search(mark)
  t.equal(at, -1, `${what}: ${at < 0 ? 'nothing' : text.slice(Math.max(0, at - 200), at + 100)}`)
  t.equal(inBase64, undefined, `${what}, in base64`)
}

/** A model API that repeats in its replies what it was sent; some do. */
async function startEcho(t: Test): Promise<{ url: string; server: Server; statuses: number[] }> {
  const statuses: number[] = []
  const server = createServer((request, reply) => {
    const status = statuses.shift() ?? 401
    const message = `not with this key: ${request.headers.authorization}`
    reply
      .writeHead(status, { 'content-type': 'application/json', 'x-echo': String(request.headers.authorization) })
      .end(status === 200 ? message : JSON.stringify({ error: { message, code: message, type: message } }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => (server.closeAllConnections(), server.close())
  t.teardown(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, server, statuses }
}

/** The server, and the address of a user of it whose password is asked for. */
async function startLocked(t: Test): Promise<{ postgres: Postgres; urlWith: (password: string) => string }> {
  const postgres = await startPostgres(t)
  await administer(postgres.adminUrl, async sql => {
    await sql.unsafe(`create role locked login superuser password '${secrets.database}'`)
    const [row] = await sql`show hba_file`
    const file = String(row?.['hba_file'])
    writeFileSync(file, `host all locked 127.0.0.1/32 scram-sha-256\n${readFileSync(file, 'utf8')}`)
    await sql`select pg_reload_conf()`
  })
  const urlWith = (password: string) =>
    Object.assign(new URL(postgres.url), { username: 'locked', password: encodeURIComponent(password) }).href
  return { postgres, urlWith }
}

const skip = skipReason('postgres') || redisSkipReason()

t.test('a service whose every dependency fails in turn', { skip }, async t => {
  const { postgres, urlWith } = await startLocked(t)
  const redis = await startRedis(t, ['--requirepass', secrets.redis])
  const [model, reranker, collector] = [await startEcho(t), await startReranker(t), await startCollector(t)]
  const service = startService(t, {
    DATABASE_URL: urlWith(secrets.database),
    REDIS_URL: `redis://:${encodeURIComponent(secrets.redis)}@127.0.0.1:${redis.port}`,
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: secrets.model,
    CHAT_MODEL: 'chat',
    EMBEDDING_MODEL: 'local',
    RERANK_URL: reranker.url,
    RERANK_MODEL: 'rerank',
    RERANK_API_KEY: secrets.rerank,
    ADMIN_API_KEY: secrets.admin,
    MONITORING_API_KEY: secrets.monitoring,
    API_KEYS: JSON.stringify([{ name: 'web', sha256: hash('sha256', secrets.caller, 'hex'), rate_limit: 100000 }]),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secrets.collector}`,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    LOG_LEVEL: 'trace',
    LOG_QUESTIONS: 'on',
    ANSWER_CACHE_SECONDS: '0',
    STALE_IF_ERROR_SECONDS: '0',
    REQUEST_TIMEOUT_MS: '15000',
  })
  const address = await service.ready()
  const { send } = clientOf(address)
  const replies: string[] = []
  const sent = async (...request: Parameters<typeof send>) => {
    const reply = await send(...request)
    replies.push(`${JSON.stringify([...reply.headers])}${reply.text}`)
    return reply
  }
  let n = 0
  const ask = (more: object = {}) =>
    sent(
      'POST',
      '/ask',
      { question: `How much does a place in the dormitory cost, number ${++n}?`, ...more },
      headerOf('caller'),
    )
  await loadHandbookWith(secrets.admin, { send: sent })
  await until('Redis is used', async () => (await sent('GET', '/readyz')).json.components.redis === 'ready')

  const outages: Record<string, () => Promise<unknown>> = {
    'the model repeats the key, whatever it says': async () => {
      for (const status of [400, 401, 403, 404, 422, 429, 500, 503, 200]) {
        model.statuses.push(...Array(8).fill(status))
        for (const stream of [false, true]) t.equal((await ask({ stream, mode: 'smart' })).status, 200)
        model.statuses.length = 0
      }
    },
    'the reranker repeats the key, or is gone': async () => {
      for (const behaviour of [{ status: 401 }, { status: 500 }, { garbage: true }]) {
        reranker.behave(behaviour)
        t.ok((await ask({ mode: 'smart' })).json.degraded.includes('rerank'))
      }
      await reranker.stop()
      await ask({ mode: 'smart' })
    },
    'the model is gone': async () => {
      model.server.closeAllConnections()
      model.server.close()
      t.ok((await ask()).json.degraded.includes('generation'))
    },
    'strangers, wrong keys, and keys in the wrong place': async () => {
      for (const [method, path] of [
        ['POST', '/ask'],
        ['POST', '/search'],
        ['GET', '/metrics'],
        ['GET', '/collections'],
        ['DELETE', '/cache'],
      ] as const) {
        const query = `${path}?api_key=${secrets.guess}&token=${secrets.caller}`
        for (const headers of [
          headerOf('guess'),
          { authorization: `Basic ${btoa(`x:${secrets.guess}`)}` },
          { 'x-api-key': secrets.caller },
          { cookie: secrets.caller },
        ]) {
          t.equal((await sent(method, query, method === 'POST' ? { question: 'x' } : undefined, headers)).status, 401)
        }
        await sent(method, query, method === 'POST' ? {} : undefined, headerOf('caller'))
      }
      for (const head of ['GET / HTTP/9.9', 'POST /ask HTTP/1.1\r\nbad header'])
        replies.push(await raw(address, `${head}\r\nhost: a\r\nauthorization: Bearer ${secrets.caller}\r\n\r\n`))
      t.equal((await sent('GET', '/metrics', undefined, headerOf('monitoring'))).status, 200)
      t.equal((await sent('GET', '/cache', undefined, headerOf('admin'))).status, 200)
    },
    'Redis wants another password, then is gone': async () => {
      await redis.kill()
      t.equal((await ask()).status, 200)
    },
    'the password of the database is another one now': async () => {
      await administer(postgres.adminUrl, async sql => {
        await sql`alter role locked password 'another'`
        await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'locked'`
      })
      t.ok((await ask()).status >= 500)
      t.ok((await sent('POST', '/search', { question: 'x' }, headerOf('caller'))).status >= 500)
    },
    'the database is gone': async () => {
      await postgres.stop('immediate')
      t.ok((await ask()).status >= 500)
      t.ok(
        (await sent('PUT', '/documents', { documents: [{ source: 'a', text: 'b' }] }, headerOf('admin'))).status >= 500,
      )
      await sent('GET', '/readyz')
    },
  }
  for (const [outage, happen] of Object.entries(outages)) {
    const before = service.log.length
    await happen()
    await until(`the log tells of it: ${outage}`, () => service.log.length > before)
  }
  service.signal('SIGTERM')
  t.match(await service.exited(), { code: 0 })
  const log = JSON.stringify(service.log)
  t.match(log, /dormitory/, 'the log says all it ever says')
  t.match(log, /"key":"web"/)
  t.match(log, /\[redacted\]/, 'something was there to be left out')
  t.ok(collector.spans.length > 20)
  clean(t, 'stdout', log)
  clean(t, 'stderr', service.stderr)
  for (const reply of replies) clean(t, 'a reply', reply)
  clean(t, 'spans', collector.raw)
})

t.test('servers that want other passwords', { skip }, async t => {
  const { postgres, urlWith } = await startLocked(t)
  const redis = await startRedis(t, ['--requirepass', 'another'])

  await t.test('a program that does not even start', async t => {
    const good = { DATABASE_URL: urlWith(secrets.database) }
    const encoded = (secret: keyof typeof secrets) => encodeURIComponent(secrets[secret])
    const starts: [string, Record<string, string>][] = [
      ['migrate', { DATABASE_URL: urlWith('hush-wrong-password') }],
      ['serve', { DATABASE_URL: urlWith('hush-wrong-password') }],
      ['ingest .', { DATABASE_URL: `postgres://u:${encoded('database')}@127.0.0.1:1/x` }],
      ['migrate', { DATABASE_URL: `postgres://u:${encoded('database')}@nowhere.invalid/x` }],
      ['migrate', { DATABASE_URL: `${urlWith(secrets.database)}_not_there` }],
      [
        'migrate',
        {
          DATABASE_URL: `postgres://u:${secrets.database}#x@127.0.0.1/x`,
          REDIS_URL: `redis:/:${secrets.redis}@x`,
          OPENAI_BASE_URL: `https://u:${secrets.model}@x`,
          RERANK_URL: `https://${secrets.rerank}@x`,
          ADMIN_API_KEY: 'hush- short',
          API_KEYS: secrets.caller,
        },
      ],
      [
        'reembed',
        {
          ...good,
          OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
          OPENAI_API_KEY: secrets.model,
          CHAT_MODEL: 'x',
          EMBEDDING_MODEL: 'y',
        },
      ],
      ['cache stats', { ...good, REDIS_URL: `redis://:${encoded('redis')}@127.0.0.1:${redis.port}` }],
      [
        'cache stats',
        {
          ...good,
          REDIS_URL: `redis+sentinel://:${encoded('redis')}@127.0.0.1:${redis.port}/main?sentinel_password=${encoded('sentinel')}`,
        },
      ],
      ['cache stats', { ...good, REDIS_URL: `redis+cluster://:${encoded('redis')}@127.0.0.1:${redis.port}` }],
    ]
    await runCli(['migrate'], { env: good })
    const cwd = t.testdir({})
    for (const [line, env] of starts) {
      // The log of a service goes to the stdout of its process.
      const run = line === 'serve' ? runCliProcess : runCli
      const { code, stdout, stderr } = await run(line.split(' '), { env: { PORT: '0', ...env }, cwd })
      if (!line.startsWith('cache')) t.not(code, 0, `${line}: fails`)
      t.not(stdout + stderr, '', 'and says why')
      clean(t, line, stdout + stderr)
    }
  })

  await t.test(
    'a Sentinel, a Cluster that want other passwords: the service goes on without, and does not tell them',
    async t => {
      for (const url of [
        `redis+sentinel://:${encodeURIComponent(secrets.redis)}@127.0.0.1:${redis.port}/main?sentinel_password=${encodeURIComponent(secrets.sentinel)}`,
        `redis+cluster://:${encodeURIComponent(secrets.redis)}@127.0.0.1:${redis.port}`,
        `redis://:${encodeURIComponent(secrets.redis)}@127.0.0.1:${redis.port}`,
      ]) {
        const service = startService(t, { DATABASE_URL: postgres.url, REDIS_URL: url, LOG_LEVEL: 'trace' })
        const { ask, send } = clientOf(await service.ready())
        await until('it says that Redis is not usable', () =>
          service.log.some(({ level, msg }) => level === 'warn' && /redis/i.test(String(msg))),
        )
        const replies = [await ask({ question: 'x' }), await send('GET', '/readyz')]
        service.signal('SIGTERM')
        await service.exited()
        clean(t, 'stdout', JSON.stringify(service.log))
        clean(t, 'stderr', service.stderr)
        for (const { text } of replies) clean(t, 'a reply', text)
      }
    },
  )
})

async function raw(address: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(address)
  const socket = connect(Number(port), hostname)
  socket.end(bytes)
  let text = ''
  await new Promise<void>(
    resolve =>
      void socket
        .setEncoding('utf8')
        .on('data', piece => (text += piece))
        .on('error', () => {})
        .on('close', () => resolve()),
  )
  return text
}
