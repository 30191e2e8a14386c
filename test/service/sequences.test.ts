import { randomUUID } from 'node:crypto'
import tap, { type Test } from 'tap'
import { createDocumentStore } from '../../src/adapters/postgres/store/documents.ts'
import { openDatabase, type Database, type Sql } from '../../src/adapters/postgres/database.ts'
import { openReembedding } from '../../src/adapters/postgres/store/reembedding.ts'
import { documentFrom } from '../../src/ingest/document-from.ts'
import { documentsHere } from '../../src/ingest/documents-here.ts'
import { embedEach } from '../../src/ingest/embed-each.ts'
import { load } from '../../src/ingest/load.ts'
import { namedModel } from '../../src/ingest/named-model.ts'
import { migrate } from '../../src/adapters/postgres/migrate.ts'
import { readMigrations } from '../../src/adapters/postgres/migrations/files.ts'
import {
  adminKey,
  databaseSettings,
  eitherWorld,
  skipReason,
  startApp,
  worlds,
  type App,
  type World,
} from '../support/app.ts'
import { leased } from '../support/contents.ts'
import { handbook, loadHandbook } from '../support/corpus.ts'
import { createEmptyDatabase, migrateBefore } from '../support/old-schema.ts'
import { administer } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** Numbers that run out end all writes: whatever writes nothing takes none. */

const poolSettings = { poolSize: 12, poolMaxOverflow: 0, poolMaxWaiting: 1000, statementTimeoutMs: 60_000 }
const { signal } = new AbortController()

/** Every sequence of the schema, by name; null: none was taken yet. */
async function numbersOf(database: Pick<Database, 'lease'>): Promise<Record<string, string | null>> {
  const rows = await leased(
    database,
    sql => sql`
    select sequencename, last_value::text from pg_sequences where schemaname = any(current_schemas(false)) order by sequencename`,
  )
  return Object.fromEntries(rows.map(row => [String(row['sequencename']), row['last_value'] as string | null]))
}

/** So many times, `lanes` of them at once. */
async function often(times: number, work: () => Promise<unknown>, lanes = 25): Promise<void> {
  let left = times
  const one = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: lanes }, one))
}

async function putHandbook(t: Test, app: App): Promise<void> {
  const { status, json } = await app.send(
    'PUT',
    '/documents',
    { collection: 'default', documents: handbook },
    { authorization: `Bearer ${adminKey}` },
  )
  if (status !== 200 || !json.documents.every((each: { status: string }) => each.status === 'unchanged'))
    t.fail(`${status} ${JSON.stringify(json)}`)
}

/** What `askwell ingest` does once its files are read. */
async function ingestHandbook(
  t: Test,
  {
    deps: {
      store,
      models: { embedder },
    },
  }: App,
): Promise<void> {
  const documents = handbook.map(({ source, title, text }) =>
    documentFrom({
      source: `files/${source}`,
      text,
      format: 'markdown',
      title,
      url: null,
      language: null,
      metadata: {},
    }),
  )
  const model = namedModel(embedder)
  const { added, unchanged } = await load(
    sort => documentsHere(documents, embedder, sort),
    {
      store,
      embed: embedEach(embedder),
      rowFault: () => null,
      model,
    },
    { collection: 'files', pruneRoots: ['files'], signal },
  )
  if (added + unchanged !== handbook.length) t.fail(`${added} added, ${unchanged} unchanged`)
}

