import fc from 'fast-check'
import { connect } from 'node:net'
import tap, { type Test } from 'tap'
import { adminKey, skipReason, startApp, eitherWorld, type App } from '../support/app.ts'
import { assertContract, type GivenReply } from '../support/contract.ts'
import { loadHandbook } from '../support/corpus.ts'
import { anyText } from '../support/any-text.ts'

/** Whatever comes in: a clear refusal or a right answer, as openapi.yaml documents it, and never a fault of ours. */

type Body = string | Uint8Array<ArrayBuffer>

const json = { 'content-type': 'application/json' }
const key = { authorization: `Bearer ${adminKey}` }

tap.setTimeout(1_800_000)

for (const world of eitherWorld)
  tap.test(`hostile requests, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)
    await loadHandbook(app)
    const ask = (body: Body, headers: Record<string, string> = json) => sent(app, 'POST', '/ask', { body, headers })

    await t.test('bodies that are no JSON, or not in UTF-8', async t => {
      await refused(t, ask(''), 400, { code: 'invalid_json', detail: /empty/ })
      await refused(t, ask(' \n'), 400, { code: 'invalid_json', detail: /empty/ })
      await refused(t, ask('{"question": "x",}'), 400, { code: 'invalid_json', detail: /line 1 column 18/ })
      await refused(t, ask("{'question': 'x'}"), 400, { code: 'invalid_json' })
      await refused(t, ask('{"question": NaN}'), 400, { code: 'invalid_json' })
      await refused(t, ask(`{"question":"${'a'.repeat(1000)}`), 400, { code: 'invalid_json' })
      await refused(t, ask(Uint8Array.from([...Buffer.from('{"question":"'), 0xff, 0xfe, ...Buffer.from('"}')])), 400, {
        code: 'invalid_encoding',
      })
      await refused(t, ask(Uint8Array.from(Buffer.from('{"question":"x"}', 'utf16le'))), 400, { code: 'invalid_json' })
      await refused(t, ask(Uint8Array.from(Buffer.from('{"question":"café"}', 'latin1'))), 400, {
        code: 'invalid_encoding',
      })
      await refused(t, ask('{"question":"\0"}'), 400, { code: 'invalid_json' })
    })

    await t.test('bodies of the wrong form: every fault with its pointer', async t => {
      for (const body of ['[]', '"question"', 'null', '1', 'true', '[{"question":"x"}]'])
        await faulty(t, ask(body), { '': /must be an object/ })
      await faulty(t, ask('{}'), { '/question': /is required/ })
      await faulty(t, ask('{"question":""}'), { '/question': /must not be blank/ })
      await faulty(t, ask('{"question":" \\n\\t\\u00a0\\ufeff"}'), { '/question': /must not be blank/ })
      await faulty(t, ask('{"question":{"text":"x"},"stream":"yes","history":{},"include":"all"}'), {
        '/question': /must be a string/,
        '/stream': /must be a boolean/,
        '/history': /must be an array/,
        '/include': /must be an array/,
      })
      await faulty(t, ask('{"question":"x","topk":3,"Question":"y","a/b~c":1}'), {
        '/topk': /not a known field/,
        '/Question': /not a known field/,
        '/a~1b~0c': /not a known field/,
      })
      await faulty(
        t,
        ask('{"question":"x","top_k":0,"timeout_ms":1.5,"mode":"best","language":"EN","collection":"../etc"}'),
        {
          '/top_k': /at least 1/,
          '/timeout_ms': /an integer/,
          '/mode': /one of fast, smart, auto/,
          '/language': /such as en/,
          '/collection': /1 to 63 characters/,
        },
      )
      await faulty(t, ask('{"question":"x","history":[{"role":"system","content":""},7]}'), {
        '/history/0/role': /one of user, assistant/,
        '/history/0/content': /blank/,
        '/history/1': /must be an object/,
      })
    })

    await t.test('filters that say nothing', async t => {
      for (const filter of [
        'null',
        '[]',
        '{}',
        '{"in":[]}',
        '{"in":[null]}',
        '{"like":"x"}',
        '{"gt":true}',
        '{"in":["a"],"gt":1}',
        '{"gt":{"gt":1}}',
      ]) {
        await faulty(t, ask(`{"question":"x","filters":{"year":${filter}}}`), {
          '/filters/year': /must be a string, a number or a boolean/,
        })
      }
      await faulty(t, ask('{"question":"x","filters":["year"]}'), { '/filters': /must be an object/ })
      await faulty(t, ask('{"question":"x","filters":{"":1}}'), { '/filters/': /1 to 200 characters/ })
      await faulty(t, ask('{"question":"x","filters":{"a\\nb":null}}'), { '/filters/a\nb': /must be a string/ })
      await faulty(
        t,
        ask(
          JSON.stringify({ question: 'x', filters: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [i, i])) }),
        ),
        { '/filters': /at most 20 fields/ },
      )
    })

    await t.test('filters that look like something else are only values', async t => {
      for (const filters of [
        { "a' or 1=1 --": "'; drop table chunks" },
        { '$.*': '$' },
        { 'a"b\\': '"\\' },
        { constructor: 'x' },
        { toString: { gt: 'x' } },
        { year: { in: [-0, 1e308, 'a', true] } },
      ]) {
        await answered(t, ask(JSON.stringify({ question: 'dormitory', filters })))
      }
    })

    await t.test('names and values that no database and no object should hold', async t => {
      await faulty(t, ask('{"question":"a\\u0000b"}'), { '/question': /NUL/ })
      await faulty(t, ask('{"question":"\\ud83d"}'), { '/question': /surrogate/ })
      await faulty(t, ask('{"question":"x","filters":{"\\udc00":1}}'), { '/filters/\udc00': /surrogate/ })
      await faulty(t, ask('{"question":"x","__proto__":{"mode":"fast"}}'), { '/__proto__': /is not an allowed name/ })
      await faulty(t, ask('{"question":"x","filters":{"__proto__":{"in":["a"]}}}'), {
        '/filters/__proto__': /is not an allowed name/,
      })
      await faulty(t, ask('{"question":"x","constructor":{"prototype":{"admin":true}}}'), {
        '/constructor': /not a known field/,
      })
      await faulty(t, ask('{"question":"x","top_k":1e999,"filters":{"year":{"gt":-1e999}}}'), {
        '/top_k': /too large/,
        '/filters/year/gt': /too large/,
      })
      t.notOk('mode' in {} || 'admin' in {})
    })

    await t.test('too much of anything', async t => {
      await faulty(t, ask(JSON.stringify({ question: 'a'.repeat(100_000) })), {
        '/question': /at most 4000 characters/,
      })
      await faulty(t, ask(`{"question":"x","filters":${nested(100_000)}}`), {
        [`/filters${'/0'.repeat(63)}`]: /deeper than 64/,
      })
      await faulty(t, ask(`{"question":"x","history":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`), {
        [`/history${'/a'.repeat(63)}`]: /deeper than 64/,
      })
      await faulty(t, ask(JSON.stringify({ question: 'x', history: Array(51).fill({ role: 'user', content: 'a' }) })), {
        '/history': /at most 50 items/,
      })
      await faulty(t, ask(JSON.stringify({ question: 'x', history: [{ role: 'user', content: 'a'.repeat(8001) }] })), {
        '/history/0/content': /at most 8000 characters/,
      })
      await faulty(
        t,
        ask(JSON.stringify({ question: 'x', filters: { a: { in: Array(101).fill(1) }, ['b'.repeat(201)]: 1 } })),
        { '/filters/a': /1 to 100 of them/, [`/filters/${'b'.repeat(201)}`]: /1 to 200 characters/ },
      )
      await faulty(
        t,
        ask(JSON.stringify({ question: 'x', top_k: 21, timeout_ms: 600_001, include: Array(4).fill('timings') })),
        { '/top_k': /at most 20/, '/timeout_ms': /at most 600000/, '/include': /at most 3 items/ },
      )
      await faulty(
        t,
        sent(app, 'POST', '/search', { body: JSON.stringify({ question: 'x', top_k: 51 }), headers: json }),
        { '/top_k': /at most 50/ },
      )
      const documents = (body: object) =>
        sent(app, 'PUT', '/documents', { body: JSON.stringify(body), headers: { ...json, ...key } })
      const document = { source: 'a', text: 'x' }
      await faulty(
        t,
        documents({ documents: Array.from({ length: 101 }, (_, n) => ({ ...document, source: `${n}` })) }),
        { '/documents': /at most 100 items/ },
      )
      await faulty(
        t,
        documents({
          documents: [{ ...document, metadata: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [n, n])) }],
        }),
        { '/documents/0/metadata': /at most 100 fields/ },
      )
      await refused(t, documents({ documents: [{ ...document, text: 'a'.repeat(17_000_000) }] }), 413, {
        code: 'payload_too_large',
      })
      await refused(t, ask(JSON.stringify({ question: 'a'.repeat(300_000) })), 413, { code: 'payload_too_large' })
      await refused(t, sent(app, 'POST', '/ask', { body: endless(), headers: json }), 413, {
        code: 'payload_too_large',
      })
      const many = await refused(t, ask(JSON.stringify({ question: 'x', include: Array(60_000).fill('a') })), 400, {
        code: 'invalid_request',
        detail: /first 50/,
      })
      t.equal(many.errors?.length, 50, 'a reply stays small')
    })

    await t.test('a body full of faults: refused', async t => {
      const filters = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [i, []]))
      for (const part of [
        { include: Array(60_000).fill('a') },
        { filters },
        { filters: { a: { in: Array(60_000).fill([]) } } },
      ]) {
        await refused(t, ask(JSON.stringify({ question: 'x', ...part })), 400, { code: 'invalid_request' })
      }
    })

    await t.test('questions that are only unusual are answered', async t => {
      const questions = [
        '🤷🏽‍♀️',
        '?',
        '\u200b',
        '\u202eyrotimrod',
        'كم تكلفة السكن؟',
        'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳',
        '\u{10ffff}',
        '👩‍👩‍👧‍👦'.repeat(360),
        "'; drop table documents; --",
        '<script>alert(1)</script>',
        '%s%n ${7*7} {{7*7}} \\x00',
        'a'.repeat(4000),
        'dormitory '.repeat(400),
        'İıſß',
        '-- NOT | & ! ( * :*',
        '12,000',
        '1 2 3',
      ]
      for (const question of questions) await answered(t, ask(JSON.stringify({ question })))
      await answered(
        t,
        ask(
          JSON.stringify({
            question: 'And for foreigners?',
            history: Array(50).fill({ role: 'user', content: 'a '.repeat(2000) }),
          }),
        ),
      )
      await answered(t, ask('\ufeff{"question":"dormitory"}'))
      await answered(t, ask('{"question":"mode","question":"dormitory","timeout_ms":600000}'))
    })

    await t.test('content types', async t => {
      const body = '{"question":"dormitory"}'
      for (const type of [
        'text/plain',
        'application/xml',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/vnd.api+json',
        ';;;',
        'json',
        '*/*',
      ]) {
        await refused(t, ask(body, { 'content-type': type }), 415, { code: 'unsupported_media_type' })
      }
      await answered(t, ask(body, { 'content-type': 'Application/JSON; charset=utf-8' }))
      await faulty(t, sent(app, 'POST', '/ask', {}), { '': /must be an object/ })
    })

    await t.test('accepted types: what cannot be made is answered in JSON; a stream is a stream', async t => {
      const body = '{"question":"How much is the dormitory?"}'
      for (const accept of ['image/png', '', 'text/html;q=0.1, garbage', '*/*'])
        await answered(t, ask(body, { ...json, accept }))
      const { reply } = await answered(t, ask(body, { ...json, accept: 'text/event-stream' }))
      t.match((reply.headers as Headers).get('content-type'), /^text\/event-stream/)
      await answered(t, ask('{"question":"What is the weather in Paris?","stream":true}'))
      await refused(t, ask('{"question":"x","stream":true,"collection":"none"}'), 404, { code: 'unknown_collection' })
    })

    await t.test('methods and addresses', async t => {
      for (const [method, path, allow] of [
        ['GET', '/ask', 'POST'],
        ['OPTIONS', '/ask', 'POST'],
        ['POST', '/livez', 'GET, HEAD'],
        ['PATCH', '/documents/a', 'GET, HEAD, DELETE'],
        ['POST', '/documents', 'PUT'],
        ['PROPFIND', '/', 'GET, HEAD'],
      ] as const) {
        const { reply } = await refused(t, sent(app, method, path, { headers: { 'content-type': 'text/odd' } }), 405, {
          code: 'method_not_allowed',
        })
        t.equal((reply.headers as Headers).get('allow'), allow)
      }
      for (const path of [
        '/nothing',
        '/ask/',
        '//ask',
        '/ASK',
        '/documents/a/b',
        '/.env',
        '/docs/../../etc/passwd',
        '/%2e%2e/',
        '/ask%00',
      ]) {
        await refused(
          t,
          sent(app, 'POST', path, { body: 'x', headers: { 'content-type': 'text/plain' } }),
          path === '/%2e%2e/' ? 405 : 404,
        )
      }
      for (const path of [
        '/',
        '/livez',
        '/readyz',
        '/startupz',
        '/metrics',
        '/openapi.yaml',
        '/docs',
        '/?a=%ff&a[b]=c&__proto__=d',
      ]) {
        await right(t, sent(app, 'GET', path))
        await right(t, sent(app, 'HEAD', path))
      }
      await refused(t, sent(app, 'HEAD', '/nothing'), 404)
    })

    await t.test('the document API', async t => {
      const put = (body: Body, headers: Record<string, string> = { ...json, ...key }) =>
        sent(app, 'PUT', '/documents', { body, headers })
      for (const authorization of [
        '',
        'Bearer',
        'Bearer ',
        'Basic YTpi',
        `Bearer ${adminKey}x`,
        adminKey,
        `Bearer ${adminKey} ${adminKey}`,
      ]) {
        await refused(t, put('not even JSON', { ...json, authorization }), 401, { code: 'unauthorized' })
      }
      for (const id of ['1', 'a'.repeat(36), '4f9b7e5a-ff89-8300-89fc-966cc7186edc%00', "'", '%F0%9F%98%80']) {
        await refused(t, sent(app, 'GET', `/documents/${id}`, { headers: key }), 400, {
          code: 'invalid_request',
          detail: /id must be a UUID/,
        })
      }
      await refused(t, sent(app, 'GET', '/documents/00000000-0000-0000-0000-000000000000', { headers: key }), 404, {
        code: 'unknown_document',
      })
      await refused(t, sent(app, 'DELETE', '/documents/00000000-0000-0000-0000-000000000000', { headers: key }), 404, {
        code: 'unknown_document',
      })
      await faulty(t, put('{"documents":[]}'), { '/documents': /at least 1 item$/ })
      await faulty(
        t,
        put(
          '{"documents":[{"source":"a","text":"x"},{"source":"a","text":"y"},{"source":" ","text":"","url":"there","format":"pdf"}]}',
        ),
        {
          '/documents/2/source': /blank/,
          '/documents/2/text': /blank/,
          '/documents/2/url': /absolute URL/,
          '/documents/2/format': /one of text, markdown, html/,
        },
      )
      await faulty(t, put('{"documents":[{"source":"a","text":"x"},{"source":"a","text":"y"}]}'), {
        '/documents/1/source': /earlier document/,
      })
      await faulty(
        t,
        put(`{"documents":[{"source":"a","text":"x","metadata":{"deep":${nested(100)},"large":1e999}}]}`),
        {
          [`/documents/0/metadata/deep${'/0'.repeat(60)}`]: /deeper/,
          '/documents/0/metadata/large': /too large/,
        },
      )
      await right(t, sent(app, 'GET', '/collections', { headers: key }))
    })

    await t.test('odd documents are stored as they are, and can be asked about', async t => {
      const odd = [
        { source: '../../etc/passwd', text: '# \u202eright to left\n\nשלום עולם' },
        { source: 'html', format: 'html', text: '<p>one<script>alert(1)</script><p>two<table><tr><td>' },
        { source: 'deep', format: 'html', text: `${'<div>'.repeat(5000)}bottom` },
        { source: 'quotes', text: '> '.repeat(3000) },
        { source: 'one word', text: 'x'.repeat(5000) },
        { source: 'emoji', text: '👩‍👩‍👧‍👦 '.repeat(500), metadata: { constructor: 'x', list: [null, [], {}], toString: 1 } },
        { source: 'blank markup', text: '<!-- -->' },
        { source: 'x', text: '[a]: b\n', title: '', url: 'javascript:alert(1)' },
      ]
      for (const document of odd) {
        const stored = await right(
          t,
          sent(app, 'PUT', '/documents', {
            body: JSON.stringify({ collection: 'odd', documents: [document] }),
            headers: { ...json, ...key },
          }),
          [200, 400, 422],
        )
        if (stored.reply.status !== 200) continue
        const { id } = (JSON.parse(stored.reply.body) as { documents: [{ id: string }] }).documents[0]
        await right(t, sent(app, 'GET', `/documents/${id}`, { headers: key }))
      }
      await answered(t, ask('{"question":"What is two?","collection":"odd","include":["passages","timings"]}'))
    })

    await t.test('any JSON at all', async t => {
      const fields = fc.record(
        {
          question: fc.jsonValue(),
          filters: fc.jsonValue(),
          history: fc.jsonValue(),
          top_k: fc.jsonValue(),
          include: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      await fc.assert(
        fc.asyncProperty(fc.oneof(fc.jsonValue(), fields), async body => {
          await right(t, ask(JSON.stringify(body)), [200, 400])
        }),
        { numRuns: 200 },
      )
      const filters = fc.dictionary(
        fc.string({ minLength: 1, maxLength: 20 }),
        fc.oneof(fc.string(), fc.double(), fc.record({ gt: fc.string() })),
      )
      const question = anyText({ minLength: 1, maxLength: 200 })
      await fc.assert(
        fc.asyncProperty(question, filters, async (question, filters) => {
          await right(t, ask(JSON.stringify({ question, filters })), [200, 400])
        }),
        { numRuns: 100 },
      )
    })

    await t.test('HTTP that is none', async t => {
      const host = 'host: localhost\r\nconnection: close\r\n'
      const post = `POST /ask HTTP/1.1\r\n${host}content-type: application/json\r\n`
      for (const bytes of [
        'garbage\r\n\r\n',
        '\x16\x03\x01\x02\x00\x01\x00',
        `GET / HTTP/9.9\r\n${host}\r\n`,
        `BREW / HTTP/1.1\r\n${host}\r\n`,
        `GET / HTTP/1.1\r\n${host}bad header\r\n\r\n`,
        `GET / HTTP/1.1\r\n${host}x: a\0b\r\n\r\n`,
        `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
        `${post}content-length: 5\r\ncontent-length: 6\r\n\r\n12345`,
        `${post}content-length: -1\r\n\r\n`,
        `${post}transfer-encoding: chunked\r\n\r\nzz\r\nnot a chunk\r\n`,
      ])
        await brokenOff(t, app, bytes, { status: 400, code: 'invalid_http' })
      await brokenOff(t, app, `GET / HTTP/1.1\r\n${host}x: ${'a'.repeat(20_000)}\r\n\r\n`, {
        status: 431,
        code: 'headers_too_large',
      })
      t.equal(
        (await rawReply(app, `HEAD / HTTP/1.1\r\n${host}x: ${'a'.repeat(20_000)}\r\n\r\n`)).body,
        '',
        'to HEAD the head alone',
      )
      await brokenOff(t, app, 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', {
        status: 400,
        code: 'invalid_request',
        method: 'GET',
        path: '/',
      })
    })

    await t.test('URLs that are none', async t => {
      await refused(t, sent(app, 'GET', '/%'), 400, { code: 'invalid_request', detail: /URL path is not valid/ })
      await refused(t, sent(app, 'GET', '/documents/%ff', { headers: key }), 400, { code: 'invalid_request' })
      await refused(t, sent(app, 'GET', `/documents/${'a'.repeat(200)}`, { headers: key }), 400, {
        code: 'invalid_request',
        detail: /too long/,
      })
    })

    await t.test('HTTP that is only unusual is answered', async t => {
      const get = async (head: string) => await rawReply(app, `${head}\r\n\r\n`)
      for (const head of [
        'GET /livez HTTP/1.0',
        'GET /livez HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\nx-forwarded-for: 1.2.3.4, nonsense\r\nx-request-id: <script>',
        'GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: miracles',
        'GET /livez HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: websocket',
        'GET http://elsewhere/livez HTTP/1.1\r\nhost: a\r\nconnection: close',
      ]) {
        const reply = await get(head)
        assertContract(t, { method: 'GET', path: '/livez', ...reply })
        t.equal(reply.status, 200, head)
        t.match(reply.headers.get('x-request-id'), /^[\w.:-]+$/)
      }
      const body = '{"question":"dormitory"}'
      const expecting = await rawReply(
        app,
        `POST /ask HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      )
      assertContract(t, { method: 'POST', path: '/ask', ...expecting })
      t.equal(expecting.status, 200)
    })

    await t.test('after all this it still answers, and has no fault of its own in its figures', async t => {
      await answered(t, ask('{"question":"How much is the dormitory?"}'))
      const { reply } = await right(t, sent(app, 'GET', '/metrics'))
      t.notMatch(reply.body, /failures_total\{code="internal"\} [1-9]/)
    })
  })

interface Sent {
  readonly body?: Body | ReadableStream
  readonly headers?: Record<string, string>
}

interface Outcome {
  readonly reply: GivenReply
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[] | undefined
}

async function sent(app: App, method: string, path: string, { body, headers = {} }: Sent = {}): Promise<GivenReply> {
  const response = await fetch(app.url + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body, duplex: 'half' }),
  })
  return { method, path, status: response.status, headers: response.headers, body: await response.text() }
}

