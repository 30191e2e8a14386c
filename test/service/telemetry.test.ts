import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { adminKey, anyWorld, databaseSettings } from '../support/app.ts'
import { startCollector } from '../support/collector.ts'
import { handbookSettings, startHandbookApp } from '../support/handbook-app.ts'
import { modelKey, settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { clientOf, startService, type LogLine } from '../support/service.ts'
import { until } from '../support/until.ts'

/** What leaves by the side: spans, figures and log lines; and what must not. */

const rent = 'How much does a place in the dormitory cost?'
const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const traceparent = `00-${caller.traceId}-${caller.spanId}-01`

/** One of these a request; the first two when it went well. */
const lastLines: readonly unknown[] = ['answered', 'searched', 'request completed', 'not answered']

/** A service in a process of its own (tracing is one per process), with the handbook and a model. */
async function start(t: Test, settings: Record<string, string> = {}) {
  const model = await startModel(t)
  const service = startService(t, {
    ...(await handbookSettings(t, anyWorld)),
    ...settingsFor(model),
    ANSWER_CACHE_SECONDS: '0',
    LOG_LEVEL: 'debug',
    ...settings,
  })
  const client = clientOf(await service.ready())
  const linesOf = (id: string) => service.log.filter(line => line['reqId'] === id)
  /** The lines of a request, once the last one is written. */
  const linesOfReply = async (reply: { headers: Headers }): Promise<LogLine[]> => {
    const id = reply.headers.get('x-request-id')!
    await until('the request is over in the log', () => linesOf(id).some(line => lastLines.includes(line['msg'])))
    return linesOf(id)
  }
  return { model, service, ...client, linesOfReply }
}

t.test('spans', async t => {
  const collector = await startCollector(t)
  const { ask, send, model, service, linesOfReply } = await start(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    SEMANTIC_CACHE: 'off',
  })
  const spansOf = (traceId: string) => collector.spans.filter(span => span.traceId === traceId)
  /** The spans of a question's trace, once its root has come. */
  const spansOfReply = async (reply: { headers: Headers }) => {
    const traceId = String((await linesOfReply(reply)).find(line => line['msg'] === 'answered')?.['trace_id'])
    await until('the spans are sent', () => spansOf(traceId).some(({ name }) => name === 'POST /ask'))
    return spansOf(traceId)
  }
  /** The stages' and the root's; not the look for the collection, which is not there when it was looked up a moment ago. All of them: traces.test.ts. */
  const namesOf = (spans: readonly { name: string }[]) =>
    spans
      .map(({ name }) => name)
      .filter(name => /^(POST|ask)/.test(name) && name !== 'ask.remember')
      .sort()
  const stages = (last: string) => ['POST /ask', 'ask.embed', last, 'ask.retrieve'].sort()

  for (const stream of [false, true]) {
    const form = stream ? 'a stream' : 'JSON'
    t.test(`${form}: one span per stage, all children of one run`, async t => {
      const spans = await spansOfReply(await ask({ question: rent, stream }))
      t.same(namesOf(spans), [...stages('ask.generate'), 'ask.ground'].sort())
      const root = spans.find(({ name }) => name === 'POST /ask')!
      t.equal(root.parentSpanId, '')
      const run = spans.find(({ name }) => name === 'invoke_workflow askwell')!
      t.equal(run.parentSpanId, root.spanId)
      for (const { name, parentSpanId } of spans)
        if (name.startsWith('ask.') && name !== 'ask.remember') t.equal(parentSpanId, run.spanId, name)
    })

    t.test(`${form}: the caller's traceparent is the parent`, async t => {
      await ask({ question: `${rent} (${form})`, stream }, { traceparent })
      await until(
        'the spans are sent',
        () => spansOf(caller.traceId).filter(({ name }) => name === 'POST /ask').length === (stream ? 2 : 1),
      )
      const root = spansOf(caller.traceId).findLast(({ name }) => name === 'POST /ask')
      t.equal(root?.parentSpanId, caller.spanId)
    })
  }

  t.test('a failed model: its span and that of the quoted answer', async t => {
    // Both of its tries.
    model.chat.behave({ status: 500, times: 2 })
    const spans = await spansOfReply(await ask({ question: rent }))
    t.same(namesOf(spans), [...stages('ask.generate'), 'ask.extract'].sort())
  })

  t.test('a search: its own root, the stages of a search below it', async t => {
    const reply = await send('POST', '/search', { question: rent })
    const line = (await linesOfReply(reply)).find(({ msg }) => msg === 'searched')
    t.match(line, { near: true, passages: Number, ms: Number })
    t.same(line?.['degraded'], [])
    const traceId = String(line?.['trace_id'])
    await until('the spans are sent', () => spansOf(traceId).some(({ name }) => name === 'POST /search'))
    t.same(namesOf(spansOf(traceId)), ['POST /search', 'ask.embed', 'ask.retrieve'])
    const root = spansOf(traceId).find(({ name }) => name === 'POST /search')!
    for (const { name, parentSpanId } of spansOf(traceId))
      if (namesOf([{ name }]).length > 0) t.equal(parentSpanId, name === root.name ? '' : root.spanId, name)
  })

  t.test('no words of a question, an answer or a passage are in them, nor a key', async t => {
    t.notMatch(collector.raw, /dormitory|tenge/i)
    t.notMatch(collector.raw, modelKey)
    t.match(collector.raw, 'askwell.generator')
  })

  t.test('what is left is sent before the exit', async t => {
    const before = collector.spans.length
    await ask({ question: rent })
    service.signal('SIGTERM')
    t.same(await service.exited(), { code: 0, signal: null })
    t.ok(collector.spans.length >= before + 4)
  })
})

