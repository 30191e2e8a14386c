import { readFileSync } from 'node:fs'
import t from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import { settings } from '../../../src/config/settings.ts'
import { faultsOf } from '../../support/config-faults.ts'

t.test('nothing set: everything has a default', async t => {
  const config = readConfig({})
  t.equal(config.port, 3000)
  t.equal(config.models.embedding, 'local')
  t.equal(config.models.chat, null)
})

t.test('several wrong settings: all named at once, with what they may be', async t => {
  const faults = faultsOf({ PORT: 'x', POOL_SIZE: '0', LOG_LEVEL: 'loud' })
  t.same(faults, [
    'PORT is "x"; it must be a whole number from 0 to 65535',
    'POOL_SIZE is "0"; it must be a whole number from 1 to 1000',
    'LOG_LEVEL is "loud"; it must be trace | debug | info | warn | error | silent',
  ])
})

t.test('a wrong secret: named, never shown', async t => {
  const [fault] = faultsOf({ ADMIN_API_KEY: 'hush hush' })
  t.match(fault, /^ADMIN_API_KEY is invalid/)
  t.notMatch(fault, /hush/)
})

t.test('REDIS_PREFIX: letters, digits and few signs, none that a pattern or a Cluster reads otherwise', async t => {
  const prefixOf = (text?: string) =>
    readConfig({ REDIS_URL: 'redis://localhost', ...(text !== undefined && { REDIS_PREFIX: text }) }).redis?.prefix
  t.equal(prefixOf(), 'askwell')
  for (const text of ['askwell-staging', 'team:askwell', 'a', 'A_1.b', 'x'.repeat(64)]) t.equal(prefixOf(text), text)
  for (const text of ['ask*', 'a?b', '{a}', '[a]', 'a b', 'a\\b', 'ü', 'x'.repeat(65)]) {
    const fault = `REDIS_PREFIX is ${JSON.stringify(text)}; it must be 1 to 64 letters, digits and the characters . _ : -, such as askwell-staging`
    t.same(faultsOf({ REDIS_PREFIX: text }), [fault])
  }
})

t.test('ABSTAIN_BELOW: learned unless it is set; a value of an earlier version is a confidence now', async t => {
  const thresholdOf = (text: string) => readConfig({ ABSTAIN_BELOW: text }).ask.abstainBelow
  t.equal(readConfig({}).ask.abstainBelow, null)
  t.equal(thresholdOf('auto'), null)
  t.equal(thresholdOf('0.38'), 0.38)
  t.equal(thresholdOf('0'), 0)
  t.same(faultsOf({ ABSTAIN_BELOW: '38' }), ['ABSTAIN_BELOW is "38"; it must be auto, or a number from 0 to 1'])
})

t.test('an empty variable counts as not set', async t => t.equal(readConfig({ PORT: ' ' }).port, 3000))

t.test('a key alone: OpenAI with its default models', async t => {
  t.match(readConfig({ OPENAI_API_KEY: 'k' }).models, { chat: 'gpt-4o-mini', embedding: 'text-embedding-3-small' })
})

t.test('budgets: of the service and of collections; money needs prices', async t => {
  const prices = { MODEL_PRICES: 'prompt=0.15,completion=0.60' }
  t.same(readConfig({}).budgets, { service: {}, collections: {}, processes: 1 })
  t.same(
    readConfig({
      ...prices,
      BUDGET_TOKENS_PER_DAY: '2000000',
      BUDGET_COST_PER_DAY: '2.50',
      BUDGET_COLLECTIONS: 'admissions=tokens:200000, faq=cost:1.5,faq=tokens:10',
    }).budgets,
    {
      service: { tokens: 2_000_000, cost: 2.5 },
      collections: { admissions: { tokens: 200_000 }, faq: { cost: 1.5, tokens: 10 } },
      processes: 1,
    },
  )
  t.match(faultsOf({ BUDGET_COST_PER_DAY: '2', BUDGET_COLLECTIONS: 'faq=cost:1' }), [
    'BUDGET_COST_PER_DAY is set, but the price of the language model is unknown; set MODEL_PRICES, or use BUDGET_TOKENS_PER_DAY',
    'BUDGET_COLLECTIONS has a cost, but the price of the language model is unknown; set MODEL_PRICES, or give the collection tokens',
  ])
  t.same(faultsOf({ BUDGET_TOKENS_PER_DAY: '0', BUDGET_COST_PER_DAY: '0.0', ...prices }), [
    'BUDGET_TOKENS_PER_DAY is "0"; it must be a whole number from 1 to 1000000000000',
    'BUDGET_COST_PER_DAY is "0.0"; it must be an amount above 0, such as 2.50',
  ])
  for (const text of [
    'faq',
    'faq=5',
    'faq=tokens:0',
    'faq=tokens:1.5',
    'faq=cost:0',
    'FAQ=tokens:1',
    'faq=calls:1',
    'faq=tokens:1,faq=tokens:2',
    'faq=tokens:1,',
  ])
    t.match(faultsOf({ BUDGET_COLLECTIONS: text, ...prices }), [/^BUDGET_COLLECTIONS is .* must be NAME=tokens:NUMBER/])
})

