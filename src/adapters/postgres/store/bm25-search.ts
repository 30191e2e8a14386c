import type { Fragment, Sql } from '../database.ts'
import type { Row } from '../driver.ts'
import { passesFew } from './filter-prescan.ts'
import { passesFilter } from './filters.ts'
import { inlineNumber } from '../inline-number.ts'
import { type Bm25, textsearchCandidates } from './textsearch.ts'
import { shortestRest } from '../../../text/joined.ts'
import { sureSimilarity } from '../../../text/spellings.ts'
import type { QueryTerm, TermCorrection } from '../../../ask/terms/question.ts'
import type { TermReading } from '../../../ask/retrieval/passage-search.ts'

export interface LexicalSearch {
  readonly collectionId: number
  readonly terms: readonly QueryTerm[]
  readonly bm25: Bm25
  /** Number of chunks in the collection. */
  readonly chunkCount: number
  /** Number of rows to return. */
  readonly limit: number
}

/** How many chunks the words of a question may fetch. */
interface FetchLimits {
  /** Chunks that rare words may fetch, in total. */
  readonly rareChunks: number
  /** Chunks that pairs of common words may fetch, in total, and how many may be scanned to find them. */
  readonly pairChunks: number
  readonly scannedChunks: number
}

/** In a small collection a word of the question is in a large share of the chunks, and scoring all of them is cheap. */
const small: FetchLimits = { rareChunks: 500, pairChunks: 500, scannedChunks: 5000 }
/**
 * At 100,000 chunks, 0.96 of the five best results of both retrievers are those that scoring every match gives, and
 * always the first one, at a thirtieth of the work.
 */
const large: FetchLimits = { rareChunks: 200, pairChunks: 300, scannedChunks: 3000 }

function fetchLimits({ chunkCount }: LexicalSearch): FetchLimits {
  return chunkCount <= 5000 ? small : large
}

/** Two words of a question co-occur this many times as often as chance predicts. */
const cooccurrence = 4
/** Upper bound on the chunks that are scored, whatever the estimate. */
const maxScored = 5000
/** Unknown words of a question that are compared with all words of the collection; each takes milliseconds. */
const maxCorrected = 6
/** The usual constants of BM25; nDCG@10 varies by at most 0.01 over k1 0.9–2 and b 0.4–0.9. */
export const k1 = 1.2
const b = 0.75

/**
 * Builds CTEs up to `lexical (id, score, coverage)`, and {@link readings}. The words of the question are joined by OR (AND finds nothing for
 * most natural questions) and ranked by BM25 with query term counts (Robertson & Zaragoza 2009), from the collection's
 * own exact statistics.
 */
export function bm25Search(sql: Sql, search: LexicalSearch, path: string | null): Fragment {
  return sql`
    stats as materialized (
      select greatest(chunk_count, 1)::float8 as n, greatest(term_count, 1)::float8 / greatest(chunk_count, 1) as average
      from collections where id = ${inlineNumber(sql, search.collectionId)}),
    ${askedTerms(sql, search)},
    ${readings(sql)},
    ${search.bm25 === 'portable' ? sql`${fetchingWords(sql, fetchLimits(search))},` : sql``}
    best as (
      select c.id, c.terms, (
        select sum(a.gain - a.gain * c.slowness / (term_frequency(c.terms, a.word) + c.slowness)) from asked a where c.terms @@ a.word) as score
      from (${search.bm25 === 'portable' ? matching(sql, search, path) : foundByExtension(sql, search, path)}) c
      order by score desc nulls last, c.id limit ${inlineNumber(sql, search.limit)}),
    lexical as (
      select b.id, b.score, coalesce(least(1, (select coalesce(sum(v.meaning), 0) from covering v where b.terms @@ v.words)
        / nullif((select worth from worth), 0)), 0) as coverage
      from best b where b.score is not null)`
}

/** Chunks with both halves of a word in which they are looked for next to each other. */
const maxCompared = 200
/** Weights of a longer word that has the asked one inside: where the collection has the asked word too, and where not. */
const besideWeight = 0.3
const insteadWeight = 0.7

/**
 * Builds `splits (place, terms, …)` and `inside (place, term, df, …)`: words that some write joined and others apart.
 * An unknown word is read as two where these stand next to each other in a document, in a language with compounds
 * wherever they stand. `inside` has the words with the asked one inside: joined with its neighbour, or a compound. Those
 * that begin with it are a range of the primary key, ten times as quick as by trigrams.
 */
