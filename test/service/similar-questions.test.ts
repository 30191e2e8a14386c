import t, { type Test } from 'tap'
import { createCollectionStore } from '../../src/adapters/postgres/store/collections.ts'
import { openDatabase, type Database, type Sql } from '../../src/adapters/postgres/database.ts'
import { vectorText } from '../../src/adapters/postgres/vector-text.ts'
import { createSimilarQuestions, nearestQuestions } from '../../src/adapters/postgres/store/similar-questions.ts'
import { createSemanticCache } from '../../src/ask/cache/semantic/semantic-cache.ts'
import type { Answer } from '../../src/ask/terms/answer.ts'
import { noUsage } from '../../src/ask/terms/usage.ts'
import { databaseSettings, skipReason, worlds, type World } from '../support/app.ts'
import { startPostgres } from '../support/postgres.ts'
import { runOf } from '../support/run-of.ts'
import { until } from '../support/until.ts'

/** The store of near questions on both databases. */

t.setTimeout(1_800_000)

const terms = { signal: new AbortController().signal, label: 'test' }
const model = { name: 'a-model', dimensions: 3 }
const [scope, canonical] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const asked = { scope, canonical, model: model.name, vector: Float32Array.of(1, 0, 0) }

async function open(t: Test, world: World) {
  const { DATABASE_URL: url, DATA_DIR: dataDir } = await databaseSettings(t, world)
  const database = await openDatabase({
    url,
    dataDir,
    poolSize: 2,
    poolMaxOverflow: 0,
    poolMaxWaiting: 10,
    statementTimeoutMs: 0,
  })
  t.teardown(() => database.close())
  const sql = <T>(work: (sql: Sql) => Promise<T>) => database.lease(terms, work)
  const collections = createCollectionStore(database)
  return {
    database,
    sql,
    collections,
    store: createSimilarQuestions(database),
    collection: await collections.openCollection('pages', model),
  }
}

/** A unit vector at this cosine to the one that is asked for. */
function at(cosine: number): Float32Array {
  return Float32Array.of(cosine, Math.sqrt(1 - cosine ** 2), 0)
}

const count = async (database: Database, table: string) =>
  Number((await database.lease(terms, sql => sql`select count(*) from ${sql(table)}`))[0]?.['count'])

