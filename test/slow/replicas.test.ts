import { request } from 'node:http'
import t, { type Test } from 'tap'
import { decodeAnswer } from '../../src/adapters/redis/answer-codec.ts'
import { openRedis } from '../../src/adapters/redis/redis.ts'
import { createSharedAnswers } from '../../src/adapters/redis/shared-answers.ts'
import type { CachedAnswer } from '../../src/ask/cache/freshness.ts'
import type { LeaseReply, FillLease } from '../../src/ask/cache/shared-cache.ts'
import { noUsage } from '../../src/ask/terms/usage.ts'
import { skipReason, type Reply } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { createDatabase } from '../support/database.ts'
import { openStream, type LiveStream } from '../support/live-stream.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { redisSkipReason, startRedis, told, type Redis } from '../support/redis.ts'
import { keysLike } from '../support/redis-keys.ts'
import { startReplicas, type Replica } from '../support/replicas.ts'
import { runOf } from '../support/run-of.ts'
import { until } from '../support/until.ts'

/** Several processes, one Redis: an answer is made once, and whoever makes it may die. */

const rent = 'How much does a place in the dormitory cost?'
/** Of the document that answers it: a word that no document has would be looked for in other wordings first. */
const knownWords = 'tenge month foreign student settled first warden keeps list free rooms'.split(' ')
let nth = 0
/** One that nobody has asked yet. */
function another() {
  const word = knownWords[nth++]
  if (word === undefined) throw new Error('more questions than words')
  return `${rent} (${word})`
}

/** Of the handed keys those that the pattern names. */
const keysOf = (redis: Redis, what: 'answer' | 'lease') => told(redis, client => client.keys(keysLike(`${what}:*`)))

async function setUp(t: Test) {
  const [model, redis, { url }] = await Promise.all([startModel(t), startRedis(t), createDatabase(t)])
  const settings = {
    ...settingsFor(model, 'test-embedding'),
    // These answers are made up.
    GROUNDING: 'off',
    DATABASE_URL: url,
    REDIS_URL: redis.url,
    SEMANTIC_CACHE: 'off',
    // On a busy machine a reply may take long, and a process that was stopped must not find its connection given up.
    REDIS_TIMEOUT_MS: '5000',
  }
  const [one, two] = (await startReplicas(t, 2, settings)) as [Replica, Replica]
  await loadHandbook(one)
  const start = async () => (await startReplicas(t, 1, settings))[0]!
  /** Sent to the replica, and on its way to the model. */
  const begun = async <T>(ask: () => T): Promise<T> => {
    const calls = model.chat.requests.length
    const asking = ask()
    await until('the model is asked', () => model.chat.requests.length > calls)
    return asking
  }
  const storedText = async () => {
    const [key] = await keysOf(redis, 'answer')
    const bytes = key ? await told(redis, client => client.getBuffer(key)) : null
    return bytes ? decodeAnswer(bytes)?.answer.text : undefined
  }
  return { model, redis, one, two, start, begun, storedText }
}

/** A question asked by a client that does not wait for the end. */
function askOnly({ url }: Replica, question: string) {
  const outgoing = request(`${url}/ask`, { method: 'POST', headers: { 'content-type': 'application/json' } })
  outgoing.on('error', () => {}) // it is we who hang up
  outgoing.end(JSON.stringify({ question }))
  return { leave: () => void outgoing.destroy() }
}

