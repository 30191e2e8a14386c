import tap, { type Test } from 'tap'
import { adminKey, skipReason } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { archiveOf, dumpOf, restoreInPlace, restoreInto } from '../support/dump.ts'
import { administer } from '../support/postgres.ts'
import { keysLike } from '../support/redis-keys.ts'
import { redisSkipReason, startRedis, told, type Redis } from '../support/redis.ts'
import { startReplicas, type Replica } from '../support/replicas.ts'
import { startPair } from '../support/replicated-pair.ts'
import { until } from '../support/until.ts'

/**
 * A database that goes back, by a restore or by a standby that takes over without the last write, counts its epochs a
 * second time. What was answered before it went back is given to nobody, from Redis or from the memory of a process that
 * lived through it.
 */

const question = 'How many days does the library lend books?'
const asAdmin = { authorization: `Bearer ${adminKey}` }
const usual = { SEMANTIC_CACHE: 'off', STALE_IF_ERROR_SECONDS: '3600' }

/** Also where the database is just being restored: asked again until it takes it. */
async function lend(replica: Replica, days: number): Promise<void> {
  const text = `# Lending\n\nThe library lends books for ${days} days. A book can be renewed twice.`
  await until(`${days} days are written`, async () => {
    const { status } = await replica.send(
      'PUT',
      '/documents',
      { collection: 'default', documents: [{ source: 'library', title: 'Library', text }] },
      asAdmin,
    )
    return status === 200
  })
}

/** `28 (miss)`; `stale` while the database is away is what it says, and asked again. */
async function asked(replica: Replica): Promise<string> {
  return await until('an answer of now', async () => {
    const { status, json } = await replica.ask({ question })
    const isOfNow = status === 200 && json.cache.status !== 'stale'
    return isOfNow ? `${/for (\d+) days/.exec(json.answer)?.[1] ?? json.answer} (${json.cache.status})` : undefined
  })
}

const epochIn = (url: string) =>
  administer(url, async sql => Number((await sql`select epoch from collections where name = 'default'`)[0]?.['epoch']))
const warnings = (replica: Replica) =>
  replica.log.filter(({ msg }) => String(msg).startsWith('the collection went back to an earlier epoch'))

/** What a process knows it trusts for a moment: asked until it has seen that the collection went back. */
async function hasSeen(replica: Replica): Promise<void> {
  await until('it has seen it', async () => {
    await replica.ask({ question })
    return warnings(replica).length > 0
  })
}

async function inRedis(redis: Redis, count: number): Promise<void> {
  await until(
    `${count} answers are in Redis`,
    async () => (await told(redis, client => client.keys(keysLike('answer:*')))).length === count,
  )
}

interface World {
  readonly url: string
  readonly redis: Redis
  /** Keeps answers in memory as well as in Redis, */
  readonly own: Replica
  /** in Redis alone. */
  readonly shared: Replica
}

async function setUp(t: Test): Promise<World> {
  const [{ url }, redis] = await Promise.all([createDatabase(t), startRedis(t)])
  const settings = { ...usual, DATABASE_URL: url, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '5000' }
  const [own] = (await startReplicas(t, 1, settings)) as [Replica]
  const [shared] = (await startReplicas(t, 1, { ...settings, ANSWER_CACHE_MB: '0' })) as [Replica]
  return { url, redis, own, shared }
}

tap.test(
  'restored from a dump while it runs, and counted up to the same epoch: no answer of what was undone',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const { url, own, shared, redis } = await setUp(t)
    await lend(own, 28)
    const [dump, saved] = [dumpOf(url), await epochIn(url)]
    await lend(own, 14) // a mistake that is asked about, and undone by restoring
    t.same([await asked(own), await asked(own), await asked(shared)], ['14 (miss)', '14 (hit)', '14 (hit)'])
    await inRedis(redis, 1)
    const mistaken = await epochIn(url)

    await restoreInto(url, dump)
    t.equal(await epochIn(url), saved)
    await Promise.all([hasSeen(own), hasSeen(shared)])
    t.match([await asked(own), await asked(shared)], [/^28/, /^28/])
    t.same([warnings(own).length, warnings(shared).length], [1, 1])
    t.match(warnings(own)[0], { level: 'warn', collection: 'default', epoch: saved, before: mistaken })

    await lend(shared, 30)
    t.equal(await epochIn(url), mistaken, 'the number of the mistake')
    t.match([await asked(own), await asked(shared)], [/^30/, /^30/])
    t.same([await asked(own), await asked(shared)], ['30 (hit)', '30 (hit)'])
  },
)