t.test('a key with a budget of money: needs prices too', async t => {
  const key = JSON.stringify([{ name: 'web', sha256: 'a'.repeat(64), budget: { cost_per_day: 1 } }])
  t.match(faultsOf({ API_KEYS: key }), [/budget has cost_per_day, .* set MODEL_PRICES/])
  t.match(readConfig({ API_KEYS: key, MODEL_PRICES: 'prompt=1,completion=2' }).keys, [{ budget: { cost: 1 } }])
})

t.test('the prices of embedding and reranking stand after the others', async t => {
  const pricesOf = (text: string) => readConfig({ MODEL_PRICES: text }).models.prices
  t.same(pricesOf('prompt=1,completion=2'), { prompt: 1, completion: 2, currency: 'USD' })
  t.same(pricesOf('prompt=1, completion=2, embedding=0.02'), {
    prompt: 1,
    completion: 2,
    embedding: 0.02,
    currency: 'USD',
  })
  t.match(pricesOf('prompt=1,completion=2,rerank=0.05'), { rerank: 0.05, embedding: undefined })
  t.match(pricesOf('prompt=1,completion=2,embedding=0.1,rerank_call=0.002'), { embedding: 0.1, rerankCall: 0.002 })
  t.match(faultsOf({ MODEL_PRICES: 'embedding=1' }), [/^MODEL_PRICES is/])
})

t.test('a base URL: the chat model must be named, embeddings stay local', async t => {
  t.match(faultsOf({ OPENAI_BASE_URL: 'http://localhost:11434/v1' })[0], /CHAT_MODEL is not set/)
  const { models } = readConfig({ OPENAI_BASE_URL: 'http://localhost:11434/v1', CHAT_MODEL: 'llama3' })
  t.match(models, { chat: 'llama3', embedding: 'local' })
})

t.test('KEY_RATE_LIMIT: 1000, but a key has no lower limit than an address unless it is set', async t => {
  const keyMaxOf = (env: Record<string, string>) => readConfig(env).rateLimit.keyMax
  t.equal(keyMaxOf({}), 1000)
  t.equal(keyMaxOf({ RATE_LIMIT: '5000' }), 5000)
  t.equal(keyMaxOf({ RATE_LIMIT: '0' }), 0)
  t.equal(keyMaxOf({ RATE_LIMIT: '5000', KEY_RATE_LIMIT: '50' }), 50)
  t.equal(keyMaxOf({ RATE_LIMIT: '0', KEY_RATE_LIMIT: '50' }), 50)
})

t.test('a model without an API to ask: refused', async t => {
  t.match(faultsOf({ EMBEDDING_MODEL: 'e5' })[0], /OPENAI_API_KEY or OPENAI_BASE_URL/)
})

t.test('a model on disk needs no API', async t => {
  const { models } = readConfig({
    EMBEDDING_MODEL: 'onnx:models/e5',
    EMBEDDING_QUERY_PREFIX: 'query: ',
    EMBEDDING_LANGUAGES: 'en,ru',
  })
  t.match(models, {
    embedding: 'onnx:models/e5',
    embeddingQueryPrefix: 'query:',
    embeddingPassagePrefix: undefined,
    embeddingLanguages: ['en', 'ru'],
  })
  for (const env of [{ EMBEDDING_MODEL: 'onnx:' }, { CHAT_MODEL: 'onnx:models/e5' }])
    t.match(faultsOf(env)[0], /no model API is configured/)
})