for (const world of worlds) {
  t.test(`near questions, ${world}`, { skip: skipReason(world) }, async t => {
    const { database, sql, collections, store, collection } = await open(t, world)
    const kept = {
      ...asked,
      key: 'a',
      collectionId: collection.id,
      question: 'How do I reset my password?',
      seconds: 60,
    }
    const keys = async (where = asked) => (await store.nearest(where, terms)).map(({ key }) => key)
    const empty = () => sql(async sql => void (await sql`delete from cached_questions`))

    await t.test('the nearest come first, three at the most, with their cosines', async t => {
      for (const [key, cosine] of [
        ['far', 0.5],
        ['near', 0.99],
        ['other', -0.2],
        ['same', 1],
      ] as const)
        await store.keep({ ...kept, key, vector: at(cosine) })
      const found = await store.nearest(asked, terms)
      t.same(
        found.map(({ key }) => key),
        ['same', 'near', 'far'],
      )
      t.equal(found[0]?.similarity, 1, 'equal vectors are equal, whatever the rounding')
      t.ok(Math.abs(found[1]!.similarity - 0.99) < 0.001 && Math.abs(found[2]!.similarity - 0.5) < 0.001)
      t.equal(found[0]?.question, kept.question)
      await empty()
    })

    await t.test('partition, gist and model are walls, whatever the similarity', async t => {
      await store.keep(kept)
      t.same(await keys(), ['a'])
      t.same(await keys({ ...asked, scope: Buffer.alloc(32, 9) }), [])
      t.same(await keys({ ...asked, canonical: Buffer.alloc(32, 9) }), [])
      t.same(await keys({ ...asked, model: 'another' }), [])
      await empty()
    })

    await t.test('vectors of another length, under the same name too, break nothing and are not compared', async t => {
      await store.keep(kept)
      await store.keep({ ...kept, key: 'longer', vector: Float32Array.of(1, 0, 0, 0) })
      await store.keep({ ...kept, key: 'another', model: 'another', vector: Float32Array.of(1, 0) })
      t.same(await keys(), ['a'])
      t.same(await keys({ ...asked, vector: Float32Array.of(1, 0, 0, 0) }), ['longer'])
      t.same(await keys({ ...asked, model: 'another', vector: Float32Array.of(1, 0) }), ['another'])
      await empty()
    })

    await t.test('a vector of zeros is near to nothing', async t => {
      await store.keep({ ...kept, key: 'zeros', vector: Float32Array.of(0, 0, 0) })
      await store.keep(kept)
      t.same(await keys(), ['a'])
      await empty()
    })

    await t.test('kept again under its key, a question is there once, as it was last', async t => {
      await store.keep({ ...kept, question: 'before', vector: at(0.5) })
      await store.keep({ ...kept, question: 'after' })
      t.same(await store.nearest(asked, terms), [{ key: 'a', question: 'after', similarity: 1 }])
      await empty()
    })

    await t.test('what has expired is not found, and is swept', async t => {
      await store.keep({ ...kept, seconds: -1 })
      await store.keep({ ...kept, key: 'b' })
      t.same(await keys(), ['b'])
      t.equal(await count(database, 'cached_questions'), 2)
      await store.sweep()
      t.equal(await count(database, 'cached_questions'), 1)
      await empty()
    })

    await t.test('any text can be kept', async t => {
      const question = `'; drop table cached_questions; -- "\u{1F600}" \\ \n`
      await store.keep({ ...kept, question })
      await store.keep({ ...kept, key: 'b', question: 'nul\0l' })
      t.same((await store.nearest(asked, terms)).map(each => each.question).toSorted(), [question, 'nul l'].toSorted())
      await empty()
    })

    await t.test('questions go with their collection, and none is kept of one that is gone', async t => {
      const other = await collections.openCollection('brief', model)
      await store.keep({ ...kept, key: 'b', collectionId: other.id })
      await store.keep(kept)
      await collections.removeCollection('brief')
      t.same(await keys(), ['a'])
      await store.keep({ ...kept, key: 'late', collectionId: other.id })
      t.same(await keys(), ['a'])
      await empty()
    })

    await t.test('observations come back oldest first, of their own model only', async t => {
      await store.observe(model.name, { similarity: 0.95, isRight: true })
      await store.observe('another', { similarity: 0.8, isRight: true })
      await store.observe(model.name, { similarity: 0.913527, isRight: false })
      t.same(await store.observations(model.name), [
        { similarity: 0.95, isRight: true },
        { similarity: 0.913527, isRight: false },
      ])
    })

    await t.test('of a model the newest 5,000 count, and older ones are swept', async t => {
      await sql(
        async sql =>
          void (await sql`
        insert into near_observations (model, similarity, is_right) select 'busy', 0.9, n > 100 from generate_series(1, 5100) n`),
      )
      const before = await store.observations('busy')
      t.equal(before.length, 5000)
      t.ok(
        before.every(({ isRight }) => isRight),
        'the hundred oldest are the wrong ones',
      )
      const all = await count(database, 'near_observations')
      await store.sweep()
      t.equal(await count(database, 'near_observations'), all - 100)
      t.same(await store.observations('busy'), before)
      t.equal((await store.observations(model.name)).length, 2, 'a model of few observations loses none')
    })

    await t.test('an aborted look rejects', async t => {
      const signal = AbortSignal.abort(new Error('gone'))
      await t.rejects(store.nearest(asked, { ...terms, signal }), { message: 'gone' })
    })
  })
}