t.test('two replicas and one Redis', { skip: skipReason('postgres') || redisSkipReason() }, async t => {
  const { model, redis, one, two, start, begun, storedText } = await setUp(t)
  t.afterEach(async () => {
    model.chat.behave({})
    await told(redis, client => client.flushall())
  })

  t.test('200 equal questions at once: one call of the model, the same answer for all', async t => {
    model.chat.behave({ delayMs: 500 })
    const [question, calls] = [another(), model.chat.requests.length]
    const replies = await Promise.all(Array.from({ length: 200 }, (_, i) => (i % 2 ? one : two).ask({ question })))
    t.equal(model.chat.requests.length - calls, 1)
    t.same([...new Set(replies.map(({ status }) => status))], [200])
    t.equal(new Set(replies.map(({ json }) => JSON.stringify([json.answer, json.citations]))).size, 1)
    const count = (status: string) => replies.filter(({ json }) => json.cache.status === status).length
    t.equal(count('miss'), 1)
    t.equal(count('coalesced') + count('hit'), 199)
    t.equal(
      replies.reduce((sum, { json }) => sum + json.usage.llm_calls, 0),
      1,
    )
    t.ok(
      replies.some(({ json }) => json.cache.tier === 'redis'),
      'the other replica got it from Redis',
    )
    await until('the lease is given back', async () => (await keysOf(redis, 'lease')).length === 0)
  })

  t.test('what one has made the other has, and a third that starts later', async t => {
    const question = another()
    const { json } = await one.ask({ question })
    await until('it is in Redis', async () => (await keysOf(redis, 'answer')).length === 1)
    const calls = model.chat.requests.length
    const third = await start()
    for (const replica of [two, third]) {
      const { json: found } = await replica.ask({ question })
      t.match(found, {
        answer: json.answer,
        citations: json.citations,
        cache: { status: 'hit', tier: 'redis' },
        usage: { llm_calls: 0 },
      })
      t.match((await replica.ask({ question })).json.cache, { status: 'hit', tier: 'memory' })
    }
    t.equal(model.chat.requests.length, calls)
  })

  t.test('a model that fails: both are quoted to, and nothing is kept', async t => {
    model.chat.behave({ status: 500, delayMs: 300 })
    const question = another()
    const replies = await Promise.all([one, two].map(replica => replica.ask({ question })))
    for (const { json } of replies) t.match(json, { generator: 'extractive', degraded: ['generation'] })
    t.same(await keysOf(redis, 'answer'), [])
  })

  t.test('the one that makes it is killed: the other makes it, with one call more', async t => {
    const victim = await start()
    const [question, calls] = [another(), model.chat.requests.length]
    model.chat.behave({ silent: true, times: 1 })
    await begun(() => askOnly(victim, question))
    const waiting = one.ask({ question })
    victim.signal('SIGKILL')
    await victim.exited()
    const reply = await waiting
    t.match(reply, { status: 200, json: { answer: /12,000/, cache: { status: 'miss' } } })
    t.same(reply.json.degraded, [])
    t.equal(model.chat.requests.length - calls, 2)
  })

  t.test(
    'the one that makes it is stopped and wakes up after another has made it: it writes nothing over that',
    async t => {
      const sleeper = await start()
      const question = another()
      const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
      model.chat.behave({ answer: 'The old words [1].', held })
      const { late } = await begun(() => ({ late: sleeper.ask({ question }) }))
      sleeper.signal('SIGSTOP')
      model.chat.behave({ answer: 'The new words [1].' })
      t.match((await one.ask({ question })).json, { answer: /new/, cache: { status: 'miss' } })
      await until('it is in Redis', async () => (await storedText())?.includes('new'))
      goOn()
      sleeper.signal('SIGCONT')
      t.match((await late).json, { answer: /old/, cache: { status: 'miss' } }, 'who asked it gets what it made')
      // Of what it says to Redis, the next answer comes after that.
      await sleeper.ask({ question: another() })
      await until('its next answer is in Redis', async () => (await keysOf(redis, 'answer')).length === 2)
      const texts = await told(redis, async client =>
        Promise.all(
          (await client.keys(keysLike('answer:*'))).map(
            async key => decodeAnswer((await client.getBuffer(key))!)?.answer.text,
          ),
        ),
      )
      t.notOk(texts.some(text => text?.includes('old')))
    },
  )

  t.test('the only one who waits hangs up: the call is given up and the lease is free', async t => {
    const question = another()
    model.chat.behave({ silent: true, times: 1 })
    const aborted = model.chat.aborted
    const client = await begun(() => askOnly(one, question))
    t.equal((await keysOf(redis, 'lease')).length, 1)
    client.leave()
    await until('the model is hung up on', () => model.chat.aborted === aborted + 1)
    await until('the lease is free', async () => (await keysOf(redis, 'lease')).length === 0)
    t.match((await two.ask({ question })).json, { cache: { status: 'miss' } })
  })

  t.test('three wait, the first hangs up: nothing is given up; all see the words from the first on', async t => {
    const question = another()
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
    model.chat.behave({ answer: `${'word '.repeat(60)}[1]`, held, heldAfterTokens: 30 })
    const [calls, aborted] = [model.chat.requests.length, model.chat.aborted]
    const first = await openStream(one.url, { question })
    const hasWords = ({ said }: LiveStream) => said.includes('word word')
    await first.seen(hasWords)
    const second = await openStream(one.url, { question })
    const third = one.ask({ question })
    const elsewhere = two.ask({ question })
    await second.seen(hasWords)
    first.leave()
    goOn()
    const events = await second.whole()
    const deltas = (stream: LiveStream) =>
      stream.events.filter(({ event }) => event === 'delta').map(({ data }) => data.text as string)
    t.same(
      events.map(({ event }) => event).filter(event => event !== 'delta'),
      ['passages', 'citations', 'done'],
    )
    t.same(deltas(second).slice(0, deltas(first).length), deltas(first))
    t.match(events.at(-1)?.data, { cache: { status: 'coalesced' }, usage: { llm_calls: 0 } })
    const answer = events.at(-1)?.data.answer
    t.equal(deltas(second).join('').trim(), answer)
    // They may have been on their way when it was made.
    t.match((await third).json, { answer, cache: { status: /coalesced|hit/ } })
    t.match((await elsewhere).json, { answer, cache: { status: /coalesced|hit/, tier: 'redis' } })
    t.equal(model.chat.requests.length, calls + 1)
    t.equal(model.chat.aborted, aborted)
  })

  t.test('no-cache on both at once: each makes its own, none waits for the other', async t => {
    const [question, calls] = [another(), model.chat.requests.length]
    model.chat.behave({ delayMs: 300 })
    const replies = await Promise.all(
      [one, two].map(replica => replica.ask({ question }, { 'cache-control': 'no-cache' })),
    )
    t.same(
      replies.map(({ json }: Reply) => json.cache.status),
      ['bypass', 'bypass'],
    )
    t.equal(model.chat.requests.length, calls + 2)
  })
})