t.test('a share of the requests', async t => {
  const collector = await startCollector(t)
  const rootsOf = (traceId: string) =>
    collector.spans.filter(span => span.traceId === traceId && span.name === 'POST /ask')
  const roots = () => collector.spans.filter(({ name }) => name === 'POST /ask')
  const withShare = (share: string) =>
    start(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      ANSWER_CACHE_SECONDS: '300',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: share,
      RATE_LIMIT: '0',
    })

  t.test('of answers from memory as well: that many are traced, and whole', async t => {
    const { ask, service } = await withShare('0.5')
    let hits = 0
    for (let i = 0; i < 200; i++) if ((await ask({ question: rent })).json.cache.status === 'hit') hits += 1
    t.ok(hits >= 199)
    service.signal('SIGTERM')
    await service.exited()
    // A fair coin leaves these bounds once in 10^8 times.
    t.ok(roots().length > 60 && roots().length < 140, `${roots().length} of 200`)
    const traced = service.log.filter(line => line['cache'] === 'hit' && line['trace_id'] !== undefined)
    for (const line of traced)
      t.equal(rootsOf(String(line['trace_id'])).length, 1, 'the line names a trace that was sent')
    t.ok(traced.length > 60)
  })

  t.test('what the caller decided stands', async t => {
    const { ask, service } = await withShare('0')
    for (let i = 0; i < 3; i++) await ask({ question: rent })
    const before = roots().length
    await ask({ question: rent }, { traceparent })
    await until('the span is sent', () => rootsOf(caller.traceId).length === 1)
    await ask({ question: rent }, { traceparent: traceparent.replace(/01$/, '00') })
    service.signal('SIGTERM')
    await service.exited()
    t.equal(roots().length, before + 1)
  })
})

t.test('a collector that is not there: answers go on, the exit is not held up', async t => {
  const { ask, service } = await start(t, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })
  t.equal((await ask({ question: rent })).status, 200)
  service.signal('SIGTERM')
  t.same(await service.exited(), { code: 0, signal: null })
})

t.test('a collector that says nothing: answers go on, the exit is not held up', async t => {
  const deaf = createServer(() => {}).listen(0, '127.0.0.1')
  await once(deaf, 'listening')
  t.teardown(() => {
    deaf.closeAllConnections()
    deaf.close()
  })
  const { port } = deaf.address() as AddressInfo
  const { ask, service } = await start(t, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` })
  t.equal((await ask({ question: rent })).status, 200)
  service.signal('SIGTERM')
  await until('it has stopped', () => service.log.some(line => line['msg'] === 'stopped'))
  t.same(await service.exited(), { code: 0, signal: null })
})

t.test('log lines', async t => {
  const echo = createServer((request, reply) => {
    const message = `wrong key: ${String(request.headers.authorization)}`
    reply
      .writeHead(401, { 'content-type': 'application/json' })
      .end(JSON.stringify({ error: { message, type: 'invalid_request_error' } }))
  }).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  t.teardown(() => {
    echo.closeAllConnections()
    echo.close()
  })

  t.test('each line of a request carries its id; no question, no key, no Authorization', async t => {
    const { ask, send, service, linesOfReply } = await start(t)
    const reply = await ask({ question: rent }, { authorization: 'Bearer a-callers-own-token' })
    const lines = await linesOfReply(reply)
    t.same(
      lines.map(line => line['msg']),
      ['answered'],
    )
    t.match(
      lines.find(line => line['msg'] === 'answered'),
      { level: 'info', generator: 'llm', cache: 'miss', ms: Number },
    )
    await linesOfReply(await ask({ question: rent, collection: 'nowhere' }))
    await linesOfReply(await send('GET', '/documents/1', undefined, { authorization: 'Bearer wrong-admin-key' }))
    const log = JSON.stringify(service.log)
    t.notMatch(log, /dormitory|tenge/i)
    for (const secret of [modelKey, adminKey, 'a-callers-own-token', 'wrong-admin-key']) t.notMatch(log, secret)
  })

  t.test('a model server that repeats the key: it is masked', async t => {
    const { port } = echo.address() as AddressInfo
    const { ask, service, linesOfReply } = await start(t, { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` })
    const reply = await ask({ question: rent })
    t.match(reply.json, { degraded: ['generation'] })
    const failure = (await linesOfReply(reply)).find(line => line['level'] === 'warn')
    t.match(failure, { msg: /the model failed/, err: { message: /wrong key: Bearer \[redacted\]/ } })
    t.notMatch(JSON.stringify(service.log), modelKey)
  })

  t.test('LOG_QUESTIONS=on: the question is there', async t => {
    const { ask, linesOfReply } = await start(t, { LOG_QUESTIONS: 'on' })
    const lines = await linesOfReply(await ask({ question: rent }))
    t.equal(lines.find(line => line['msg'] === 'asked')?.['question'], rent)
  })
})

