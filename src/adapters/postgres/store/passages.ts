import type { PassageSection, Window } from '../../../ask/terms/passage.ts'
import type { Database, Fragment, LeaseTerms, Sql } from '../database.ts'
import type { Row } from '../driver.ts'
import { comparedAtMost, prescan } from './filter-prescan.ts'
import { metadataPath } from './filters.ts'
import { bm25Search, k1, readingsOf } from './bm25-search.ts'
import { inlineNumber } from '../inline-number.ts'
import { tracedSql } from '../sql-span.ts'
import type { Bm25 } from './textsearch.ts'
import { vectorSearch } from './vector-search.ts'
import { unitsOfChunk } from './units.ts'
import { createSmallCollections, type UnitsByChunk } from './small-collections.ts'
import { directionText } from '../vector-text.ts'
import type { Candidate, PassageSearchResult, Search, StoredPassage } from '../../../ask/retrieval/passage-search.ts'
import type { ChunkSection } from '../../../ingest/terms.ts'

/** While a collection is reindexed, a batch of its documents is replaced several times a second. */
const maxAttempts = 3

/** The read side: both retrievers in one round trip, then the text of the chosen passages, on one lease. */
export function createPassageStore(database: Pick<Database, 'lease'>, bm25: Bm25 = 'portable') {
  const smallCollections = createSmallCollections()

  async function search(
    query: Search,
    choose: (candidates: readonly Candidate[]) => readonly number[],
    terms: LeaseTerms,
  ): Promise<PassageSearchResult> {
    return await database.lease(terms, async sql => {
      for (let attempt = 1; ; attempt++) {
        const read = smallCollections.get(query)
        const wanted = read === undefined ? query : { ...query, hasUnits: false }
        const found = await tracedSql(sql, 'SELECT chunks chunk_vectors', bothRetrievers(sql, wanted, bm25))
        const candidates = found.filter(row => row['id'] !== null).map(row => candidateOf(row, read))
        const chosen = [...choose(candidates)]
        const known = read ?? new Map(candidates.map(({ chunkId, units }) => [chunkId, units]))
        if (read === undefined && found.length > 0 && found.every(isOfEpoch)) smallCollections.set(query, known)
        const rows = await readPassages(sql, chosen, { ...query, known })
        // A document was replaced between the two statements: its passages have other ids now.
        if (rows.length < chosen.length && attempt < maxAttempts) continue
        const isComplete = found.length > 0 && rows.length === chosen.length
        const isCurrent = attempt === 1 && isComplete && [...found, ...rows].every(isOfEpoch)
        return {
          candidates,
          lexicalMaximum: Number(found.at(-1)?.['lexical_maximum'] ?? 0),
          passages: new Map(rows.map(row => [Number(row['id']), passageOf(row, known)])),
          readings: readingsOf(found.at(-1), query.terms),
          isOvertaken: !isCurrent,
        }
      }
    })
  }
  return { search }
}

/**
 * Both retrievers in one statement: see {@link bm25Search} and {@link vectorSearch}. The last row has no id, but how the
 * words were read.
 */
