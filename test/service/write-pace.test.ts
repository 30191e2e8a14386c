import tap from 'tap'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { createDocumentStore } from '../../src/adapters/postgres/store/documents.ts'
import { documentId } from '../../src/ingest/prepare.ts'
import type { PreparedChunk } from '../../src/ingest/terms.ts'
import { databaseSettings, eitherWorld, skipReason } from '../support/app.ts'
import { contentsOf, leased } from '../support/contents.ts'

/** A large upload is written in steps, so that questions can have their turn between them (resilience/pace.ts). */

for (const world of eitherWorld) {
  tap.test(
    `rows of chunks and of vectors are written in steps of fifty, ${world}`,
    { skip: skipReason(world) },
    async t => {
      const { DATABASE_URL: url, DATA_DIR: dataDir } = await databaseSettings(t, world)
      const limits = { poolSize: 2, poolMaxOverflow: 0, poolMaxWaiting: 10, statementTimeoutMs: 30_000 }
      const database = await openDatabase({ url, dataDir, ...limits })
      t.teardown(() => database.close())
      let [steps, atOnce, most] = [0, 0, 0]
      const store = createDocumentStore(database, async work => {
        steps += 1
        most = Math.max(most, ++atOnce)
        const result = await work()
        atOnce -= 1
        return result
      })
      const target = await store.openCollection('default', { name: 'a model', dimensions: 3 })
      const chunks = Array.from({ length: 120 }, (_, ordinal) => chunkOf(ordinal))
      const document = {
        id: documentId('default', 'large.md'),
        source: 'large.md',
        hash: Buffer.from('1'),
        title: 'large',
        url: null,
        language: 'en',
        metadata: {},
        text: 'word '.repeat(chunks.length),
        chunks,
      }
      t.match(await store.write(target, [document], null), { added: [document.id], chunks: chunks.length })
      t.equal(steps, 3 + 5, '120 chunks, and 240 vectors')
      t.equal(most, 1, 'one after another')
      const stored = await leased(database, sql => contentsOf(sql))
      t.equal(stored.chunks.length, chunks.length)
    },
  )
}

function chunkOf(ordinal: number): PreparedChunk {
  const [start, end] = [ordinal * 5, ordinal * 5 + 4]
  const vector = { start, end, embedding: Float32Array.of(1, 0, 0) }
  const place = { ordinal, start, end, title: 'large', anchor: null, page: null, language: 'en', text: 'word' }
  return { ...place, terms: ['word'], length: 1, tokens: 1, vectors: [vector, vector] } as unknown as PreparedChunk
}
