import { request } from 'node:http'
import t, { type Test } from 'tap'
import { adminKey, skipReason } from '../support/app.ts'
import { startCollector, type CollectedSpan } from '../support/collector.ts'
import { handbook } from '../support/corpus.ts'
import { handbookSettings } from '../support/handbook-app.ts'
import { openStream } from '../support/live-stream.ts'
import { modelKey, settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { administer } from '../support/postgres.ts'
import { redisSkipReason, startRedis, told, type Redis } from '../support/redis.ts'
import { startReplicas, type Replica } from '../support/replicas.ts'
import { startReranker } from '../support/reranker.ts'
import { treeOf, withoutLook } from '../support/span-tree.ts'
import { until } from '../support/until.ts'

/** What a collector sees of requests: the whole tree of each, and who waited for whom. */

/** With a word that its document has: one that no document has would be looked for in other wordings first. */
const rent = 'How much does a place in the dormitory cost?'
const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const fromCaller = {
  traceparent: `00-${caller.traceId}-${caller.spanId}-01`,
  tracestate: 'shop=4711',
  baggage: 'user=alice',
}

const skip = skipReason('postgres') || redisSkipReason()

/** Two replicas with everything that has spans; requests are named by their id, and their traces read when all is over. */
async function setUp(t: Test) {
  const [collector, model, redis, reranker, { DATABASE_URL: url = '' }] = await Promise.all([
    startCollector(t),
    startModel(t),
    startRedis(t),
    startReranker(t),
    handbookSettings(t, 'postgres', 'test-embedding'),
  ])
  const settings = {
    ...settingsFor(model, 'test-embedding'),
    DATABASE_URL: url,
    REDIS_URL: redis.url,
    REDIS_TIMEOUT_MS: '5000',
    SEMANTIC_CACHE: 'off',
    RERANK_URL: reranker.url,
    RERANK_MODEL: 'test-rerank',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  }
  const [one, two] = (await startReplicas(t, 2, settings)) as [Replica, Replica]
  const ask = (replica: Replica, id: string, body: object, headers = {}) =>
    replica.ask(body, { 'x-request-id': id, ...headers })
  const linesOf = (id: string) => [one, two].flatMap(({ log }) => log.filter(line => line['reqId'] === id))
  const idsOf = (id: string) => linesOf(id).find(line => line['trace_id'] !== undefined) ?? {}
  const spansOf = (id: string): CollectedSpan[] =>
    collector.spans.filter(({ traceId }) => traceId === idsOf(id)['trace_id'])
  const stop = async () => {
    for (const replica of [one, two]) replica.signal('SIGTERM')
    await Promise.all([one.exited(), two.exited()])
  }
  return { collector, model, redis, reranker, url, one, two, ask, linesOf, idsOf, spansOf, stop }
}

type World = Awaited<ReturnType<typeof setUp>>

/** Sent, and on its way to the model. */
async function begun<T>({ model }: World, ask: () => T): Promise<T> {
  const calls = model.chat.requests.length
  const asking = ask()
  await until('the model is asked', () => model.chat.requests.length > calls)
  return asking
}

async function askAndLeave(world: World, id: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-request-id': id }
  const outgoing = await begun(world, () =>
    request(`${world.one.url}/ask`, { method: 'POST', headers })
      .on('error', () => {})
      .end(JSON.stringify(body)),
  )
  outgoing.destroy()
  await until('it is over in the log', () => world.linesOf(id).length > 0)
}

async function scriptsRun(redis: Redis): Promise<number> {
  const stats = await told(redis, client => client.info('commandstats'))
  return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1] ?? 0)
}

/** The table that is searched cannot be read meanwhile; whoever waited for it has been sent away at the end. */
async function whileLocked(url: string, work: () => Promise<void>): Promise<void> {
  await administer(url, sql =>
    sql.begin(async sql => {
      await sql`lock table chunks`
      await work()
      const waiting = () =>
        sql`select from pg_stat_activity where application_name = 'askwell' and wait_event_type = 'Lock' and datname = current_database()`
      await until('no query waits', async () => (await waiting()).length === 0)
    }),
  )
}

const miss = (...last: readonly string[]) => [
  'POST /ask',
  '  invoke_workflow askwell',
  '    EVALSHA release',
  '    GET',
  '    SET',
  '    ask.embed',
  '      GET',
  '      SET',
  '      embeddings test-embedding',
  ...last,
  '    ask.remember',
  '      EVALSHA claim',
  '    ask.rerank',
  '      rerank test-rerank',
  '    ask.retrieve',
  '      retrieval default',
  '        SELECT chunks chunk_vectors',
  '        SELECT chunks documents',
]
const generated = ['    ask.generate', '      chat test-chat']
const written = [...generated, '    ask.ground']
/** What is worth keeping is kept as the lease is given back. */
const kept = (tree: readonly string[]) => tree.map(line => line.replace('EVALSHA release', 'EVALSHA keep'))

