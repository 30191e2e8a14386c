import t from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import { faultsOf } from '../../support/config-faults.ts'

const chat = { CHAT_MODEL: 'm' }

t.test('a base URL: with a query, with a slash, without the paths that are appended', async t => {
  for (const url of [
    'http://127.0.0.1:11434/v1',
    'https://api.example.com/v1/',
    'https://x.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21',
    'https://example.com/models/v1',
  ])
    t.equal(readConfig({ ...chat, OPENAI_BASE_URL: url }).models.baseUrl, url)
  for (const path of ['chat/completions', 'completions', 'embeddings', 'responses', 'models'])
    for (const ending of ['', '/', '?a=b'])
      t.match(faultsOf({ ...chat, OPENAI_BASE_URL: `http://127.0.0.1/v1/${path}${ending}` }), [
        `OPENAI_BASE_URL is invalid: it ends in /${path}, which Askwell appends itself; leave that out (most base URLs end in /v1)`,
      ])
  t.match(faultsOf({ ...chat, OPENAI_BASE_URL: 'http://127.0.0.1/v1#x' }), [/has a # part/])
  t.match(faultsOf({ ...chat, OPENAI_BASE_URL: 'ftp://127.0.0.1/v1' }), [/must be a URL that starts with http/])
  t.match(faultsOf({ JUDGE_MODEL: 'm', JUDGE_URL: 'http://127.0.0.1/v1/chat/completions' }), [/^JUDGE_URL .*ends in/])
})

t.test('a key that no header can carry is refused, and not shown', async t => {
  const keys: Readonly<Record<string, readonly [key: string, fault: RegExp]>> = {
    'a line end inside': ['sk-abc\ndefgh', /has several lines/],
    'an invisible space at the end': ['sk-abcdefgh\u200B', /U\+200B, the 12th one/],
    'an invisible space at the start': ['\u200Bsk-abcdefgh', /U\+200B, the 1st one/],
    'three dots': ['sk-abc…', /U\+2026, the 7th one/],
    'another alphabet': ['sk-аbc', /U\+0430, the 4th one/],
    'a control character': ['sk-\u0001bc', /U\+0001/],
    'Latin-1': ['sk-é', /U\+00E9/],
    'quotes around': ['"sk-abcdefgh"', /quotation marks/],
    'Bearer before': ['Bearer sk-abcdefgh', /begins with "Bearer"/],
  }
  const others = { JUDGE_MODEL: 'j', RERANK_URL: 'http://r/v2', RERANK_MODEL: 'r', EMBEDDING_MODEL: 'e' }
  for (const [name, [key, fault]] of Object.entries(keys)) {
    for (const setting of ['OPENAI_API_KEY', 'EMBEDDING_API_KEY', 'RERANK_API_KEY', 'JUDGE_API_KEY']) {
      const [first, ...more] = faultsOf({ OPENAI_API_KEY: 'k', ...others, [setting]: key })
      t.match([first, more.length], [fault, 0], name)
      t.ok(String(first).startsWith(`${setting} is invalid: it `), setting)
      t.notMatch(first, /abc|defgh/)
    }
  }
})

t.test('what surrounds a key is taken off', async t => {
  for (const key of ['sk-abc\n', 'sk-abc\r\n', '\uFEFFsk-abc', '  sk-abc\t'])
    t.equal(readConfig({ OPENAI_API_KEY: key }).models.apiKey, 'sk-abc')
  t.equal(readConfig({ OPENAI_API_KEY: 'not needed' }).models.apiKey, 'not needed')
})

t.test('headers: lines, semicolons or JSON', async t => {
  const headersOf = (text: string) => readConfig({ ...chat, OPENAI_BASE_URL: 'http://h', OPENAI_HEADERS: text })
  const read = (text: string) => headersOf(text).models.headers
  t.same(read('X-Team: library'), { 'x-team': 'library' })
  t.same(read('X-Team: library; Api-Key:a:b=c\nX-Empty:'), { 'x-team': 'library', 'api-key': 'a:b=c', 'x-empty': '' })
  t.same(read('{"X-Team": "a; b", "Authorization": "Basic eDp5"}'), {
    'x-team': 'a; b',
    authorization: 'Basic eDp5',
  })
  for (const text of ['X-Team', 'X Team: a', 'X-Team: ä', '{"a": 1}', '{', '{}', ';', 'Host: a', 'content-length: 1']) {
    const [fault = '', ...more] = faultsOf({ ...chat, OPENAI_BASE_URL: 'http://h', OPENAI_HEADERS: text })
    t.match([fault, more.length], [/^OPENAI_HEADERS is invalid; it must be headers such as/, 0], text)
    t.equal(fault.includes('Team: ä'), false)
  }
})

const groq = { OPENAI_BASE_URL: 'https://api.groq.com/openai/v1', OPENAI_API_KEY: 'groq', CHAT_MODEL: 'm' }
const own = { EMBEDDING_BASE_URL: 'https://api.other.com/v1', EMBEDDING_MODEL: 'e' }
const embeddingOf = (env: Record<string, string>) => readConfig(env).models.embeddingApi

t.test('embeddings: the API of chat, unless they have one of their own', async t => {
  t.match(embeddingOf({ ...groq, EMBEDDING_MODEL: 'e', OPENAI_HEADERS: 'a: b' }), {
    baseUrl: groq.OPENAI_BASE_URL,
    apiKey: 'groq',
    headers: { a: 'b' },
    names: { url: 'OPENAI_BASE_URL', key: 'OPENAI_API_KEY' },
  })
  t.match(embeddingOf({ ...groq, ...own, EMBEDDING_API_KEY: 'other', EMBEDDING_HEADERS: 'c: d' }), {
    baseUrl: own.EMBEDDING_BASE_URL,
    apiKey: 'other',
    headers: { c: 'd' },
    names: { url: 'EMBEDDING_BASE_URL', key: 'EMBEDDING_API_KEY' },
  })
  t.match(
    embeddingOf({ ...groq, ...own, OPENAI_HEADERS: 'a: b' }),
    { apiKey: undefined, headers: undefined },
    'another host gets neither the key nor the headers',
  )
  const deployment = 'https://api.groq.com/deployments/embeddings-3/v1'
  t.match(embeddingOf({ ...groq, ...own, EMBEDDING_BASE_URL: deployment }), { baseUrl: deployment, apiKey: 'groq' })
  t.match(readConfig({ EMBEDDING_API_KEY: 'k' }).models, { embedding: 'text-embedding-3-small', chat: null })
  t.match(readConfig({ EMBEDDING_BASE_URL: 'http://h/v1', EMBEDDING_MODEL: 'e' }).models, {
    embedding: 'e',
    chat: null,
  })
})

t.test('embeddings: an API that is not used, or a model that is not named', async t => {
  t.match(faultsOf({ ...groq, EMBEDDING_BASE_URL: 'http://h/v1' }), [
    'EMBEDDING_MODEL is not set; with EMBEDDING_BASE_URL it must name a model of that API',
  ])
  for (const model of ['local', 'onnx:e5'])
    t.match(faultsOf({ ...groq, ...own, EMBEDDING_MODEL: model }), [
      `EMBEDDING_BASE_URL is set, but EMBEDDING_MODEL is "${model}", which needs no API; unset EMBEDDING_BASE_URL, or name a model of it`,
    ])
})

t.test('proxies: refused at the start if models could not be called through them', async t => {
  const remote = { OPENAI_BASE_URL: 'https://api.example.com/v1', CHAT_MODEL: 'm' }
  const local = { OPENAI_BASE_URL: 'http://[::1]:11434/v1', CHAT_MODEL: 'm' }
  for (const proxy of ['proxy:3128', 'socks5://user:hush@proxy', 'not a URL']) {
    const [fault = ''] = faultsOf({ ...remote, HTTPS_PROXY: proxy })
    t.match(fault, /^HTTPS_PROXY is invalid: .*such as http:\/\/proxy\.example\.edu:3128$/)
    t.notMatch(fault, /hush/)
    for (const env of [{}, local]) t.doesNotThrow(() => readConfig({ ...env, HTTPS_PROXY: proxy }), 'nothing is called')
  }
  t.match(faultsOf({ OPENAI_API_KEY: 'k', http_proxy: 'x' }), [/^http_proxy is invalid/])
  t.same(readConfig({ ...remote, HTTPS_PROXY: 'http://user:pass@proxy:3128' }).notices, [])
  t.match(readConfig({ ...remote, ALL_PROXY: 'http://proxy:3128' }).notices, [/^ALL_PROXY has no effect/])
  t.same(readConfig({ ...local, ALL_PROXY: 'http://proxy:3128' }).notices, [])
})