function bothRetrievers(sql: Sql, query: Search, bm25: Bm25 = 'portable') {
  const path = metadataPath(query.filters)
  const filter = path === null ? null : { path, atMost: comparedAtMost(query.chunkCount) }
  const nearest = query.vector
    ? vectorSearch(
        sql,
        { ...query.vector, collectionId: query.collectionId, limit: query.allChunks ?? query.limit },
        filter,
      )
    : sql`select null::bigint as id, null::float8 as similarity where false`
  return sql`
    with ${filter === null ? sql`` : sql`${prescan(sql, { collectionId: query.collectionId, path: filter.path, ...(query.vector && { atMost: filter.atMost }) })},`}
    vector as materialized (${nearest}),
    ${bm25Search(sql, { ...query, bm25 }, path)},
    found as (
      select coalesce(l.id, v.id) as id, l.score as lexical, coalesce(l.coverage, 0) as coverage, v.similarity as vector,
        row_number() over (order by l.score desc nulls last) as lexical_rank,
        row_number() over (order by v.similarity desc nulls last) as vector_rank
      from lexical l full join vector v on v.id = l.id)
    select f.id, f.lexical, f.coverage, f.vector, e.mark = ${query.epochMark ?? null}::uuid as is_current,
      ${candidateUnits(sql, query)} as units, null::int[] as counts, null::json as corrected, null::int[] as divided,
      ${query.hasLanguages ? sql`(select c.language from chunks c where c.id = f.id)` : sql`null::text`} as language, null::float8 as lexical_maximum, ${isBare(sql, query)} as is_bare
    from epoch_marks e cross join found f where e.collection_id = ${query.collectionId}
    union all
    select null, null, 0, null, e.mark = ${query.epochMark ?? null}::uuid, null, r.counts, r.corrected, r.divided, null, (select worth from worth) * ${inlineNumber(sql, k1 + 1)}::float8, null
    from epoch_marks e cross join readings r where e.collection_id = ${query.collectionId}`
}

/** Whether the chunk `f` has no vectors; asked only where vectors are being filled in. */
function isBare(sql: Sql, { vector, isFilling }: Search): Fragment {
  if (vector === null || !isFilling) return sql`null::boolean`
  return sql`f.vector is null and not exists (select from chunk_vectors b where b.chunk_id = f.id and b.model_id = ${inlineNumber(sql, vector.modelId)})`
}

/** Of so many by either retriever, the units are compared before the ranking is final: the rest will not be first. */
const comparedByUnits = 25

function candidateUnits(sql: Sql, { vector, hasUnits, allChunks }: Search): Fragment {
  if (!hasUnits || vector === null) return sql`null::text`
  if (allChunks !== undefined) return unitsOfChunk(sql, sql`f.id`, vector.modelId)
  const most = inlineNumber(sql, comparedByUnits)
  return sql`case when (f.lexical is not null and f.lexical_rank <= ${most}) or (f.vector is not null and f.vector_rank <= ${most})
        then ${unitsOfChunk(sql, sql`f.id`, vector.modelId)} end`
}

/** Reads the text of chunks with their windows in one statement: a second one would send the vector again. */
async function readPassages(
  sql: Sql,
  ids: number[],
  { vector, collectionId, epochMark, hasUnits, known }: Search & { readonly known: UnitsByChunk },
): Promise<readonly Row[]> {
  if (ids.length === 0) return []
  const windows = vector
    ? windowsOf(sql, vector)
    : sql`select null::int[] as window_starts, null::int[] as window_ends, null::float8[] as similarities`
  const missing = hasUnits && vector ? ids.filter(id => !known.get(id)) : []
  const units =
    missing.length === 0
      ? sql`null::text`
      : sql`case when c.id = any(${missing}::bigint[]) then ${unitsOfChunk(sql, sql`c.id`, vector!.modelId)} end`
  return await tracedSql(
    sql,
    'SELECT chunks documents',
    sql`
    select c.id, c.document_id, c.ordinal, c.start_at, c.end_at, c.title, c.anchor, c.page, c.language, c.text, c.tokens, c.sections, c.table_header, d.metadata,
      (select e.mark = ${epochMark ?? null}::uuid from epoch_marks e where e.collection_id = ${collectionId}) as is_current,
      d.version, d.source, d.url, w.window_starts, w.window_ends, w.similarities, ${units} as units,
      right(p.text, ${witness}) as before, substr(d.text, p.end_at - ${witness - 1}, c.start_at - p.end_at + ${2 * witness}) as around
    from chunks c join documents d on d.id = c.document_id
    left join chunks p on p.document_id = c.document_id and p.ordinal = c.ordinal - 1 and p.end_at < c.start_at and p.id = any(${ids}::bigint[])
    cross join lateral (${windows}) w
    where c.id = any(${ids}::bigint[])`,
  )
}

/** Null means that no epoch was requested. */
function isOfEpoch(row: Row): boolean {
  return row['is_current'] !== false
}