t.test('traces', { skip }, async t => {
  const world = await setUp(t)
  const { collector, model, redis, reranker, url, one, two, ask, linesOf, idsOf, spansOf, stop } = world

  await ask(one, 'miss', { question: rent }, fromCaller)
  await ask(one, 'hit', { question: rent })
  await ask(two, 'redis-hit', { question: rent })
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
  model.chat.behave({ held })
  const [first, joined] = ['first', 'joined'].map(id => `${id}-of-two`) as [string, string]
  const making = await begun(world, () => ({ done: ask(one, first, { question: `${rent} (month)` }) }))
  const stream = await openStream(one.url, { question: `${rent} (month)` }, { 'x-request-id': joined })
  await stream.seen(({ events }) => events.length > 0)
  const before = await scriptsRun(redis)
  const elsewhere = ask(two, 'elsewhere', { question: `${rent} (month)` })
  // The holder renews its lease twice a second; who waits asks for it a dozen times.
  await until('another replica waits too', async () => (await scriptsRun(redis)) > before + 20)
  goOn()
  const replies = await Promise.all([making.done, elsewhere])
  const streamed = await stream.whole()
  model.chat.behave({ status: 500, times: 2 })
  const degraded = await ask(one, 'degraded', { question: `${rent} (tenge)` })
  model.chat.behave({ silent: true, times: 1 })
  await askAndLeave(world, 'left', { question: `${rent} (students)` })
  let late: Awaited<ReturnType<typeof ask>> | undefined
  await whileLocked(
    url,
    async () => void (late = await ask(one, 'late', { question: `${rent} (rooms)`, timeout_ms: 3000 })),
  )
  const searched = await one.send('POST', '/search', { question: `${rent} (warden)` }, { 'x-request-id': 'search' })
  await stop()

  const rootOf = (id: string) => spansOf(id).find(({ kind }) => kind === 'server')!
  const named = (id: string, name: string) => spansOf(id).find(span => span.name === name)!
  const runOf = (id: string) => named(id, 'invoke_workflow askwell')
  const tree = (id: string) => treeOf(withoutLook(spansOf(id)))

  t.test('a miss: a span a stage, below each what it asked', async t => {
    t.same(tree('miss'), kept(miss(...written)))
    t.match(
      treeOf(spansOf('miss')).join('\n'),
      '\n  ask.remember\n    SELECT collections\n',
      'and the look for the collection, the first time',
    )
    t.match(rootOf('miss'), {
      kind: 'server',
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/ask',
        'http.response.status_code': 200,
        'askwell.cache': 'miss',
        'askwell.request_id': 'miss',
      },
    })
    t.match(runOf('miss'), {
      kind: 'internal',
      attributes: {
        'gen_ai.operation.name': 'invoke_workflow',
        'gen_ai.workflow.name': 'askwell',
        'askwell.llm_calls': 1,
      },
    })
  })

  t.test('a miss: the models, the search, the statements and the commands say what the conventions ask', async t => {
    const server = (address: string) => ({
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(address).port),
    })
    t.match(named('miss', 'chat test-chat'), {
      kind: 'client',
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai_compatible',
        'gen_ai.request.model': 'test-chat',
        'gen_ai.request.stream': true,
        'gen_ai.request.max_tokens': 500,
        'gen_ai.response.id': 'chatcmpl-test',
        'gen_ai.response.model': 'test-chat',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.response.time_to_first_chunk': Number,
        'gen_ai.usage.input_tokens': Number,
        'gen_ai.usage.output_tokens': Number,
        ...server(model.url),
      },
    })
    t.match(named('miss', 'embeddings test-embedding'), {
      kind: 'client',
      attributes: {
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.request.model': 'test-embedding',
        'gen_ai.embeddings.dimension.count': Number,
        'gen_ai.usage.input_tokens': Number,
        ...server(model.url),
      },
    })
    t.match(named('miss', 'rerank test-rerank'), {
      kind: 'client',
      attributes: { 'gen_ai.operation.name': 'rerank', 'gen_ai.request.model': 'test-rerank', ...server(reranker.url) },
    })
    t.match(named('miss', 'retrieval default'), {
      kind: 'client',
      attributes: {
        'gen_ai.operation.name': 'retrieval',
        'gen_ai.data_source.id': 'default',
        'gen_ai.request.top_k': Number,
        'askwell.retrieval.passages': handbook.length,
      },
      events: [
        {
          name: 'askwell.pool.lease',
          attributes: { 'askwell.pool.label': 'retrieve', 'askwell.pool.wait_ms': Number },
        },
      ],
    })
    t.match(named('miss', 'SELECT chunks documents'), {
      kind: 'client',
      attributes: {
        'db.system.name': 'postgresql',
        'db.operation.name': 'SELECT',
        'db.query.summary': 'SELECT chunks documents',
        'db.query.text': /^select c\.id, .* any\(\$\d+::bigint\[\]\)$/,
        ...server(url),
      },
    })
    t.match(named('miss', 'EVALSHA claim'), {
      kind: 'client',
      attributes: { 'db.system.name': 'redis', 'db.operation.name': 'EVALSHA', ...server(world.redis.url) },
    })
  })

  t.test(
    "a miss: it is part of the caller's trace, and the models are told; not what else the caller carries",
    async t => {
      t.match(rootOf('miss'), { traceId: caller.traceId, parentSpanId: caller.spanId })
      const parentOf = (name: string) => `00-${caller.traceId}-${named('miss', name).spanId}-01`
      const mine = ({ headers }: { readonly headers: Record<string, unknown> }) =>
        String(headers['traceparent']).includes(caller.traceId)
      for (const [endpoint, name] of [
        [model.chat, 'chat test-chat'],
        [model.embeddings, 'embeddings test-embedding'],
      ] as const) {
        const [asked] = endpoint.requests.filter(mine)
        t.match(asked?.headers, { traceparent: parentOf(name), tracestate: 'shop=4711', baggage: undefined }, name)
      }
      t.equal(reranker.requests[0]?.traceparent, parentOf('rerank test-rerank'))
    },
  )

  t.test('from memory: one span; from Redis: what asked for it', async t => {
    t.same(tree('hit'), ['POST /ask'])
    t.match(rootOf('hit').attributes, { 'askwell.cache': 'hit' })
    t.same(tree('redis-hit'), ['POST /ask', '  invoke_workflow askwell', '    ask.remember', '      EVALSHA claim'])
    t.match(runOf('redis-hit').attributes, { 'askwell.cache': 'hit', 'askwell.llm_calls': 0 })
  })

  t.test('equal questions: who joined a run links to it, on another replica too', async t => {
    t.same(
      replies.map(({ status }) => status),
      [200, 200],
    )
    t.equal(streamed.at(-1)?.event, 'done')
    t.same(tree(first), kept(miss(...written)), 'the run is in the trace of who began it')
    t.same(rootOf(first).links, [])
    t.same(tree(joined), ['POST /ask'])
    t.same(
      [...new Set(tree('elsewhere'))],
      ['POST /ask', '  invoke_workflow askwell', '    ask.remember', '      EVALSHA claim'],
      'it asked again and again',
    )
    const link = [
      { traceId: runOf(first).traceId, spanId: runOf(first).spanId, attributes: { 'askwell.link': 'coalesced' } },
    ]
    t.same(rootOf(joined).links, link)
    t.same(runOf('elsewhere').links, link)
  })

  t.test('a model that fails: both of its calls failed, the answer is degraded', async t => {
    t.match(degraded.json, { degraded: ['generation'] })
    const failed = [
      '    ask.extract',
      '    ask.generate !model_failed',
      '      chat test-chat !model_failed',
      '      chat test-chat !model_failed',
    ]
    t.same(
      tree('degraded'),
      miss(...failed).filter(line => line !== '    SET'),
      'and nothing is kept',
    )
    t.match(rootOf('degraded').attributes, { 'askwell.degraded': ['generation'], 'http.response.status_code': 200 })
    t.match(named('degraded', 'chat test-chat').attributes, { 'error.type': 'model_failed' })
  })

  t.test('a client that leaves: told, and no failure of ours; its line has the ids', async t => {
    t.same(
      tree('left'),
      miss(...generated).filter(line => line !== '    SET'),
    )
    for (const name of ['POST /ask', 'invoke_workflow askwell', 'chat test-chat'])
      t.match(named('left', name).attributes, { 'error.type': 'cancelled' }, name)
    t.equal(rootOf('left').attributes['http.response.status_code'], undefined)
    t.match(named('left', 'ask.generate').attributes, { 'askwell.outcome': 'cancelled' })
    t.match(linesOf('left').at(-1), {
      msg: 'not answered',
      code: 'cancelled',
      trace_id: rootOf('left').traceId,
      span_id: rootOf('left').spanId,
    })
    t.match(linesOf(joined).at(-1), {
      msg: 'answered',
      trace_id: rootOf(joined).traceId,
      span_id: rootOf(joined).spanId,
    })
  })

  t.test('a question that runs out of time: each level says so, down to the statement that was cancelled', async t => {
    t.equal(late?.status, 504)
    t.match(late?.headers.get('server-timing'), /embed;dur=\d.*retrieve;dur=\d.*total;dur=\d/)
    const late504 = withoutLook(spansOf('late'))
    const failures = Object.fromEntries(
      late504.filter(({ error }) => error !== undefined).map(({ name, error }) => [name, error]),
    )
    const tooLate = Object.fromEntries(
      ['POST /ask', 'invoke_workflow askwell', 'ask.retrieve', 'retrieval default'].map(name => [
        name,
        'deadline_exceeded',
      ]),
    )
    t.same(failures, { ...tooLate, 'SELECT chunks chunk_vectors': '57014' })
    t.match(rootOf('late').attributes, { 'http.response.status_code': 504, 'error.type': 'deadline_exceeded' })
    t.match(named('late', 'SELECT chunks chunk_vectors').attributes, { 'db.response.status_code': '57014' })
  })

  t.test('a search: no run, its stages', async t => {
    t.match(searched.headers.get('server-timing'), /embed;dur=\d.*retrieve;dur=\d.*total;dur=\d/)
    t.same(tree('search'), [
      'POST /search',
      '  ask.embed',
      '    GET',
      '    SET',
      '    embeddings test-embedding',
      ...miss()
        .filter(line => /rerank|retriev|SELECT/.test(line))
        .map(line => line.slice(2)),
    ])
    t.match(idsOf('search'), { msg: 'searched' })
  })

  t.test('no words of a question, an answer or a passage are in them, nor a key', async t => {
    t.notMatch(collector.raw, /dormitory|tenge|stipend|transcript|alice/i)
    for (const secret of [modelKey, adminKey, 'askwell:answer']) t.notMatch(collector.raw, secret)
  })
})