t.test('a pulled model is a folder of DATA_DIR', async t => {
  const modelsOf = (env: Record<string, string>) => {
    const { models, rerank } = readConfig({ DATA_DIR: 'data', ...env })
    return [models.embedding, rerank?.model]
  }
  const folder = 'onnx:data/models/multilingual-e5-small'
  t.same(modelsOf({ EMBEDDING_MODEL: 'pulled:multilingual-e5-small' }), [folder, undefined])
  t.same(modelsOf({ EMBEDDING_MODEL: 'multilingual-e5-small' }), [folder, undefined])
  t.same(modelsOf({ EMBEDDING_MODEL: 'pulled:my-own' }), ['onnx:data/models/my-own', undefined])
  const api = { OPENAI_BASE_URL: 'http://localhost:1/v1', CHAT_MODEL: 'none' }
  t.same(modelsOf({ ...api, EMBEDDING_MODEL: 'multilingual-e5-small' }), ['multilingual-e5-small', undefined])
  t.same(modelsOf({ ...api, EMBEDDING_MODEL: 'pulled:multilingual-e5-small' }), [folder, undefined])
  const own = { EMBEDDING_BASE_URL: 'http://127.0.0.1:8080/v1' }
  t.same(modelsOf({ ...own, EMBEDDING_MODEL: 'multilingual-e5-small' }), ['multilingual-e5-small', undefined])
  t.same(modelsOf({ RERANK_MODEL: 'ms-marco-minilm-l6' }), ['local', 'onnx:data/models/ms-marco-minilm-l6'])
  t.same(modelsOf({ RERANK_MODEL: 'pulled:mine' }), ['local', 'onnx:data/models/mine'])
  t.same(modelsOf({ RERANK_MODEL: 'ms-marco-minilm-l6', RERANK_URL: 'http://localhost:2/rerank' }), [
    'local',
    'ms-marco-minilm-l6',
  ])
  t.match(faultsOf({ EMBEDDING_MODEL: 'ms-marco-minilm-l6' })[0], /or write pulled:NAME/, 'a reranker makes no vectors')
})

t.test('a prefix for the model in the package: refused', async t => {
  t.match(faultsOf({ EMBEDDING_MODEL: 'local', EMBEDDING_PASSAGE_PREFIX: 'passage:' })[0], /takes no prefix/)
})

t.test('the judge of an evaluation has its own API, or the model API with its key', async t => {
  const judgeOf = (env: Record<string, string>) => readConfig(env).evaluation.judge
  t.equal(judgeOf({}), null)
  const api = { OPENAI_BASE_URL: 'http://localhost:8000/v1', OPENAI_API_KEY: 'sk', CHAT_MODEL: 'chat' }
  t.match(judgeOf(api), { model: 'chat', baseUrl: api.OPENAI_BASE_URL, apiKey: 'sk' })
  t.match(judgeOf({ ...api, JUDGE_MODEL: 'judge' }), { model: 'judge', baseUrl: api.OPENAI_BASE_URL, apiKey: 'sk' })
  const own = { ...api, JUDGE_MODEL: 'judge', JUDGE_URL: 'http://localhost:9000/v1' }
  t.same(
    judgeOf(own),
    { model: 'judge', baseUrl: own.JUDGE_URL, apiKey: undefined },
    'the key goes to its own API alone',
  )
  t.match(judgeOf({ ...own, JUDGE_API_KEY: 'k' }), { apiKey: 'k' })
  t.match(faultsOf({ JUDGE_MODEL: 'judge' }), [/JUDGE_MODEL is "judge", but no model API is configured/])
  t.match(faultsOf({ JUDGE_URL: own.JUDGE_URL }), [/JUDGE_URL is set, but JUDGE_MODEL is not/])
})

t.test('a reranker: address and model together, no key in the address', async t => {
  t.equal(readConfig({}).rerank, null)
  const rerank = { RERANK_URL: 'http://localhost:8000/v1/rerank', RERANK_MODEL: 'bge' }
  t.match(readConfig(rerank).rerank, { url: rerank.RERANK_URL, model: 'bge', candidates: 30, timeoutMs: 3000 })
  t.match(faultsOf({ RERANK_URL: rerank.RERANK_URL }), [/RERANK_MODEL is not set/])
  t.match(faultsOf({ RERANK_MODEL: 'bge', RERANK_API_KEY: 'k' }), [
    /set RERANK_URL/,
    /RERANK_API_KEY is set.*set RERANK_URL/,
  ])
  t.match(faultsOf({ ...rerank, RERANK_URL: 'https://key@api.example/rerank' }), [/without credentials/])
  t.equal(readConfig(rerank).rerank?.readsUnits, false, 'a second call may cost something')
  t.equal(readConfig({ ...rerank, RERANK_UNITS: 'on' }).rerank?.readsUnits, true)
})

t.test('a reranker on disk needs no URL and takes no key; sentences are read, within a budget', t => {
  const folder = { RERANK_MODEL: 'onnx:models/reranker' }
  t.match(readConfig(folder).rerank, { url: null, model: 'onnx:models/reranker', budgetMs: 1000, readsUnits: true })
  t.match(readConfig({ ...folder, RERANK_UNITS: 'off', RERANK_BUDGET_MS: '300' }).rerank, {
    budgetMs: 300,
    readsUnits: false,
  })
  t.match(faultsOf({ ...folder, RERANK_URL: 'http://localhost:8000/v1/rerank' }), [
    /RERANK_URL is set, but RERANK_MODEL is "onnx:models\/reranker", a model on disk; unset RERANK_URL, or name a model/,
  ])
  t.match(faultsOf({ ...folder, RERANK_API_KEY: 'k' }), [/RERANK_API_KEY is set.*unset it/])
  t.match(faultsOf({ RERANK_MODEL: 'onnx:' }), [/without a folder; name the folder/])
  t.end()
})

