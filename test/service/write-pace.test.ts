import tap, { type Test } from 'tap'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { createDocumentStore } from '../../src/adapters/postgres/store/documents.ts'
import { documentId } from '../../src/ingest/prepare.ts'
import type { PreparedChunk, PreparedDocument } from '../../src/ingest/terms.ts'
import { databaseSettings, eitherWorld, skipReason, type World } from '../support/app.ts'
import { contentsOf, leased } from '../support/contents.ts'

/** A large upload is written in steps, so that questions can have their turn between them (resilience/pace.ts). */

async function opened(t: Test, world: World) {
  const { DATABASE_URL: url, DATA_DIR: dataDir } = await databaseSettings(t, world)
  const limits = { poolSize: 4, poolMaxOverflow: 0, poolMaxWaiting: 10, statementTimeoutMs: 30_000 }
  const database = await openDatabase({ url, dataDir, ...limits })
  t.teardown(() => database.close())
  return database
}

for (const world of eitherWorld) {
  tap.test(
    `rows of chunks and vectors are written in steps of fifty, ${world}`,
    { skip: skipReason(world) },
    async t => {
      const database = await opened(t, world)
      let [steps, atOnce, most] = [0, 0, 0]
      const store = createDocumentStore(database, {
        step: async work => {
          steps += 1
          most = Math.max(most, ++atOnce)
          const result = await work()
          atOnce -= 1
          return result
        },
      })
      const target = await store.openCollection('default', { name: 'a model', dimensions: 3 })
      const document = documentOf('large.md', 120)
      t.match(await store.write(target, [document], null), { added: [document.id], chunks: 120 })
      t.equal(steps, 3 + 5, '120 chunks, and 240 vectors')
      t.equal(most, 1, 'one after another')
      const stored = await leased(database, sql => contentsOf(sql))
      t.equal(stored.chunks.length, 120)
    },
  )
}

tap.test('writers of one collection wait without a connection', { skip: skipReason('postgres') }, async t => {
  const database = await opened(t, 'postgres')
  const store = createDocumentStore(database, { writersAtOnce: 2 })
  const model = { name: 'a model', dimensions: 3 }
  const [locked, other] = [await store.openCollection('locked', model), await store.openCollection('other', model)]
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>()
  const { promise: isLocked, resolve: locks } = Promise.withResolvers<void>()
  const holding = leased(database, sql =>
    sql.begin(async tx => {
      await tx`select 1 from collections where id = ${locked.id} for update`
      locks()
      await isFree
    }),
  )
  await isLocked
  const writing = Array.from({ length: 20 }, (_, number) => store.write(locked, [documentOf(`${number}.md`, 1)], null))
  const document = documentOf('other.md', 1, 'other')
  t.match(await store.write(other, [document], null), { added: [document.id] }, 'another collection is written')
  t.equal(database.status().checkedOut, 2, 'the holder of the lock, and one writer that waits for it')
  t.equal(await store.get(document.id).then(found => found?.source), 'other.md', 'and read')
  free()
  await holding
  t.equal((await Promise.all(writing)).flatMap(({ added }) => added).length, 20, 'all are written in the end')
})

function documentOf(source: string, chunkCount: number, collection = 'default'): PreparedDocument {
  return {
    id: documentId(collection, source),
    source,
    hash: Buffer.from('1'),
    title: 'large',
    url: null,
    language: 'en',
    metadata: {},
    text: 'word '.repeat(chunkCount),
    chunks: Array.from({ length: chunkCount }, (_, ordinal) => chunkOf(ordinal)),
  }
}

function chunkOf(ordinal: number): PreparedChunk {
  const [start, end] = [ordinal * 5, ordinal * 5 + 4]
  const vector = { start, end, embedding: Float32Array.of(1, 0, 0) }
  const place = { ordinal, start, end, title: 'large', anchor: null, page: null, language: 'en', text: 'word' }
  return { ...place, terms: ['word'], length: 1, tokens: 1, vectors: [vector, vector] } as unknown as PreparedChunk
}