tap.test(
  'restored and written again before a process looks: by the mark alone',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const { url, own, shared, redis } = await setUp(t)
    await lend(own, 28)
    const dump = dumpOf(url)
    await lend(own, 14)
    t.same([await asked(own), await asked(shared)], ['14 (miss)', '14 (hit)'])
    await inRedis(redis, 1)
    const mistaken = await epochIn(url)
    await restoreInto(url, dump)
    // As a write does, by somebody else: neither process has seen the epoch between.
    await administer(url, async sql => {
      await sql`update documents set text = replace(text, '28', '30')`
      await sql`update chunks set text = replace(text, '28', '30')`
      await sql`update collections set epoch = ${mistaken}`
    })
    t.equal(await epochIn(url), mistaken)
    await Promise.all([hasSeen(own), hasSeen(shared)])
    t.match([await asked(own), await asked(shared)], [/^30/, /^30/])
    t.match(warnings(own)[0], { epoch: mistaken, before: mistaken })
  },
)

tap.test(
  'restored in place while it runs: sessions that know what was dropped are replaced',
  { skip: skipReason('postgres') },
  async t => {
    const { url } = await createDatabase(t)
    const [replica] = (await startReplicas(t, 1, {
      ...usual,
      DATABASE_URL: url,
      POOL_SIZE: '6',
      ANSWER_CACHE_SECONDS: '0',
      STALE_IF_ERROR_SECONDS: '0',
    })) as [Replica]
    const crowd = () =>
      Promise.all(
        Array.from({ length: 12 }, (_, number) =>
          replica.ask({ question: `${question} Asked by reader number ${number}.` }),
        ),
      )
    const asRetryable = ({ status, json }: Awaited<ReturnType<Replica['ask']>>) =>
      status === 200 ? 'answered' : `${status} ${json.code}`
    await lend(replica, 28)
    const archive = archiveOf(url)
    await lend(replica, 14)
    t.same([...new Set((await crowd()).map(asRetryable))], ['answered'], 'each connection has its plans')

    for (const round of ['first', 'second']) {
      const [during] = await Promise.all([crowd(), restoreInPlace(url, archive)])
      const after = [...(await crowd()), ...(await crowd())]
      const others = [...during, ...after]
        .map(asRetryable)
        .filter(each => each !== 'answered' && each !== '503 database_unavailable')
      t.same(others, [], `${round} restore: each question is answered or may be asked again`)
      t.equal(await asked(replica), '28 (miss)')
      t.same([...new Set((await crowd()).map(asRetryable))], ['answered'], 'on every connection')
      t.equal((await replica.send('GET', '/readyz')).json.breakers.database, 'closed')
      await lend(replica, 14)
      t.equal(await asked(replica), '14 (miss)')
    }
    const renewals = replica.log.filter(({ code }) => code === 'database-replaced')
    t.ok(renewals.length > 0 && renewals.length < 10, `said, but not for each question: ${renewals.length}`)
    t.same(
      replica.log.filter(
        ({ level, code }) => (level === 'error' || level === 'fatal') && code !== 'database_unavailable',
      ),
      [],
    )
  },
)

tap.test(
  'restored while no process runs: nothing of it in Redis',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const [{ url }, redis] = await Promise.all([createDatabase(t), startRedis(t)])
    const settings = { ...usual, DATABASE_URL: url, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '5000' }
    const [before] = (await startReplicas(t, 1, settings)) as [Replica]
    await lend(before, 28)
    const dump = dumpOf(url)
    await lend(before, 14)
    t.equal(await asked(before), '14 (miss)')
    await inRedis(redis, 1)
    before.signal('SIGTERM')
    await before.exited()
    await restoreInto(url, dump)
    const [after] = (await startReplicas(t, 1, settings)) as [Replica]
    t.equal(await asked(after), '28 (miss)')
    await lend(after, 30)
    t.same([await asked(after), await asked(after)], ['30 (miss)', '30 (hit)'])
    t.same(warnings(after), [])
  },
)

tap.test(
  'a standby takes over without the last write: its answers are given to nobody',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const [pair, redis] = await Promise.all([startPair(t), startRedis(t)])
    const settings = { ...usual, DATABASE_URL: pair.url, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '5000' }
    const [own] = (await startReplicas(t, 1, settings)) as [Replica]
    const [shared] = (await startReplicas(t, 1, { ...settings, ANSWER_CACHE_MB: '0' })) as [Replica]
    await lend(own, 28)
    const saved = await epochIn(pair.url)
    await pair.holdBack()
    await lend(own, 14)
    t.same([await asked(own), await asked(own), await asked(shared)], ['14 (miss)', '14 (hit)', '14 (hit)'])
    await inRedis(redis, 1)
    const lost = await epochIn(pair.url)

    await pair.failOver()
    t.equal(await epochIn(pair.url), saved)
    await Promise.all([hasSeen(own), hasSeen(shared)])
    t.match([await asked(own), await asked(shared)], [/^28/, /^28/])
    await lend(shared, 30)
    t.equal(await epochIn(pair.url), lost, 'the number of the write that was lost')
    t.match([await asked(own), await asked(shared)], [/^30/, /^30/])
    t.same([await asked(own), await asked(shared)], ['30 (hit)', '30 (hit)'])
    t.same([warnings(own).length, warnings(shared).length], [1, 1])
  },
)
