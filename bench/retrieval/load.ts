import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { createCollectionStore } from '../../src/adapters/postgres/store/collections.ts'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { termVector } from '../../src/adapters/postgres/store/document-rows.ts'
import { readBaseText } from './base-text.ts'
import { openBinaryCopy, openTextCopy, textRow, vectorRow, type Copy } from './copy.ts'
import { createCorpus, type Corpus } from './corpus.ts'
import { printFrequencies } from './frequencies.ts'
import { dropIndexes, buildIndexes, relationSizes } from './indexes.ts'
import { writeQuestions, type Question } from './questions.ts'
import { defaultFolder, openBenchDatabase, openServer } from './server.ts'
import { chunksOf, databaseOf, model, say } from './sizes.ts'
import { prepareIndex } from './vector-index.ts'
import type { Collection, PreparedDocument } from '../../src/ingest/terms.ts'

/** `node bench/retrieval/load.ts --sizes 10k,100k --texts FOLDER,FOLDER`: makes the collections that are not there yet. */
const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10k,100k,1m' },
    texts: { type: 'string', default: '' },
    folder: { type: 'string', default: defaultFolder },
    questions: { type: 'string', default: '2000' },
    'no-index': { type: 'boolean', default: false },
  },
})

const tuningQuestions = 200

const port = await openServer(options.folder)
const paragraphs = await readBaseText(options.texts.split(',').filter(Boolean))
say(`${paragraphs.length} real paragraphs to mix from; server on port ${port}`)
for (const size of options.sizes.split(',')) await makeSize(size)

async function makeSize(size: string): Promise<void> {
  const url = await openBenchDatabase(port, databaseOf(size))
  const collection = await openCollection(url, databaseOf(size))
  const corpus = createCorpus(paragraphs, chunksOf(size))
  const sql = postgres(url, { max: 4, onnotice: () => {}, connection: { session_replication_role: 'replica' } })
  if (collection.chunkCount === 0) await load(sql, collection, corpus, size)
  else if (collection.chunkCount !== corpus.chunkCount)
    throw new Error(`${url} holds ${collection.chunkCount} chunks: drop it first`)
  await printFrequencies(sql, collection)
  const file = join(options.folder, `questions-${size}.jsonl`)
  await writeQuestions(sql, collection.id, corpus, { count: Number(options.questions), file })
  if (!options['no-index']) await makeVectorIndex(url, size, file)
  say(`${size}: ${url}, collection ${collection.id}, model ${collection.model?.id}, questions in ${file}`)
  await sql.end()
}

/** Tuned with the last of the questions; recall is measured with the first. */
async function makeVectorIndex(url: string, size: string, file: string): Promise<void> {
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(-tuningQuestions)
  const vectors = lines.map(line => Float32Array.from((JSON.parse(line) as Question).vector))
  const prepared = await prepareIndex(url, databaseOf(size), vectors)
  writeFileSync(join(options.folder, `index-${size}.json`), `${JSON.stringify(prepared, null, 2)}\n`)
  console.log(JSON.stringify(prepared))
}

async function openCollection(url: string, name: string): Promise<Collection> {
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 1,
    statementTimeoutMs: 60_000,
  })
  const collection = await createCollectionStore(database).openCollection(name, model)
  await database.close()
  return collection
}

async function load(sql: postgres.Sql, collection: Collection, corpus: Corpus, size: string): Promise<void> {
  const indexes = await dropIndexes(sql)
  const started = performance.now()
  const statistics = await copyAll(sql, collection, corpus)
  await writeStatistics(sql, collection.id, corpus, statistics)
  const copySeconds = (performance.now() - started) / 1000
  say(`${size}: rows generated and copied in ${copySeconds.toFixed(0)} s`)
  const indexSeconds = await buildIndexes(sql, indexes)
  await sql`vacuum analyze`
  const report = { size, chunks: corpus.chunkCount, copySeconds, indexSeconds, bytes: await relationSizes(sql) }
  writeFileSync(join(options.folder, `load-${size}.json`), `${JSON.stringify(report, null, 2)}\n`)
  console.table(report.bytes)
}