/** One of these statuses, and as documented. */
async function right(t: Test, request: Promise<GivenReply>, statuses: readonly number[] = [200]): Promise<Outcome> {
  const reply = await request
  if (!statuses.includes(reply.status))
    t.fail(`${reply.method} ${reply.path}: ${reply.status}, not ${statuses.join(' or ')}: ${reply.body.slice(0, 500)}`)
  assertContract(t, reply)
  const isProblem = reply.status >= 400 && reply.body !== ''
  return { reply, errors: isProblem ? (JSON.parse(reply.body) as Outcome).errors : undefined }
}

async function answered(t: Test, request: Promise<GivenReply>): Promise<Outcome> {
  return await right(t, request)
}

async function refused(
  t: Test,
  request: Promise<GivenReply>,
  status: number,
  problem?: { readonly code: string; readonly detail?: RegExp },
): Promise<Outcome> {
  const outcome = await right(t, request, [status])
  if (problem) t.match(JSON.parse(outcome.reply.body), problem)
  return outcome
}

/** Exactly these faults, by pointer. */
async function faulty(t: Test, request: Promise<GivenReply>, faults: Record<string, RegExp>): Promise<void> {
  const { errors = [] } = await refused(t, request, 400, { code: 'invalid_request' })
  t.same(errors.map(error => error.pointer).sort(), Object.keys(faults).sort())
  t.match(Object.fromEntries(errors.map(({ pointer, detail }) => [pointer, detail])), faults)
}

