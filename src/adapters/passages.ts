import type { Filters, Passage, Window } from '../ask/terms.ts'
import type { Database, LeaseTerms, Sql } from './database.ts'
import { vectorText } from './document-rows.ts'
import { metadataPath } from './filters.ts'

/** What to look for. Either arm may be empty: no terms, or no vector. */
export interface Search {
  readonly collectionId: number
  readonly terms: readonly { readonly term: string; readonly count: number; readonly isContent: boolean }[]
  readonly vector: { readonly modelId: number; readonly values: Float32Array } | null
  readonly filters: Filters
  /** Candidates of each arm. */
  readonly limit: number
}

/** A chunk that an arm found, with what that arm says of it; null from an arm that did not. */
export interface Candidate {
  readonly chunkId: number
  /** BM25. */
  readonly lexical: number | null
  /** Share of the question's content words the chunk holds, weighted by idf: 0…1. */
  readonly coverage: number
  /** Cosine similarity of its best window. */
  readonly vector: number | null
}

/** A passage before it is ranked: what the database knows of a chunk. */
export type StoredPassage = Omit<Passage, 'scores'>

export interface Found {
  readonly candidates: readonly Candidate[]
  /** By chunk id, of the candidates that `choose` picked. */
  readonly passages: ReadonlyMap<number, StoredPassage>
}

export type PassageStore = ReturnType<typeof createPassageStore>

/** The read side: both arms in one round trip, then the text of the few that were chosen, on one lease. */
export function createPassageStore(database: Pick<Database, 'lease'>) {
  async function search(query: Search, choose: (candidates: readonly Candidate[]) => readonly number[], terms: LeaseTerms): Promise<Found> {
    return await database.lease(terms, async sql => {
      const candidates = (await bothArms(sql, query)).map(candidateOf)
      const chosen = [...choose(candidates)]
      return { candidates, passages: await readPassages(sql, chosen, query.vector) }
    })
  }
  return { search }
}

/** How many chunks of the lexical arm are scored by BM25, best by `ts_rank` first. */
const scored = 200
/** Chunks that the rarest words of the question may match before its common words stop adding more. */
const widest = 20_000
const k1 = 1.2
const b = 0.75

/**
 * Lexical: the question's words joined by OR (never AND: that finds nothing for most natural questions), ranked
 * by BM25 with query term counts (Robertson & Zaragoza 2009) from exact per-collection statistics. Words so
 * common that they alone would match a large share of the collection score, but do not fetch.
 * Vector: cosine over windows; a chunk counts by its best window.
 */
// Booleans go as text: postgres.js would declare the array by its first member, as one boolean.
export function bothArms(sql: Sql, query: Search) {
  const path = metadataPath(query.filters)
  const isMatch = path === null ? sql`true` : sql`c.metadata @@ ${path}::jsonpath`
  return sql`
    with stats as materialized (
      select greatest(chunk_count, 1) as n, greatest(term_count, 1)::float8 / greatest(chunk_count, 1) as average
      from collections where id = ${query.collectionId}),
    asked as materialized (
      select u.term, u.count, u.is_content, coalesce(t.chunk_count, 0) as df,
        ln(1 + (n - least(coalesce(t.chunk_count, 0), n) + 0.5) / (coalesce(t.chunk_count, 0) + 0.5)) as idf
      from stats, unnest(${query.terms.map(t => t.term)}::text[], ${query.terms.map(t => t.count)}::int[], ${query.terms.map(t => String(t.isContent))}::text[]::bool[])
        as u(term, count, is_content)
      left join collection_terms t on t.collection_id = ${query.collectionId} and t.term = u.term),
    fetching as materialized (
      select string_agg('''' || replace(replace(term, '\\', '\\\\'), '''', '''''') || '''', ' | ')::tsquery as words
      from (select term, df, sum(df) over (order by df, term) as running from asked where df > 0) as ordered
      where running <= greatest(${widest}, df) or running = df),
    matching as materialized (
      select c.id, c.terms, c.length from chunks c, fetching
      where c.collection_id = ${query.collectionId} and c.terms @@ fetching.words and ${isMatch}
      order by ts_rank(c.terms, fetching.words, 1) desc limit ${scored}),
    lexical as (
      select m.id,
        sum(asked.idf * asked.count * cardinality(u.positions) * ${k1 + 1}::float8
          / (cardinality(u.positions) + ${k1}::float8 * (${1 - b}::float8 + ${b}::float8 * m.length / stats.average))) as score,
        coalesce(sum(asked.idf * asked.count) filter (where asked.is_content), 0)
          / nullif((select sum(idf * count) from asked where is_content), 0) as coverage
      from stats, matching m cross join lateral unnest(m.terms) as u(lexeme, positions, weights)
      join asked on asked.term = u.lexeme
      group by m.id order by score desc, m.id limit ${query.limit}),
    vector as (${vectorArm(sql, query, path)})
    select coalesce(l.id, v.id) as id, l.score as lexical, coalesce(l.coverage, 0) as coverage, v.similarity as vector
    from lexical l full join vector v on v.id = l.id`
}

