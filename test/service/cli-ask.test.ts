import { PassThrough } from 'node:stream'
import t from 'tap'
import { ask } from '../../src/commands/ask.ts'
import { answerText } from '../../src/commands/ask-words.ts'
import { anyWorld, skipReason, startApp } from '../support/app.ts'
import { runCli, runCliProcess } from '../support/cli.ts'
import { schemaFaults } from '../support/contract.ts'
import { handbook, loadHandbook } from '../support/corpus.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { startReranker } from '../support/reranker.ts'

/** `askwell ask`: one question on the command line, and why its answer is what it is. */

const rent = 'How much does a place in the dormitory cost?'
const quoting = { CHAT_MODEL: 'none' }

t.test('a service on Postgres', { skip: skipReason(anyWorld) || redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const reranker = await startReranker(t)
  reranker.behave({ likes: 'warden' })
  const app = await startApp(t, anyWorld, {
    ...quoting,
    REDIS_URL: redis.url,
    RERANK_URL: reranker.url,
    RERANK_MODEL: 'test-rerank',
  })
  await loadHandbook(app)
  // An embedded database belongs to one process.
  if (anyWorld === 'embedded') await app.stop()
  const host = { env: app.env, stdout: new PassThrough(), stderr: new PassThrough() }

  t.test('the JSON is that of POST /ask', async t => {
    const json = JSON.parse(JSON.stringify(await ask(host, rent, { explain: true })))
    t.same(schemaFaults('/components/schemas/Answer', json), [])
    t.match(json, {
      answer: /12,000 tenge/,
      citations: [{ index: 1, source: handbook[1].source, title: 'Dormitory', metadata: handbook[1].metadata }],
      explain: { cache: { status: 'miss' }, passages: [{ ranks: { fused: 1 } }] },
    })
    const plain = await ask(host, rent)
    t.notOk('explain' in plain)
    t.equal(answerText(plain).split('\n').length, 4, 'as text: no more than the answer and its source')
  })

  t.test('cached in Redis: the answer of the service, and the other way round', async t => {
    const again = await ask(host, rent, { explain: true })
    t.match(again.explain, { cache: { status: 'hit', tier: 'redis' }, passages: null })
    t.match(answerText(again), /^cache {7}hit, redis, \d+ s old; key \d+:[\w-]+$/m)
    t.match(answerText(again), /^confidence {2}unknown: the answer was not computed by this run$/m)
    t.notMatch(answerText(again), /passage$/m)
    if (anyWorld === 'postgres') t.match((await app.ask({ question: rent })).json.cache, { tier: 'redis' })
    t.match(await ask(host, rent, { cache: false }), { cache: { status: 'bypass' } })
  })

  t.test('as text: the answer, its sources, and a row for each candidate', async t => {
    const text = answerText(await ask(host, rent, { explain: true, cache: false }))
    t.match(text, /^A place in the dormitory costs 12,000 tenge a month\..*\[1\]/)
    t.match(text, /^\[1\] Dormitory {2}https:\/\/example\.edu\/dormitory#dormitory\n {4}A place/m)
    t.match(text, /^question {4}en; terms: place dormitori cost$/m)
    t.match(text, /^confidence {2}\d\.\d\d, threshold \d\.\d\d; \d+ candidates; vectors \d+ %$/m)
    t.match(text, /^signals {5}\w+ -?\d+\.\d\d \([+-]\d+\.\d\d\), /m)
    t.match(text, /^times .*rerank \d.* ms, total /m)
    t.match(text, /^ *fused +bm25 +vector +coverage +reranked +selected +packed {2}passage$/m)
    t.match(text, /^ *1\.00 \(1\) .*\d\.\d\d \(1\) .* {2}Dormitory.* {2}[\da-f-]{36}\.0$/m)
  })

  t.test('no answer: the reason', async t => {
    const answer = await ask(host, 'What is the weather in Paris today?', { explain: true })
    t.equal(answer.abstained, true)
    t.match(
      answerText(answer),
      /^I can't find that.*^confidence .*; abstained: the documents probably do not answer it$/ms,
    )
    t.match(answerText(await ask(host, '?!', { explain: true })), /abstained: the question has no letter or digit/)
  })

  t.test('options: as in the body of POST /ask', async t => {
    t.match(await ask(host, rent, { language: 'ru', topK: 1, mode: 'fast' }), { language: 'ru', mode: 'fast' })
    await t.rejects(ask(host, rent, { collection: 'nowhere' }), { code: 'unknown_collection' })
  })
})

t.test('a wrong command line', async t => {
  t.match(await runCli(['ask']), { code: 2, stderr: /missing required argument/ })
  for (const wrong of [
    [' '],
    ['x'.repeat(4001)],
    ['x', '--top-k', '21'],
    ['x', '--top-k', '1.5'],
    ['x', '--mode', 'slow'],
    ['x', '-c', 'No'],
  ])
    t.match(await runCli(['ask', ...wrong]), { code: 2, stderr: /is invalid/ }, wrong.join(' ').slice(0, 20))
})

t.test('a process on the embedded database: answers on stdout; an abstention ends with exit code 0', async t => {
  const app = await startApp(t, 'embedded', quoting)
  await loadHandbook(app)
  await app.stop()
  const options = { env: app.env, cwd: t.testdir({}) }
  const found = await runCliProcess(['ask', rent, '--explain'], options)
  t.match(found, { code: 0, stderr: '', stdout: /^A place.*^\[1\] Dormitory.*^confidence .*passage$/ms })
  const none = await runCli(['ask', 'What is the weather in Paris today?', '--json'], options)
  t.match(none, { code: 0, stderr: '', json: { abstained: true, answer: /can't find that/, explain: undefined } })
})