function joinedTerms(sql: Sql, { collectionId, terms }: LexicalSearch): Fragment {
  const id = inlineNumber(sql, collectionId)
  const splits = terms.flatMap(({ splits = [] }, i) => splits.map(split => ({ ...split, place: i + 1 })))
  const joined = terms.flatMap(({ joined = [] }, i) => joined.map(term => ({ term, place: i + 1 })))
  const partPlaces = terms.flatMap(({ isInCompounds = false, isContent }, i) =>
    isInCompounds && isContent ? [i + 1] : [],
  )
  return sql`
    halves as materialized (
      select s.*, least(a.chunk_count, z.chunk_count) as rarer, a.chunk_count as a_df, z.chunk_count as z_df
      from unnest(${splits.map(s => s.place)}::int[], ${splits.map(s => s.terms[0])}::text[], ${splits.map(s => s.terms[1])}::text[],
        ${flags(splits.map(s => s.areContent[0]))}::text[]::bool[], ${flags(splits.map(s => s.areContent[1]))}::text[]::bool[],
        ${flags(splits.map(s => s.isCompound))}::text[]::bool[]) as s(place, a, z, a_content, z_content, is_compound)
      join typed t on t.place = s.place and t.is_unknown
      join collection_terms a on a.collection_id = ${id} and a.term = s.a
      join collection_terms z on z.collection_id = ${id} and z.term = s.z),
    splits as materialized (
      select distinct on (h.place) h.* from halves h
      where h.is_compound or exists (
        select from (select c.terms from chunks c where c.collection_id = ${id} and c.terms @@ (${quoted(sql, sql`h.a`)} && ${quoted(sql, sql`h.z`)}) limit ${inlineNumber(sql, maxCompared)}) c
        where c.terms @@ (${quoted(sql, sql`h.a`)} <-> ${quoted(sql, sql`h.z`)}))
      order by h.place, h.rarer desc, h.a),
    inside as materialized (
      select j.place, k.term, k.chunk_count as df, false as is_compound
      from unnest(${joined.map(j => j.place)}::int[], ${joined.map(j => j.term)}::text[]) as j(place, term)
      join collection_terms k on k.collection_id = ${id} and k.term = j.term
      union all
      select t.place, v.term, v.df, true from unnest(${partPlaces.slice(0, maxCorrected)}::int[]) as p(place) join typed t on t.place = p.place
      cross join lateral (
        select each.term, each.chunk_count as df from (
          select v.term, v.chunk_count, true as is_end from collection_terms v
          where v.collection_id = ${id} and v.term like '%' || t.term
          union all
          select v.term, v.chunk_count, false from collection_terms v
          where v.collection_id = ${id} and v.term > t.term and v.term < t.term || chr(1114111) and v.term not like '%' || t.term) as each
        where length(each.term) >= length(t.term) + ${inlineNumber(sql, shortestRest)} and each.term !~ '[0-9_]'
        order by is_end desc, each.chunk_count desc, each.term limit 3) as v)`
}

/** A term as a tsquery. */
function quoted(sql: Sql, term: Fragment): Fragment {
  return sql`('''' || replace(replace(${term}, '\\', '\\\\'), '''', '''''') || '''')::tsquery`
}

/**
 * Builds `asked (term, word, gain, df)`: the words that the collection knows, with their idf. An unknown word is
 * replaced by two that it consists of and by up to two known ones with similar spelling, found by trigrams or as the
 * stem of the typed word with one letter omitted or two swapped; a known word never is. `covering (words, meaning)` are the
 * content words, each with those that it is inside of, and `worth` is the meaning of a chunk with all of them. Of a
 * story they are the rarest words that the collection has.
 */