t.test('leases', { skip: redisSkipReason() }, async t => {
  const server = await startRedis(t)
  const tier = async () => {
    const redis = openRedis(server.url, { keyPrefix: 'askwell:test:', timeoutMs: 5000, log: runOf().log })
    t.teardown(redis.close)
    await until('it is usable', redis.isUsable)
    return createSharedAnswers(redis)
  }
  const [one, two] = [await tier(), await tier()]
  const remembered = (text: string, freshUntil = Date.now() + 60_000): CachedAnswer => ({
    answer: {
      text,
      abstained: false,
      language: 'en',
      mode: 'fast',
      citations: [],
      passages: [],
      cache: { status: 'miss' },
      degraded: [],
      generator: 'extractive',
      model: null,
      usage: noUsage,
    },
    madeAt: Date.now(),
    freshUntil,
    tookMs: 5,
  })
  const leaseOf = (claim: LeaseReply): FillLease => {
    if (claim.kind !== 'yours') throw new Error(`it was ${claim.kind}`)
    return claim.lease
  }
  const claimed = (which: typeof one, key: string, freshAfter = Date.now()) => which.claim(key, freshAfter)
  const loseLease = (key: string) => told(server, client => client.del(`askwell:test:lease:{${key}}`))

  t.test('one at a time; the next as soon as it is given back', async t => {
    const lease = leaseOf(await claimed(one, '1:a'))
    t.same(await claimed(two, '1:a'), { kind: 'theirs' })
    t.equal((await claimed(two, '1:b')).kind, 'yours', 'of another key it is another')
    await lease.release(false)
    await leaseOf(await claimed(two, '1:a')).keep(remembered('of two'), 60_000)
    t.match(await claimed(one, '1:a'), { kind: 'found', found: { answer: { text: 'of two' } } })
  })

  t.test('a hundred ask at once: one gets it', async t => {
    const claims = await Promise.all(Array.from({ length: 100 }, (_, i) => claimed(i % 2 ? one : two, '1:hundred')))
    t.equal(claims.filter(({ kind }) => kind === 'yours').length, 1)
    t.equal(claims.filter(({ kind }) => kind === 'theirs').length, 99)
  })

  t.test('given back as failed: others go on alone, not in a queue', async () => {
    // That is so for a moment only, which a busy machine may let pass.
    let nth = 0
    await until('it is so', async () => {
      const key = `1:failed-${++nth}`
      await leaseOf(await claimed(one, key)).release(true)
      return (await claimed(two, key)).kind === 'alone'
    })
    await until(
      'after a moment it can be had again',
      async () => (await claimed(two, `1:failed-${nth}`)).kind === 'yours',
    )
  })

  t.test('a holder that lost it keeps nothing: not before another has kept, nor after', async t => {
    const lost = leaseOf(await claimed(one, '1:fence'))
    await loseLease('1:fence')
    const next = leaseOf(await claimed(two, '1:fence'))
    await lost.keep(remembered('late'), 60_000)
    t.equal(await one.get('1:fence'), undefined)
    t.same(await claimed(one, '1:fence'), { kind: 'theirs' }, 'and the lease of the other is untouched')
    await next.keep(remembered('of the next'), 60_000)
    t.match(await one.get('1:fence'), { answer: { text: 'of the next' } })
  })

  t.test('a holder that lost it does not give back what another holds', async t => {
    const lost = leaseOf(await claimed(one, '1:release'))
    await loseLease('1:release')
    const next = leaseOf(await claimed(two, '1:release'))
    await lost.release(false)
    t.same(await claimed(one, '1:release'), { kind: 'theirs' })
    await next.release(false)
  })

  t.test('an answer past its time comes with the lease; one that is not fresh enough does too', async t => {
    const soon = Date.now() + 60_000
    await leaseOf(await claimed(one, '1:before')).keep(remembered('old', soon), 60_000)
    t.equal((await claimed(two, '1:before')).kind, 'found')
    const late = await claimed(two, '1:before', soon)
    t.match(late, { kind: 'yours', before: { answer: { text: 'old' } } })
    await leaseOf(late).release(false)
    t.match(await claimed(two, '1:before', Infinity), { kind: 'yours', before: { answer: { text: 'old' } } })
  })

  t.test('a damaged answer is removed, and the lease that came with it is good', async t => {
    await told(server, client => client.set('askwell:test:answer:{1:damaged}', '2 of another version'))
    const lease = leaseOf(await claimed(one, '1:damaged'))
    t.same(await claimed(two, '1:damaged'), { kind: 'theirs' })
    await lease.keep(remembered('new'), 60_000)
    t.match(await two.get('1:damaged'), { answer: { text: 'new' } })
  })

  t.test('it is renewed while it is held: who needs longer keeps what it makes', async t => {
    let nth = 0
    /** Where the machine stands still for seconds it is lost, as it has to be. */
    const lived = async () => {
      const key = `1:long-${++nth}`
      const lease = leaseOf(await claimed(one, key))
      const leftMs = () => told(server, client => client.pttl(`askwell:test:lease:{${key}}`))
      await until('some of its time is over', async () => (await leftMs()) < 1500)
      const isRenewed = await until('it is renewed, or lost', async () => {
        const ms = await leftMs()
        return ms > 1700 ? 'renewed' : ms < 0 ? 'lost' : null
      })
      return isRenewed === 'renewed' ? { key, lease, leftMs } : null
    }
    const { key, lease, leftMs } = await until('one is renewed', lived)
    await lease.keep(remembered('long'), 60_000)
    t.match(await two.get(key), { answer: { text: 'long' } })
    t.equal(await leftMs(), -2, 'and then it is gone')
  })

  t.test('an answer is kept for as long as was said', async t => {
    await leaseOf(await claimed(one, '1:short')).keep(remembered('short'), 40)
    await until('it is gone', async () => (await two.get('1:short')) === undefined)
    t.equal((await claimed(two, '1:short')).kind, 'yours')
  })
})