for (const world of worlds) {
  tap.test(
    `two hundred writes that change nothing move no sequence, ${world}`,
    { skip: skipReason(world) },
    async t => {
      const app = await startApp(t, world)
      const {
        database,
        store,
        models: { embedder },
      } = app.deps
      const model = namedModel(embedder)
      await loadHandbook(app)
      await ingestHandbook(t, app)
      const before = await numbersOf(database)
      t.match(before, {
        chunks_id_seq: String,
        collections_id_seq: '2',
        embedding_models_id_seq: '1',
        near_observations_id_seq: null,
      })
      await t.test('PUT /documents', async t => await often(50, () => putHandbook(t, app)))
      // One after the other: each prunes what it has not seen itself.
      await t.test('ingest', async t => await often(50, () => ingestHandbook(t, app), 1))
      await t.test(
        'a collection claimed for writing',
        async () => await often(50, () => store.openCollection('default', model)),
      )
      await t.test(
        'a model claimed for new vectors',
        async () => await often(50, () => openReembedding(database, 'default', { ...model, languages: 'any' }, signal)),
      )
      t.same(await numbersOf(database), before)
    },
  )

  tap.test(`who claims what is new, ${world}`, { skip: skipReason(world) }, async t => {
    const database = await migrated(t, world)
    const store = createDocumentStore(database)

    await t.test('many at once: each gets it, and there is one of each', async t => {
      const claimed = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          store.openCollection(`new-${i % 3}`, { name: `model-${i % 3}`, dimensions: 3 }),
        ),
      )
      t.equal(new Set(claimed.map(({ id }) => id)).size, 3)
      for (const { name, model } of claimed) t.equal(model?.name, `model-${name.at(-1)}`)
      const [row] = await leased(
        database,
        sql =>
          sql`select (select count(*)::int from collections) as collections, (select count(*)::int from embedding_models) as models`,
      )
      t.same(row, { collections: 3, models: 3 })
    })

    await t.test('a number that is in use where numbering goes on: the next free one', async t => {
      await leased(
        database,
        sql =>
          sql`insert into embedding_models (id, name, dimensions) overriding system value values (11, 'eleven', 3), (12, 'twelve', 3)`,
      )
      await leased(database, sql => sql`select setval(pg_get_serial_sequence('embedding_models', 'id'), 11, false)`)
      t.equal((await store.openCollection('another', { name: 'thirteen', dimensions: 3 })).model?.id, 13)
    })

    await t.test('other dimensions, as long as no vectors are there', async t => {
      await store.openCollection('tried', { name: 'tried', dimensions: 3 })
      t.equal((await store.openCollection('tried', { name: 'tried', dimensions: 4 })).model?.dimensions, 4)
      await leased(database, async sql => {
        await sql`insert into documents (id, collection_id, source, hash, title, language, text) select ${randomUUID()}, id, 'x', '', 'x', 'en', 'x' from collections where name = 'tried'`
        await sql`insert into chunks (document_id, collection_id, ordinal, start_at, end_at, title, language, text, terms, length, tokens) select id, collection_id, 0, 0, 1, 'x', 'en', 'x', '', 1, 1 from documents`
        await sql`insert into chunk_vectors select k.id, m.id, k.collection_id, 0, 0, 1, '[1,2,3,4]' from chunks k, embedding_models m where m.name = 'tried'`
      })
      await t.rejects(store.openCollection('tried', { name: 'tried', dimensions: 3 }), {
        code: 'model_mismatch',
        detail: /made vectors of 4 numbers before and makes 3 now/,
      })
      t.equal((await store.openCollection('tried', { name: 'tried', dimensions: 4 })).model?.dimensions, 4)
    })
  })
}

for (const world of eitherWorld) {
  tap.test(`a database whose numbers were used up is repaired, ${world}`, { skip: skipReason(world) }, async t => {
    const cases: [what: string, models: number[], at: number, next: number][] = [
      ['used up', [1, 40], 32_767, 41],
      ['nearly', [7], 32_760, 8],
      ['some are gone', [1, 20_000], 20_900, 20_001],
      ['the largest is near the end: in the largest gap', [1, 9, 10, 32_700], 32_767, 11],
      ['the last one is taken', [3, 32_767], 32_767, 4],
      ['no model yet', [], 12, 1],
      ['nothing burnt', [1, 2, 3], 3, 4],
    ]
    for (const [what, models, at, next] of cases) {
      await t.test(what, async t => {
        const database = await opened(t, world)
        await leased(database, async sql => {
          await migrateBefore(sql, '000006')
          for (const id of models)
            await sql`insert into embedding_models (id, name, dimensions) overriding system value values (${id}, ${`m${id}`}, 3)`
          await sql`select setval(pg_get_serial_sequence('embedding_models', 'id'), ${at})`
          await migrate(sql)
        })
        const found = await createDocumentStore(database).openCollection('default', { name: 'new', dimensions: 3 })
        t.equal(found.model?.id, next)
      })
    }

    await t.test(
      'collections: all but the last few, and a number of a deleted one is not given again before that',
      async t => {
        const database = await opened(t, world)
        await leased(database, async sql => {
          await migrateBefore(sql, '000006')
          await sql`insert into collections (name) values ('a'), ('b'), ('deleted')`
          await sql`delete from collections where name = 'deleted'`
          await migrate(sql)
        })
        const store = createDocumentStore(database)
        t.equal((await store.openCollection('c', { name: 'm', dimensions: 3 })).id, 4)
        await leased(database, async sql => {
          await sql`select setval(pg_get_serial_sequence('collections', 'id'), 2147483647)`
          await again(sql)
        })
        t.equal((await store.openCollection('d', { name: 'm', dimensions: 3 })).id, 5)
      },
    )
  })
}