/** Windows of the chunk `c`, in order; three nulls if it has none. */
function windowsOf(sql: Sql, { modelId, values }: NonNullable<Search['vector']>): Fragment {
  const type = sql.unsafe(`halfvec(${values.length})`)
  return sql`
    select array_agg(v.start_at order by v.window_number) as window_starts, array_agg(v.end_at order by v.window_number) as window_ends,
      array_agg(1 - (v.embedding::${type} <=> ${directionText(values)}::${type}) order by v.window_number) as similarities
    from chunk_vectors v where v.chunk_id = c.id and v.model_id = ${modelId}`
}

/** Characters on either side of a gap that prove that it was read at the right position. */
const witness = 8

/**
 * The white space between a chunk and the one before it, if both were chosen. Postgres counts code points and our
 * offsets UTF-16 units, so after an emoji the position is wrong; the witnesses then do not match, and nothing is
 * returned.
 */
function blanksBefore(row: Row): { readonly blanksBefore?: string } {
  const [around, before] = [row['around'], row['before']]
  if (typeof around !== 'string' || typeof before !== 'string') return {}
  const blanks = around.slice(before.length, -witness)
  const isMatch = around === before + blanks + String(row['text']).slice(0, witness) && blanks.trim() === ''
  return isMatch ? { blanksBefore: blanks } : {}
}

function candidateOf(row: Row, read?: UnitsByChunk): Candidate {
  const chunkId = Number(row['id'])
  const units = read?.get(chunkId)
  return {
    chunkId,
    lexical: numberOrNull(row['lexical']),
    coverage: Number(row['coverage']),
    vector: numberOrNull(row['vector']),
    ...(units === undefined ? unitsIn(row) : { units }),
    ...(typeof row['language'] === 'string' && { language: row['language'] }),
    ...(row['is_bare'] === true && { isBare: true }),
  }
}

function unitsIn(row: Row): { readonly units?: Uint8Array } {
  return typeof row['units'] === 'string' ? { units: Buffer.from(row['units'], 'base64') } : {}
}

function passageOf(row: Row, known: UnitsByChunk): StoredPassage {
  const anchor = row['anchor'] as string | null
  const url = row['url'] as string | null
  const documentId = String(row['document_id'])
  const tableHeader = row['table_header'] as string | null
  const units = known.get(Number(row['id']))
  return {
    chunkId: `${documentId}.${String(row['ordinal'])}`,
    documentId,
    version: Number(row['version']),
    source: String(row['source']),
    title: String(row['title']),
    url: urlAt(url, anchor),
    language: String(row['language']),
    text: String(row['text']),
    tokens: Number(row['tokens']),
    ...blanksBefore(row),
    start: Number(row['start_at']),
    end: Number(row['end_at']),
    page: numberOrNull(row['page']),
    metadata: row['metadata'] as StoredPassage['metadata'],
    windows: windowsIn(row),
    ...(units === undefined ? unitsIn(row) : { units }),
    ...sectionsIn(row),
    ...(tableHeader !== null && { tableHeader }),
  }
}

function urlAt(url: string | null, anchor: string | null | undefined): string | null {
  return url !== null && typeof anchor === 'string' && !url.includes('#') ? `${url}#${anchor}` : url
}

function sectionsIn(row: Row): { readonly sections?: readonly PassageSection[] } {
  const sections = row['sections'] as readonly ChunkSection[] | null
  if (sections === null) return {}
  const url = row['url'] as string | null
  return {
    sections: sections.map(({ start, headings, anchor, page }) => ({
      start,
      title: [String(row['title']), ...headings].join(' › '),
      url: urlAt(url, anchor),
      page: page ?? null,
    })),
  }
}

function windowsIn(row: Row): Window[] {
  const [starts, ends, similarities] = [row['window_starts'], row['window_ends'], row['similarities']] as (
    number[] | null
  )[]
  return starts?.map((start, number) => ({ start, end: ends![number]!, similarity: similarities![number]! })) ?? []
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value)
}