function askedTerms(sql: Sql, search: LexicalSearch): Fragment {
  const { collectionId, terms } = search
  const isStory = sql`${terms.filter(term => term.isContent).length >= fewestOfStory ? 1 : 0}::int`
  const spellings = terms.flatMap(({ spellings }, place) => spellings.map(spelling => ({ spelling, place: place + 1 })))
  return sql`
    typed as materialized (
      select u.place, u.term, u.count, u.is_spare, k.chunk_count as df,
        u.is_content and (k.term is not null or not u.is_optional)
          and not exists (select from collection_terms w where w.collection_id = ${inlineNumber(sql, collectionId)} and w.term = u.within) as is_content,
        k.term is null and u.is_correctable
          and count(*) filter (where k.term is null and u.is_correctable) over (order by u.place) <= ${inlineNumber(sql, maxCorrected)} as is_unknown
      from unnest(${terms.map(t => t.term)}::text[], ${terms.map(t => t.count)}::float8[], ${flags(terms.map(t => t.isContent))}::text[]::bool[],
        ${flags(terms.map(t => t.isSpare))}::text[]::bool[], ${flags(terms.map(t => t.isCorrectable))}::text[]::bool[],
        ${terms.map(t => t.within ?? '')}::text[], ${flags(terms.map(t => t.isOptional ?? false))}::text[]::bool[])
        with ordinality as u(term, count, is_content, is_spare, is_correctable, within, is_optional, place)
      left join collection_terms k on k.collection_id = ${inlineNumber(sql, collectionId)} and k.term = u.term),
    ${joinedTerms(sql, search)},
    read_as as materialized (
      select place, term, is_content as is_wanted, is_content, is_spare, coalesce(df, 0)::float8 as df, count as weight, 1 as rank, null::float8 as likeness from typed where not is_unknown
      union all
      select t.place, h.term, t.is_content and h.is_content, t.is_content and h.is_content, t.is_spare, h.df, t.count, 1, null
      from splits s join typed t on t.place = s.place
      cross join lateral (values (s.a, s.a_content, s.a_df), (s.z, s.z_content, s.z_df)) as h(term, is_content, df)
      union all
      select i.place, i.term, false, false, t.is_spare, i.df,
        t.count * case when t.df is null then ${inlineNumber(sql, insteadWeight)}::float8 else ${inlineNumber(sql, besideWeight)}::float8 end, 1, null
      from inside i join typed t on t.place = i.place where i.is_compound
      union all
      select t.place, coalesce(f.term, t.term), t.is_content, t.is_content and coalesce(f.likeness >= ${inlineNumber(sql, sureSimilarity)}::float8, true), t.is_spare, coalesce(f.df, 0),
        t.count * coalesce(f.likeness, 1), coalesce(f.rank, 1) + (select count(*) from splits s where s.place = t.place), f.likeness
      from typed t left join lateral (
        select near.term, min(near.df) as df, 1 - min(distance)::float8 / greatest(length(ltrim(t.term, '~')), 3) as likeness,
          row_number() over (order by min(distance), max(closeness) desc, min(near.df) desc, near.term) as rank
        from (
          select v.term, v.chunk_count as df, levenshtein(v.term, t.term) as distance, similarity(v.term, t.term) as closeness
          from collection_terms v
          where v.collection_id = ${inlineNumber(sql, collectionId)} and length(v.term) between length(t.term) - 2 and length(t.term) + 2
            and v.term % t.term and v.term !~ '[0-9_]'
            and levenshtein_less_equal(v.term, t.term, 2) <= case when length(ltrim(t.term, '~')) > 3 then 2 else 1 end
            and starts_with(v.term, '~') = starts_with(t.term, '~')
          union all
          select v.term, v.chunk_count, 1, 0.6
          from unnest(${spellings.map(each => each.spelling)}::text[], ${spellings.map(each => each.place)}::int[]) as s(spelling, place)
          join collection_terms v on v.collection_id = ${inlineNumber(sql, collectionId)} and v.term = s.spelling
          where s.place = t.place) as near
        group by near.term order by rank limit 2) as f on true
      where t.is_unknown),
    asked as materialized (
      select term, ${quoted(sql, sql`term`)} as word, df,
        ${inlineNumber(sql, k1 + 1)}::float8 * weight * ${idf(sql)} as gain
      from stats, (
        select term, sum(weight) as weight, max(df) as df from read_as
        where df > 0 and (not is_spare or not exists (select from read_as where df > 0 and not is_spare))
        group by term) as each),
    covering as materialized (
      select (
        select string_agg(${quoted(sql, sql`term`)}::text, ' | ')::tsquery from (
          select r.term where r.df > 0 union select i.term from inside i where i.place = r.place and r.rank = 1) as any_of) as words, meaning
      from (
        select place, term, df, rank, weight * ${idfOfMany(sql)} as meaning,
          row_number() over (order by weight * ${idfOfMany(sql)} desc, place, rank, term) as nth
        from stats, read_as where is_content and (${isStory} = 0 or (df > 0 and rank = 1))) as r
      where ${isStory} = 0 or nth <= ${inlineNumber(sql, mostOfStory)}),
    worth as (
      select case when ${isStory} = 1 then (select sum(meaning) from covering) else (
        select sum(case when is_content then weight * ${idfOfMany(sql)} else ln(2 * n + 2) end) from read_as, stats where is_wanted and rank = 1) end as worth)`
}

/** A question of more content words tells a story: no passage has most of them. */
const fewestOfStory = 13
/** What a story is about: its rarest words that the collection has. */
const mostOfStory = 7

/**
 * Builds `readings (counts, corrected, divided)`, one row: how many chunks have each term, in the order asked; the terms
 * that unknown ones were corrected to; and the places of those read as two words or found inside of longer ones.
 */
function readings(sql: Sql): Fragment {
  return sql`
    readings as (
      select (select array_agg(coalesce(df, 0) order by place) from typed) as counts,
        (select json_agg(json_build_object('place', place, 'term', term, 'similarity', likeness) order by place, rank)
          from read_as where likeness is not null) as corrected,
        (select array_agg(place::int) from (select place from splits union select place from inside) as each) as divided)`
}