/** The migration once more, as a database met it that was used up before. */
async function again(sql: Sql): Promise<void> {
  await sql`drop trigger collections_mark on collections`
  await sql`drop trigger collections_mark_new on collections`
  await sql`drop function mark_epoch`
  await sql`drop table epoch_marks, database_identity`
  await sql`delete from migrations where name like '000006%'`
  await migrate(sql)
}

tap.test(
  'the migration waits for a writer, and no search for the migration',
  { skip: skipReason('postgres') },
  async t => {
    const { url, name } = await createEmptyDatabase(t)
    await administer(url, sql => migrateBefore(sql as unknown as Sql, '000006'))
    await administer(url, sql => sql`insert into collections (name) values ('default')`)

    await administer(url, writer =>
      administer(url, async reader => {
        const held = Promise.withResolvers<void>()
        const writing = writer.begin(async tx => {
          await tx`insert into embedding_models (name, dimensions) values ('under way', 3)`
          await tx`update collections set epoch = epoch + 1`
          await held.promise
        })
        await until(
          'the writer writes',
          async () =>
            (await reader`select from pg_locks where mode = 'RowExclusiveLock' and relation = 'collections'::regclass`)
              .length > 0,
        )
        const migrating = administer(url, sql => migrate(sql as unknown as Sql))
        const waits = () =>
          reader`select from pg_locks l join pg_database d on d.oid = l.database where d.datname = ${name} and locktype = 'relation' and not granted`
        await until('the migration waits', async () => (await waits()).length > 0)
        // What searches read, and in no way that would wait: a lock that cannot be had at once is an error here.
        await reader.begin(async tx => {
          await tx`lock table collections, embedding_models, documents, chunks, chunk_vectors, collection_terms, collection_languages, fusion_weights, cached_questions in access share mode nowait`
          await tx`lock table chunks, documents in row share mode nowait`
        })
        held.resolve()
        await writing
        const { applied } = await migrating
        t.ok(applied.includes('000006_identity.sql'))
        const [model] = await reader`insert into embedding_models (name, dimensions) values ('next', 3) returning id`
        t.equal(model?.['id'], 2, 'the number of the one that was under way is known')
        t.equal((await reader`select from epoch_marks`).length, 1)
      }),
    )
  },
)

tap.test('the migration waits for nobody who only reads', { skip: skipReason('postgres') }, async t => {
  const { url } = await createEmptyDatabase(t)
  await administer(url, sql => migrateBefore(sql as unknown as Sql, '000006'))
  await administer(url, reader =>
    reader.begin(async tx => {
      await tx`lock table collections, embedding_models, documents, chunks, chunk_vectors, cached_questions in access share mode`
      // Those after it build indexes concurrently, which wait for every transaction and hold up none.
      const files = (await readMigrations()).filter(each => each.name <= '000006_identity.sql')
      t.ok(
        (await administer(url, sql => migrate(sql as unknown as Sql, { files }))).applied.includes(
          '000006_identity.sql',
        ),
      )
    }),
  )
})

/** A database without a schema. */
async function opened(t: Test, world: World): Promise<Database> {
  return await openedAt(t, world === 'postgres' ? { DATABASE_URL: (await createEmptyDatabase(t)).url } : {})
}

async function migrated(t: Test, world: World): Promise<Database> {
  return await openedAt(t, await databaseSettings(t, world))
}

async function openedAt(t: Test, { DATABASE_URL: url, DATA_DIR: dataDir }: Record<string, string>): Promise<Database> {
  const database = await openDatabase({ ...poolSettings, url, dataDir })
  t.teardown(database.close)
  return database
}