interface Statistics {
  readonly frequencies: Map<string, number>
  length: number
}

async function copyAll(sql: postgres.Sql, collection: Collection, corpus: Corpus): Promise<Statistics> {
  const statistics: Statistics = { frequencies: new Map(), length: 0 }
  const copies = {
    documents: await openTextCopy(
      sql,
      'documents (id, collection_id, source, hash, title, url, language, metadata, text)',
    ),
    chunks: await openTextCopy(
      sql,
      'chunks (id, document_id, collection_id, ordinal, start_at, end_at, title, anchor, page, language, text, terms, length, tokens)',
    ),
    vectors: await openBinaryCopy(
      sql,
      'chunk_vectors (chunk_id, model_id, collection_id, window_number, start_at, end_at, embedding)',
    ),
  }
  let chunkId = 0
  for (let number = 0; number < corpus.documentCount; number++) {
    const document = corpus.document(number)
    await copyDocument(copies, collection, document, { vectors: corpus.vectorsOf(number), firstId: chunkId + 1 })
    count(statistics, document)
    chunkId += document.chunks.length
    if (number % 10_000 === 9999) say(`${chunkId} chunks`)
  }
  for (const copy of Object.values(copies)) await copy.end()
  return statistics
}

interface Copies {
  readonly documents: Copy
  readonly chunks: Copy
  readonly vectors: Copy
}

async function copyDocument(
  copies: Copies,
  collection: Collection,
  document: PreparedDocument,
  { vectors, firstId }: { readonly vectors: readonly Float32Array[]; readonly firstId: number },
): Promise<void> {
  const { id, source, hash, title, url, language, text } = document
  const metadata = JSON.stringify(document.metadata)
  await copies.documents.write(
    textRow([id, collection.id, source, `\\x${hash.toString('hex')}`, title, url, language, metadata, text]),
  )
  for (const [i, chunk] of document.chunks.entries()) {
    const { ordinal, start, end, anchor, page, terms, length, tokens } = chunk
    await copies.chunks.write(
      textRow([
        firstId + i,
        id,
        collection.id,
        ordinal,
        start,
        end,
        chunk.title,
        anchor,
        page,
        chunk.language,
        chunk.text,
        termVector(terms),
        length,
        tokens,
      ]),
    )
    await copies.vectors.write(
      vectorRow({
        chunkId: firstId + i,
        modelId: collection.model!.id,
        collectionId: collection.id,
        start,
        end,
        vector: vectors[i]!,
      }),
    )
  }
}

function count(statistics: Statistics, document: PreparedDocument): void {
  for (const { terms, length } of document.chunks) {
    statistics.length += length
    for (const term of new Set(terms)) statistics.frequencies.set(term, (statistics.frequencies.get(term) ?? 0) + 1)
  }
}

/** What the product keeps with every write. */
async function writeStatistics(
  sql: postgres.Sql,
  id: number,
  corpus: Corpus,
  { frequencies, length }: Statistics,
): Promise<void> {
  const copy = await openTextCopy(sql, 'collection_terms (collection_id, term, chunk_count)')
  for (const [term, chunks] of frequencies) await copy.write(textRow([id, term, chunks]))
  await copy.end()
  await sql`insert into collection_languages (collection_id, language, chunk_count) values (${id}, 'en', ${corpus.chunkCount})`
  await sql`
    update collections set document_count = ${corpus.documentCount}, chunk_count = ${corpus.chunkCount}, window_count = ${corpus.chunkCount},
      term_count = ${length}, epoch = epoch + 1 where id = ${id}`
  await sql`select setval(pg_get_serial_sequence('chunks', 'id'), ${corpus.chunkCount})`
}