t.test('/metrics: stable names, figures of what was asked, no words of it', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, anyWorld, { ...settingsFor(model), SEMANTIC_CACHE: 'off' })
  await app.ask({ question: rent })
  await app.ask({ question: rent })
  // The same passages as before, so the same prompt: the model's words are remembered.
  await app.ask({ question: rent, stream: true, top_k: 3 })
  model.chat.behave({ status: 500 })
  await app.ask({ question: rent, top_k: 2 })
  await app.ask({ question: rent, collection: 'nowhere' })
  const { status, headers, text } = await app.send('GET', '/metrics')
  t.equal(status, 200)
  t.match(headers.get('content-type'), /^text\/plain/)

  const lines = [
    'askwell_stage_seconds_count{stage="retrieve",outcome="ok"} 3',
    'askwell_stage_seconds_count{stage="generate",outcome="ok"} 1',
    'askwell_stage_seconds_count{stage="generate",outcome="error"} 1',
    'askwell_first_token_seconds_count{stage="generate"} 1',
    'askwell_answers_total{generator="llm",abstained="false"} 3',
    'askwell_answers_total{generator="extractive",abstained="false"} 1',
    'askwell_cache_hits_total{cache_type="answer",tier="memory"} 1',
    'askwell_cache_hits_total{cache_type="draft",tier="memory"} 1',
    'askwell_cache_hits_total{cache_type="embedding",tier="memory"} 2',
    'askwell_cache_misses_total{cache_type="answer"} 2',
    'askwell_cache_saved_llm_calls_total 2',
    'askwell_cache_entries{cache_type="answer"} 2',
    'askwell_degraded_total{reason="generation"} 1',
    'askwell_failures_total{code="unknown_collection"} 1',
    'askwell_llm_calls_per_request_count 4',
  ]
  for (const line of lines) t.ok(text.split('\n').includes(line), line)
  const names = [
    'request_latency_seconds',
    'cache_bytes',
    'cache_evictions_total',
    'cache_refreshes_total',
    'cache_near_total',
    'cache_stale_total',
    'cache_coalesced_total',
    'redis_failures_total',
    'llm_tokens_total',
    'pool_size',
    'pool_open',
    'pool_checked_out',
    'pool_waiting',
  ]
  for (const name of names) t.match(text, new RegExp(`^# TYPE askwell_${name} `, 'm'))
  t.notMatch(text, /dormitory|nowhere/)
})

t.test('an upload whose client leaves has its line too', async t => {
  const model = await startModel(t)
  const service = startService(t, {
    ...(await databaseSettings(t, anyWorld)),
    ...settingsFor(model, 'test-embedding'),
    LOG_LEVEL: 'debug',
  })
  const url = await service.ready()
  model.embeddings.behave({ silent: true })
  const client = new AbortController()
  const body = JSON.stringify({ documents: [{ source: 'a', text: 'Somebody waits for this.' }] })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${adminKey}`, 'x-request-id': 'upload' }
  const gone = t.rejects(fetch(`${url}/documents`, { method: 'PUT', headers, body, signal: client.signal }))
  await until('the model is asked', () => JSON.stringify(model.embeddings.requests).includes('Somebody'))
  client.abort()
  await gone
  const line = await until('the line is there', () =>
    service.log.find(({ reqId, msg }) => reqId === 'upload' && msg === 'not answered'),
  )
  t.match(line, { method: 'PUT', url: '/documents', code: 'cancelled', ms: Number })
})
