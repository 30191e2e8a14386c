import type { PreparedChunk, PreparedDocument } from '../../../ingest/terms.ts'
import type { Step } from '../../../resilience/pace.ts'
import type { Sql } from '../database.ts'
import { vectorText } from '../vector-text.ts'

/**
 * Whether the document `d` was seen by this run or a later one. Runs have UUIDs of version 7, which are ordered by
 * time; UUIDs of version 4 are from older versions of Askwell, whose runs have ended.
 */
export function isSeenSince(sql: Sql, runId: string) {
  return sql`(substr(d.checked_by::text, 15, 1) = '7' and d.checked_by >= ${runId}::uuid)`
}

/**
 * The mark of this run for the document `d`, unless a later run has already set its own: two runs may load the same
 * folder at the same time.
 */
export function laterMark(sql: Sql, runId: string) {
  return sql`case when ${isSeenSince(sql, runId)} then d.checked_by else ${runId}::uuid end`
}

/** Documents keep the mark of the load that saw them last. */
export const keepsCheck = Symbol('keeps check')

export async function insertDocuments(
  tx: Sql,
  collectionId: number,
  documents: readonly PreparedDocument[],
  checkedBy: string | null | typeof keepsCheck,
): Promise<void> {
  const runId = checkedBy === keepsCheck ? null : checkedBy
  const column = <T>(pick: (document: PreparedDocument) => T) => documents.map(pick)
  await tx`
    insert into documents as d (id, collection_id, source, hash, title, url, language, metadata, text, checked_by)
    select u.id, ${collectionId}, u.source, decode(u.hash, 'hex'), u.title, u.url, u.language, u.metadata::jsonb, u.text, ${runId}::uuid
    from unnest(${column(d => d.id)}::uuid[], ${column(d => d.source)}::text[], ${column(d => d.hash.toString('hex'))}::text[],
      ${column(d => d.title)}::text[], ${column(d => d.url)}::text[], ${column(d => d.language)}::text[],
      ${column(d => JSON.stringify(d.metadata))}::text[], ${column(d => d.text)}::text[])
      as u(id, source, hash, title, url, language, metadata, text)
    on conflict (id) do update set version = d.version + 1, hash = excluded.hash, title = excluded.title, url = excluded.url,
      language = excluded.language, metadata = excluded.metadata, text = excluded.text, checked_by = ${checkedMark(tx, checkedBy)}, updated_at = now()`
}

function checkedMark(tx: Sql, checkedBy: string | null | typeof keepsCheck) {
  if (checkedBy === keepsCheck) return tx`d.checked_by`
  return checkedBy === null ? tx`null` : laterMark(tx, checkedBy)
}

export interface ChunkRow {
  readonly document: PreparedDocument
  readonly chunk: PreparedChunk
}

/**
 * Rows per statement. Turning a row into text takes this process's time (a vector of 1,536 numbers 0.14 ms), and a large
 * document has thousands of rows: between two statements the questions get their turn.
 */
const chunksAtOnce = 50
const vectorsAtOnce = 50

export function* batchesOf<Row>(rows: readonly Row[], size: number): Generator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size)
}

/** `step` runs one batch, and decides when the next one follows. */
export async function insertChunks(
  tx: Sql,
  collectionId: number,
  rows: readonly ChunkRow[],
  step: Step,
): Promise<void> {
  for (const batch of batchesOf(rows, chunksAtOnce)) await step(() => insertChunkBatch(tx, collectionId, batch))
}

async function insertChunkBatch(tx: Sql, collectionId: number, rows: readonly ChunkRow[]): Promise<void> {
  const column = <T>(pick: (chunk: PreparedChunk, document: PreparedDocument) => T) =>
    rows.map(row => pick(row.chunk, row.document))
  await tx`
    insert into chunks (document_id, collection_id, ordinal, start_at, end_at, title, anchor, page, language, text, terms, length, tokens,
      sections, table_header)
    select u.document_id, ${collectionId}, u.ordinal, u.start_at, u.end_at, u.title, u.anchor, u.page, u.language, u.text, u.terms::tsvector,
      u.length, u.tokens, u.sections::jsonb, u.table_header
    from unnest(${column((_, d) => d.id)}::uuid[], ${column(c => c.ordinal)}::int[], ${column(c => c.start)}::int[], ${column(c => c.end)}::int[],
      ${column(c => c.title)}::text[], ${column(c => c.anchor)}::text[], ${column(c => c.page)}::int[], ${column(c => c.language)}::text[],
      ${column(c => c.text)}::text[], ${column(c => termVector(c.terms))}::text[], ${column(c => c.length)}::int[], ${column(c => c.tokens)}::int[],
      ${column(c => (c.sections === undefined ? null : JSON.stringify(c.sections)))}::text[], ${column(c => c.tableHeader ?? null)}::text[])
      as u(document_id, ordinal, start_at, end_at, title, anchor, page, language, text, terms, length, tokens, sections, table_header)`
}

export async function insertVectors(
  tx: Sql,
  { collectionId, modelId }: { readonly collectionId: number; readonly modelId: number },
  rows: readonly ChunkRow[],
  step: Step,
): Promise<void> {
  const vectors = rows.flatMap(({ document, chunk }) =>
    chunk.vectors.map((vector, number) => ({ document, chunk, vector, number })),
  )
  for (const batch of batchesOf(vectors, vectorsAtOnce))
    await step(() => insertVectorBatch(tx, collectionId, modelId, batch))
}

interface VectorRow extends ChunkRow {
  readonly vector: PreparedChunk['vectors'][number]
  readonly number: number
}

async function insertVectorBatch(
  tx: Sql,
  collectionId: number,
  modelId: number,
  vectors: readonly VectorRow[],
): Promise<void> {
  await tx`
    insert into chunk_vectors (chunk_id, model_id, collection_id, window_number, start_at, end_at, embedding)
    select c.id, ${modelId}, ${collectionId}, u.number, u.start_at, u.end_at, u.embedding::halfvec
    from unnest(${vectors.map(v => v.document.id)}::uuid[], ${vectors.map(v => v.chunk.ordinal)}::int[], ${vectors.map(v => v.number)}::int[],
      ${vectors.map(v => v.vector.start)}::int[], ${vectors.map(v => v.vector.end)}::int[], ${vectors.map(v => vectorText(v.vector.embedding))}::text[])
      as u(document_id, ordinal, number, start_at, end_at, embedding)
    join chunks c on c.document_id = u.document_id and c.ordinal = u.ordinal`
}

/** Postgres stores at most 255 positions per term, none above 16383. The counts that BM25 needs stay well below. */
const maxPosition = 16_383
const maxPositions = 255

/** The text form of a tsvector: `'term':1,7 'other':2`. */
export function termVector(terms: readonly string[]): string {
  const positions = new Map<string, number[]>()
  terms.forEach((term, index) => {
    const list = positions.get(term)
    const position = Math.min(index + 1, maxPosition)
    if (!list) positions.set(term, [position])
    else if (list.length < maxPositions && list.at(-1) !== position) list.push(position)
  })
  return Array.from(positions, ([term, at]) => `'${term.replace(/['\\]/g, '$&$&')}':${at.join(',')}`).join(' ')
}