/** A chunk may have several windows among the nearest: more rows than chunks are wanted. */
const windowsPerChunk = 4

function vectorArm(sql: Sql, query: Search, path: string | null) {
  if (!query.vector) return sql`select null::bigint as id, null::float8 as similarity where false`
  const { modelId, values } = query.vector
  const type = sql.unsafe(`halfvec(${values.length})`)
  const isMatch = path === null ? sql`true`
    : sql`exists (select from chunks c where c.id = w.chunk_id and c.metadata @@ ${path}::jsonpath)`
  return sql`
    select n.chunk_id as id, max(1 - n.distance) as similarity
    from (
      select w.chunk_id, w.embedding::${type} <=> ${vectorText(values)}::${type} as distance
      from chunk_vectors w
      where w.collection_id = ${query.collectionId} and w.model_id = ${modelId} and ${isMatch}
      order by distance limit ${query.limit * windowsPerChunk}) as n
    group by n.chunk_id order by similarity desc, n.chunk_id limit ${query.limit}`
}

async function readPassages(sql: Sql, ids: number[], vector: Search['vector']): Promise<Map<number, StoredPassage>> {
  if (ids.length === 0) return new Map()
  const [rows, windows] = await Promise.all([
    sql`
      select c.id, c.document_id, c.ordinal, c.start_at, c.end_at, c.title, c.anchor, c.page, c.language, c.text, c.metadata,
        d.version, d.source, d.url
      from chunks c join documents d on d.id = c.document_id where c.id = any(${ids}::bigint[])`,
    vector ? readWindows(sql, ids, vector) : [],
  ])
  const byChunk = Map.groupBy(windows, row => Number(row['chunk_id']))
  return new Map(rows.map(row => [Number(row['id']), passageOf(row, byChunk.get(Number(row['id'])) ?? [])]))
}

async function readWindows(sql: Sql, ids: number[], { modelId, values }: NonNullable<Search['vector']>): Promise<Row[]> {
  const type = sql.unsafe(`halfvec(${values.length})`)
  return await sql`
    select chunk_id, start_at, end_at, 1 - (embedding::${type} <=> ${vectorText(values)}::${type}) as similarity
    from chunk_vectors where chunk_id = any(${ids}::bigint[]) and model_id = ${modelId} order by chunk_id, window_number`
}

type Row = Record<string, unknown>

function candidateOf(row: Row): Candidate {
  return {
    chunkId: Number(row['id']),
    lexical: numberOrNull(row['lexical']),
    coverage: Number(row['coverage']),
    vector: numberOrNull(row['vector']),
  }
}

function passageOf(row: Row, windows: Row[]): StoredPassage {
  const anchor = row['anchor'] as string | null
  const url = row['url'] as string | null
  return {
    chunkId: `${row['document_id']}.${row['ordinal']}`,
    documentId: String(row['document_id']),
    version: Number(row['version']),
    source: String(row['source']),
    title: String(row['title']),
    url: url !== null && anchor !== null && !url.includes('#') ? `${url}#${anchor}` : url,
    language: String(row['language']),
    text: String(row['text']),
    start: Number(row['start_at']),
    end: Number(row['end_at']),
    page: numberOrNull(row['page']),
    metadata: row['metadata'] as StoredPassage['metadata'],
    windows: windows.map(windowOf),
  }
}

function windowOf(row: Row): Window {
  return { start: Number(row['start_at']), end: Number(row['end_at']), similarity: Number(row['similarity']) }
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value)
}