interface BrokenOff {
  readonly status: number
  readonly code: string
  readonly method?: string
  readonly path?: string
}

async function brokenOff(
  t: Test,
  app: App,
  bytes: string,
  { status, code, method = 'POST', path = '/ask' }: BrokenOff,
): Promise<void> {
  const reply = await rawReply(app, bytes)
  assertContract(t, { method, path, ...reply })
  t.equal(reply.status, status, bytes.slice(0, 60))
  t.match(JSON.parse(reply.body || '{}'), { code })
}

/** What the server says to these bytes until it closes the connection. */
async function rawReply(app: App, bytes: string): Promise<Pick<GivenReply, 'status' | 'body'> & { headers: Headers }> {
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  socket.write(bytes, 'latin1')
  const chunks: Buffer[] = []
  // A reset after the reply is how a server ends what it has not read.
  await new Promise<void>(
    resolve =>
      void socket
        .on('data', chunk => chunks.push(chunk))
        .on('error', () => {})
        .on('close', () => resolve()),
  )
  const text = Buffer.concat(chunks)
    .toString()
    .replace(/^HTTP\/1.1 100 Continue\r\n\r\n/, '')
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...fields] = head.split('\r\n')
  const headers = new Headers(fields.map(field => field.split(/: (.*)/s).slice(0, 2) as [string, string]))
  const content = rest.join('\r\n\r\n')
  return {
    status: Number(first.split(' ')[1]),
    headers,
    body: headers.get('transfer-encoding') === 'chunked' ? unchunked(content) : content,
  }
}

function unchunked(text: string): string {
  return text.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '').replace(/\r\n$/, '')
}

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

/** A body without a length that does not end by itself. */
function endless(): ReadableStream {
  return new ReadableStream({ pull: controller => controller.enqueue(new Uint8Array(65_536).fill(32)) })
}