/** A row of `readings`, as terms of the question that was asked. */
export function readingsOf(row: Row | undefined, terms: readonly QueryTerm[]): readonly TermReading[] {
  const counts = (row?.['counts'] ?? []) as readonly number[]
  const corrected = (row?.['corrected'] ?? []) as readonly (TermCorrection & { readonly place: number })[]
  const divided = (row?.['divided'] ?? []) as readonly number[]
  return counts.map((chunkCount, index) => {
    const corrections = corrected
      .filter(({ place }) => place === index + 1)
      .map(({ term, similarity }) => ({ term, similarity }))
    const isUnknown = chunkCount === 0 && corrections.length === 0 && !divided.includes(index + 1)
    return { term: terms[index]!.term, chunkCount, corrections, isUnknown }
  })
}

function idf(sql: Sql, chunks = sql`n`): Fragment {
  return sql`ln(1 + (${chunks} - least(df, n) + 0.5) / (df + 0.5))`
}

/**
 * In a collection of one or two documents every known word would weigh almost nothing compared with an unknown one, and no
 * question would have an answer. What a question is about is weighed as if there were this many chunks.
 */
const fewestChunks = 50

function idfOfMany(sql: Sql): Fragment {
  return idf(sql, sql`greatest(n, ${inlineNumber(sql, fewestChunks)}::float8)`)
}

/**
 * As text: postgres.js derives an array's type from its first element, and would declare a single boolean for booleans.
 */
function flags(values: readonly boolean[]): string[] {
  return values.map(String)
}

/**
 * Builds `fetching (words, alone, any_word)`: what a chunk must contain to be scored. Rare words fetch alone, common
 * words in pairs: a chunk with only one common word of the question is not among the best. If no word is rare, the
 * rarest one also fetches alone, up to a bound. `any_word` is used if the filter leaves few chunks to score.
 */
function fetchingWords(sql: Sql, { rareChunks, pairChunks, scannedChunks }: FetchLimits): Fragment {
  return sql`
    ordered as materialized (
      select term, word, df, sum(df) over by_df as running, sum(df) over by_df <= ${inlineNumber(sql, rareChunks)} as is_rare, row_number() over by_df = 1 as is_rarest
      from asked window by_df as (order by df, term)),
    fetching as materialized (
      select (
        select string_agg(words, ' | ')::tsquery from (
          select word::text as words from ordered where is_rare
          union all
          select words from (
            select '(' || x.word::text || ' & ' || y.word::text || ')' as words,
              sum(x.df * y.df / n * ${inlineNumber(sql, cooccurrence)}::float8 + 1) over (order by x.df * y.df, x.term, y.term) as running
            from stats, ordered x join ordered y on x.term < y.term
            where not x.is_rare and not y.is_rare and least(x.running, y.running) <= ${inlineNumber(sql, scannedChunks)}) as pairs
          where running <= ${inlineNumber(sql, pairChunks)}) as any_of) as words,
        (select word from ordered where is_rarest and not is_rare) as alone,
        (select string_agg(word::text, ' | ')::tsquery from ordered) as any_word)`
}

/** How slowly the gain of a repeated word grows in a chunk of this length. */
function slowness(sql: Sql): Fragment {
  return sql`${inlineNumber(sql, k1)}::float8 * (${inlineNumber(sql, 1 - b)}::float8 + ${inlineNumber(sql, b)}::float8 * c.length / stats.average)`
}

function matching(sql: Sql, search: LexicalSearch, path: string | null): Fragment {
  const isWanted = path === null ? sql`true` : sql`${passesFilter(sql, path)} and not ${passesFew(sql)}`
  const wanted = sql`select c.id, c.terms, ${slowness(sql)} as slowness from stats cross join fetching f`
  const found = sql`${wanted} cross join chunks c where c.collection_id = ${inlineNumber(sql, search.collectionId)} and ${isWanted}`
  const among = sql`union all (${wanted} cross join few join chunks c on c.id = few.id where ${passesFew(sql)} and c.terms @@ f.any_word)`
  return sql`
    (${found} and c.terms @@ f.words limit ${inlineNumber(sql, maxScored)})
    union all
    (${found} and c.terms @@ f.alone and (f.words is null or not c.terms @@ f.words) limit ${inlineNumber(sql, fetchLimits(search).pairChunks)})
    ${path === null ? sql`` : among}`
}

function foundByExtension(sql: Sql, search: LexicalSearch, path: string | null): Fragment {
  return sql`
    select c.id, c.terms, ${slowness(sql)} as slowness
    from stats cross join (${textsearchCandidates(sql, search, path)}) k join chunks c on c.id = k.id`
}