t.test('pooling is for models on disk', t => {
  const onDisk = { EMBEDDING_MODEL: 'onnx:models/bge', EMBEDDING_POOLING: 'cls' }
  t.equal(readConfig(onDisk).models.embeddingPooling, 'cls')
  t.match(faultsOf({ EMBEDDING_POOLING: 'cls' }), [/EMBEDDING_POOLING is set, but only a model on disk/])
  t.end()
})

t.test('a port for the monitoring: none, its own, never the same', async t => {
  t.equal(readConfig({}).monitoring, null)
  t.same(readConfig({ MONITORING_PORT: '9100' }).monitoring, { host: '127.0.0.1', port: 9100 })
  t.match(faultsOf({ PORT: '3000', MONITORING_PORT: '3000' }), [/MONITORING_PORT equals PORT/])
})

t.test('TRUST_PROXY: off, a number of proxies, or networks; nothing that would believe everybody', async t => {
  const trusted = (TRUST_PROXY: string) => readConfig({ TRUST_PROXY }).trustProxy
  t.same([readConfig({}).trustProxy, trusted('off')], [null, null])
  t.same([trusted('on'), trusted('1'), trusted('3')], [{ hops: 1 }, { hops: 1 }, { hops: 3 }])
  t.same(trusted('10.0.0.0/8, 2001:DB8::/32,192.0.2.7'), {
    networks: [
      { address: '10.0.0.0', prefix: 8 },
      { address: '2001:DB8::', prefix: 32 },
      { address: '192.0.2.7', prefix: 32 },
    ],
  })
  t.match(trusted('loopback'), {
    networks: [
      { address: '127.0.0.0', prefix: 8 },
      { address: '::1', prefix: 128 },
    ],
  })
  for (const wrong of [
    '0',
    '17',
    'true',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    '10.0.0.0/',
    'proxy.example',
    '10.0.0.0/8,',
    '10.0.0.1:80',
  ]) {
    t.match(
      faultsOf({ TRUST_PROXY: wrong }),
      [/^TRUST_PROXY is .*it must be off, on \(one proxy\), the number of chained proxies .*or their networks/],
      wrong,
    )
  }
})

t.test('the result cannot be changed', async t => {
  const config = readConfig({})
  t.throws(() => Object.assign(config.database, { poolSize: 1 }))
})

t.test('every default is itself allowed', async t => {
  for (const each of Object.values(settings))
    if (each.default !== undefined) t.not(each.read(each.default), undefined, each.name)
})

t.test('docs/reference/settings.md documents every setting with its default', async t => {
  const text = readFileSync(new URL('../../../docs/reference/settings.md', import.meta.url), 'utf8')
  for (const each of Object.values(settings)) {
    const row = `| \`${each.name}\` | ${each.default === undefined ? '' : `\`${each.default}\``} | ${each.about} |`
    t.ok(text.includes(row), `it has the row: ${row}`)
  }
})

t.test('parameters of DATABASE_URL that have no effect are named, in one line and without values', async t => {
  const url = 'postgres://user:geheim@host/db?pgbouncer=true&sslmode=require&connection_limit=7'
  t.same(readConfig({ DATABASE_URL: url }).notices, [
    'DATABASE_URL has parameters that have no effect here: pgbouncer, connection_limit; connections are set with POOL_SIZE',
  ])
  t.same(readConfig({ DATABASE_URL: 'postgres://host/db?sslmode=require&application_name=chat' }).notices, [])
})

t.test('a setting under its former name is read, and said to be deprecated', async t => {
  const config = readConfig({ NEAR_MATCHES: '0.9', NEAR_MATCH_ERROR: '' })
  t.equal(config.cache.semantic.mode, 0.9)
  t.same(config.notices, ['NEAR_MATCHES is deprecated: use SEMANTIC_CACHE'])
  t.equal(readConfig({ NEAR_MATCHES: '0.9', SEMANTIC_CACHE: 'off' }).cache.semantic.mode, 'off', 'the new name counts')
  t.same(readConfig({}).notices, [])
  t.same(faultsOf({ NEAR_MATCHES: 'perhaps' }), [
    'NEAR_MATCHES is "perhaps"; it must be off, learn, or a number from 0 to 1',
  ])
})
