import { parseArgs } from 'node:util'
import { join } from 'node:path'
import postgres from 'postgres'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { createDocumentStore } from '../../src/adapters/postgres/store/documents.ts'
import { administer, urlOf } from '../../test/support/postgres.ts'
import { readBaseText } from './base-text.ts'
import { createCorpus, type Corpus } from './corpus.ts'
import { defaultFolder, openBenchDatabase, openServer } from './server.ts'
import { model, say } from './sizes.ts'
import { median, rounded, spread } from './summary.ts'
import type { PreparedDocument } from '../../src/ingest/terms.ts'

/** `node bench/retrieval/ingest.ts --chunks 20000`: chunks a second that the product writes, vectors being ready. */
const { values: options } = parseArgs({
  options: {
    chunks: { type: 'string', default: '20000' },
    repeat: { type: 'string', default: '3' },
    texts: { type: 'string', default: '' },
    folder: { type: 'string', default: defaultFolder },
  },
})

// A cluster of its own, because here a commit waits for the disk as it does in earnest.
const port = await openServer(join(options.folder, 'durable'), {
  fsync: 'on',
  full_page_writes: 'on',
  wal_level: 'replica',
  shared_buffers: '1GB',
})
const corpus = createCorpus(await readBaseText(options.texts.split(',').filter(Boolean)), Number(options.chunks))
const documents = Array.from({ length: corpus.documentCount }, (_, number) => withVectors(corpus, number))
say(`${documents.length} documents prepared, ${options.chunks} chunks`)

// The loader writes sixty thousand characters in a transaction, and up to four such batches where they wait for the
// database: what these documents come to.
const ways: Record<string, Way> = {
  'one batch a transaction': { documentsAtOnce: 7, hasIndex: false },
  'four batches a transaction': { documentsAtOnce: 28, hasIndex: false },
  'one batch a transaction, with an HNSW index': { documentsAtOnce: 7, hasIndex: true },
  'four batches a transaction, with an HNSW index': { documentsAtOnce: 28, hasIndex: true },
}
const runs: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map(name => [name, []]))
for (let turn = 1; turn <= Number(options.repeat); turn++) {
  for (const [name, way] of Object.entries(ways)) {
    const perSecond = await chunksPerSecond(way)
    runs[name]!.push(perSecond)
    say(`turn ${turn}: ${name}: ${perSecond.toFixed(0)} chunks/s`)
  }
}
console.table(
  Object.entries(runs).map(([name, each]) => ({
    name,
    'chunks a second': rounded(median(each), 0),
    'spread, %': rounded(spread(each) * 100, 0),
  })),
)

function withVectors(from: Corpus, number: number): PreparedDocument {
  const document = from.document(number)
  const vectors = from.vectorsOf(number)
  const chunks = document.chunks.map((chunk, i) => ({
    ...chunk,
    vectors: [{ start: chunk.start, end: chunk.end, embedding: vectors[i]! }],
  }))
  return { ...document, chunks }
}

interface Way {
  readonly documentsAtOnce: number
  readonly hasIndex: boolean
}

async function chunksPerSecond({ documentsAtOnce, hasIndex }: Way): Promise<number> {
  await administer(urlOf(port, 'postgres'), sql => sql`drop database if exists bench_ingest`)
  const url = await openBenchDatabase(port, 'bench_ingest')
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 1,
    statementTimeoutMs: 600_000,
  })
  const store = createDocumentStore(database)
  const collection = await store.openCollection('bench', model)
  if (hasIndex) await createIndex(url, collection.id, collection.model!.id)
  const started = performance.now()
  for (let i = 0; i < documents.length; i += documentsAtOnce)
    await store.write(collection, documents.slice(i, i + documentsAtOnce), null)
  const seconds = (performance.now() - started) / 1000
  await database.close()
  return corpus.chunkCount / seconds
}

async function createIndex(url: string, collectionId: number, modelId: number): Promise<void> {
  const sql = postgres(url, { max: 1 })
  await sql.unsafe(`create index on chunk_vectors using hnsw ((embedding::halfvec(${model.dimensions})) halfvec_cosine_ops)
    where collection_id = ${collectionId} and model_id = ${modelId}`)
  await sql.end()
}