t.test('a share of the traces, and TRACE_SLOW_MS', { skip }, async t => {
  const [collector, model, { DATABASE_URL: url = '' }] = await Promise.all([
    startCollector(t),
    startModel(t),
    handbookSettings(t, 'postgres', 'test-embedding'),
  ])
  const settings = {
    ...settingsFor(model, 'test-embedding'),
    DATABASE_URL: url,
    SEMANTIC_CACHE: 'off',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
    TRACE_SLOW_MS: '5000',
  }
  const [service] = (await startReplicas(t, 1, settings)) as [Replica]
  const ask = (id: string, body: object, headers = {}) => service.ask(body, { 'x-request-id': id, ...headers })
  await ask('usual', { question: rent })
  await ask('hit', { question: rent })
  model.chat.behave({ status: 500, times: 2 })
  await ask('degraded', { question: `${rent} (month)` })
  await whileLocked(url, async () => void (await ask('failed', { question: `${rent} (tenge)`, timeout_ms: 300 })))
  await ask(
    'left-out-by-the-caller',
    { question: `${rent} (students)`, timeout_ms: 1 },
    { traceparent: fromCaller.traceparent.replace(/01$/, '00') },
  )
  const notAsked = model.chat.requests.at(-1)?.headers['traceparent']
  model.chat.behave({ delayMs: 5100 })
  await ask('slow', { question: `${rent} (rooms)` })
  service.signal('SIGTERM')
  await service.exited()
  const kept = collector.spans
    .filter(({ kind }) => kind === 'server')
    .map(({ attributes }) => attributes['askwell.request_id'])

  t.test('those that failed, were degraded or slow are sent; no others', async t => {
    t.same(kept.sort(), ['degraded', 'failed', 'slow'])
  })

  t.test('and whole', async t => {
    const slow = collector.spans.find(
      ({ attributes }) => attributes['askwell.request_id'] === 'slow' && attributes['http.route'],
    )
    const names = collector.spans.filter(({ traceId }) => traceId === slow?.traceId).map(({ name }) => name)
    for (const name of [
      'invoke_workflow askwell',
      'ask.retrieve',
      'SELECT chunks documents',
      'ask.generate',
      'chat test-chat',
    ])
      t.ok(names.includes(name), name)
  })

  t.test('a model is told that the trace is not sampled: what it would keep might have no beginning', async t => {
    t.match(notAsked, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  })
})
