import tap from 'tap'
import { createDocumentStore } from '../../src/adapters/postgres/store/documents.ts'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { analyzeText } from '../../src/ask/retrieval/analyze-question.ts'
import { searchIn } from '../../src/ask/retrieval/retrieve.ts'
import type { AskedCollection } from '../../src/ask/terms/collection.ts'
import type { Filters } from '../../src/ask/terms/question.ts'
import type { PreparedDocument } from '../../src/ingest/terms.ts'
import { packUnits } from '../../src/vectors/packed-units.ts'
import { askedFrom } from '../../src/wiring/pipeline.ts'
import { databaseSettings, eitherWorld, skipReason } from '../support/app.ts'
import { leased } from '../support/contents.ts'
import { runOf } from '../support/run-of.ts'

/** In a small collection the units of all chunks are compared: the rank of its window does not matter. */

const dimensions = 4
const model = { name: 'flat', dimensions }
const question = Float32Array.of(1, 0, 0, 0)
const sentence = 'Everything is said here.'
const chunks = 120
/** The window of this one is the farthest of all, and its sentence the nearest. */
const answering = chunks - 1

/** With this similarity to the question. */
const at = (similarity: number) => Float32Array.of(similarity, Math.sqrt(1 - similarity ** 2), 0, 0)

function documentOf(i: number, unit: number): PreparedDocument {
  const span = { start: 0, end: sentence.length }
  const window = 0.9 - i / 600
  return {
    id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    source: `d${i}`,
    hash: Buffer.from(`${i} ${unit}`),
    title: `d${i}`,
    url: null,
    language: 'en',
    metadata: { half: i % 2 },
    text: sentence,
    chunks: [
      {
        ordinal: 0,
        ...span,
        title: `d${i}`,
        anchor: null,
        page: null,
        tokens: 5,
        language: 'en',
        text: sentence,
        terms: ['everything'],
        length: 1,
        vectors: [{ ...span, embedding: at(window) }],
        units: packUnits(
          [unit, 0, 0].map((similarity, n) => ({ start: n * 8, end: n * 8 + 8, embedding: at(similarity) })),
          0,
        ),
      },
    ],
  }
}

for (const world of eitherWorld)
  tap.test(`a small collection, ${world}`, { skip: skipReason(world) }, async t => {
    const { DATABASE_URL: url, DATA_DIR: dataDir } = await databaseSettings(t, world)
    const pool = { poolSize: 1, poolMaxOverflow: 0, poolMaxWaiting: 5, statementTimeoutMs: 30_000 }
    const database = await openDatabase({ ...pool, url, dataDir })
    t.teardown(() => database.close())
    const store = createDocumentStore(database)
    const put = async (documents: readonly PreparedDocument[]) =>
      await store.write(await store.openCollection('default', model), documents, null)
    await put(Array.from({ length: chunks }, (_, i) => documentOf(i, i === answering ? 1 : 0)))
    const search = searchIn(createPassageStore(database), () => ({ unrelated: 0.3, related: 0.7, span: 0.4 }), {
      fusion: 'weighted',
      rrfK: 60,
      hasUnits: true,
    })
    const found = async (change: Partial<AskedCollection> = {}, filters: Filters = {}) => {
      const collection = {
        ...askedFrom((await store.collection('default'))!, { model: model.name } as never),
        ...change,
      }
      const asked = analyzeText('Who knows?', 'en')
      return await search(
        { asked, vector: question, vectorWeight: 0.7, arm: 'fused', collection, filters, topK: 5 },
        runOf(),
      )
    }
    const sources = async (...args: Parameters<typeof found>) =>
      (await found(...args)).passages.map(each => each.source)

    await t.test('the sentence that answers is found, however far its passage is', async t => {
      t.same(await sources({ chunkCount: 10_000 }), ['d0', 'd1', 'd2', 'd3', 'd4'], 'as in a large one')
      const first = await found()
      t.equal(first.passages[0]!.source, `d${answering}`)
      t.ok(first.passages[0]!.units![0]!.similarity! > 0.98)
      t.equal(first.candidateCount, 50, 'as many candidates as ever')
      t.same(await found(), first, 'and so it is when the units are in memory')
    })

    await t.test('with a filter, of what passes', async t => {
      t.equal((await sources({}, { half: answering % 2 }))[0], `d${answering}`)
      t.equal((await sources({}, { half: 1 - (answering % 2) }))[0], 'd0')
    })

    await t.test('a document that is replaced brings its own units, at once', async t => {
      await put([documentOf(answering, 0), documentOf(answering - 1, 1)])
      t.equal((await sources())[0], `d${answering - 1}`)
    })

    await t.test(
      'units that were not there when the others were read: their chunks are ranked by their windows',
      async t => {
        await leased(database, sql => sql`delete from chunk_units where chunk_id in (select max(id) from chunks)`)
        await put([documentOf(50, 0.01)])
        t.equal((await sources())[0], 'd0')
      },
    )
  })