t.test('near questions, many, on a server', { skip: skipReason('postgres') }, async t => {
  const { database, sql, store, collection } = await open(t, 'postgres')
  const fill = (questions: number, seconds: number) =>
    sql(
      async sql =>
        void (await sql`
    insert into cached_questions (partition, gist, key, collection_id, model, question, embedding, expires_at)
    select ${scope}::bytea, sha256((n % (${questions}::int / 2))::text::bytea), n::text, ${collection.id}, ${model.name}, 'Question ' || n, ${vectorText(asked.vector)}::halfvec,
      now() + make_interval(secs => ${seconds} + n)
    from generate_series(1, ${questions}::int) n`),
    )

  await t.test('a look goes through the primary key, before the table was analysed and after', async t => {
    await fill(8000, 600)
    const plan = async () =>
      (await sql(sql => sql`explain ${nearestQuestions(sql, asked)}`)).map(row => row['QUERY PLAN']).join('\n')
    for (const when of ['before', 'after'] as const) {
      if (when === 'after') await sql(async sql => void (await sql`analyze cached_questions`))
      const found = await plan()
      t.match(found, /Index Scan using cached_questions_pkey|Bitmap Index Scan on cached_questions_pkey/, when)
      t.notMatch(found, /Seq Scan/, when)
    }
  })

  await t.test('of one gist in ever so many frames, a look compares some and not all', async t => {
    await sql(
      async sql =>
        void (await sql`
      insert into cached_questions (partition, gist, key, collection_id, model, question, embedding, expires_at)
      select ${scope}::bytea, ${canonical}::bytea, n::text, ${collection.id}, ${model.name}, 'Frame ' || n, ${vectorText(asked.vector)}::halfvec, now() + interval '1 hour'
      from generate_series(1, 500) n`),
    )
    const [row] = await sql(sql => sql`explain (analyze, format json) ${nearestQuestions(sql, asked)}`)
    const scan = scans(row?.['QUERY PLAN'][0].Plan).find(each => each['Relation Name'] === 'cached_questions')
    t.equal(scan?.['Actual Rows'], 64)
    t.equal((await store.nearest(asked, terms)).length, 3)
  })

  await t.test('the table is bounded: those that expire first go', async t => {
    await sql(async sql => void (await sql`truncate cached_questions`))
    await fill(100_050, 600)
    await store.sweep()
    t.equal(await count(database, 'cached_questions'), 100_000)
    const [row] = await sql(sql => sql`select min(key::int) as first from cached_questions`)
    t.equal(row?.['first'], 51)
  })
})

t.test(
  'a server that does not answer costs a question its near answer, and no more',
  { skip: skipReason('postgres') },
  async t => {
    const postgres = await startPostgres(t)
    const database = await openDatabase({
      url: postgres.url,
      dataDir: undefined,
      poolSize: 2,
      poolMaxOverflow: 0,
      poolMaxWaiting: 10,
      statementTimeoutMs: 0,
    })
    t.teardown(() => database.close())
    const collection = await createCollectionStore(database).openCollection('pages', model)
    const run = runOf()
    const near = createSemanticCache({
      store: createSimilarQuestions(database),
      embed: async () => ({ vector: asked.vector, degraded: [] }),
      model: model.name,
      mode: 0.9,
      acceptedError: 0.01,
      log: run.log,
    })
    t.teardown(near.close)
    const look = (text: string) => near.lookup({ text, language: 'en', collectionId: collection.id, scope }, run)
    const question = 'How do I reset my password?'
    near.learn(await look(question), { key: 'a', question, answer: whole, seconds: 600 }, undefined)
    const trusted = { candidate: { key: 'a', question, similarity: 1 }, isTrusted: true }
    await until('it is kept', async () => (await look(`Please, ${question}`)).isTrusted)
    t.match(await look(`Please, ${question}`), trusted)
    postgres.freeze()
    t.match(await look(`Please, ${question}`), { candidate: null, isTrusted: false })
    postgres.thaw()
    await until('it is found again', async () => (await look(`Please, ${question}`)).isTrusted)
  },
)

const whole: Answer = {
  text: 'Quote. [1]',
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
}

type Plan = Record<string, unknown> & { readonly Plans?: readonly Plan[] }

function scans(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(scans)]
}
