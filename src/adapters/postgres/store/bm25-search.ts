import type { Fragment, Sql } from '../database.ts'
import { passesFew } from './filter-prescan.ts'
import { passesFilter } from './filters.ts'
import { inlineNumber } from '../inline-number.ts'
import { type Bm25, textsearchCandidates } from './textsearch.ts'
import type { QueryTerm } from '../../../ask/terms.ts'

export interface LexicalSearch {
  readonly collectionId: number
  readonly terms: readonly QueryTerm[]
  readonly bm25: Bm25
  /** In the collection. */
  readonly chunkCount: number
  /** Rows wanted. */
  readonly limit: number
}

/** How far the words of a question are followed; all numbers are of chunks. */
interface Reach {
  /** That rare words may fetch, together. */
  readonly alone: number
  /** That pairs of common words may fetch, together, and how many may be gone through to find them. */
  readonly inPairs: number
  readonly lookedThrough: number
}

/** Here a word of the question is in a good part of all chunks, and all of them cost little. */
const small: Reach = { alone: 500, inPairs: 500, lookedThrough: 5000 }
/**
 * At 100,000 chunks the five best of both arms are .96 of those that scoring every match gives, the first always, at a
 * thirtieth of the work.
 */
const large: Reach = { alone: 200, inPairs: 300, lookedThrough: 3000 }

function reachOf({ chunkCount }: LexicalSearch): Reach {
  return chunkCount <= 5000 ? small : large
}

/** Two words of one question stand together this many times as often as chance has it. */
const togetherness = 4
/** Whatever was expected, no more are scored. */
const scoredAtMost = 5000
/** Unknown words of one question that are looked up among all words of the collection: it takes milliseconds a word. */
const correctedAtMost = 6
/** Likeness from which a correction counts as what was asked: below it, it may be another word, and fetches only. */
const plainlyMeant = 0.8
/** BM25's usual constants; nDCG@10 moves by .01 at most over k1 .9–2 and b .4–.9. */
const k1 = 1.2
const b = 0.75

/**
 * CTEs up to `lexical (id, score, coverage)`. The question's words are joined by OR (AND finds nothing for most
 * natural questions) and ranked by BM25 with query term counts (Robertson & Zaragoza 2009) from the collection's own
 * exact statistics.
 */
export function bm25Search(sql: Sql, search: LexicalSearch, path: string | null): Fragment {
  return sql`
    stats as materialized (
      select greatest(chunk_count, 1)::float8 as n, greatest(term_count, 1)::float8 / greatest(chunk_count, 1) as average
      from collections where id = ${inlineNumber(sql, search.collectionId)}),
    ${askedTerms(sql, search)},
    ${search.bm25 === 'portable' ? sql`${fetchingWords(sql, reachOf(search))},` : sql``}
    best as (
      select c.id, c.terms, (
        select sum(a.gain - a.gain * c.slowness / (term_frequency(c.terms, a.word) + c.slowness)) from asked a where c.terms @@ a.word) as score
      from (${search.bm25 === 'portable' ? matching(sql, search, path) : foundByExtension(sql, search, path)}) c
      order by score desc nulls last, c.id limit ${inlineNumber(sql, search.limit)}),
    lexical as (
      select b.id, b.score, coalesce(least(1, (select coalesce(sum(a.gain), 0) from asked a where a.is_content and b.terms @@ a.word)
        / nullif((select ${inlineNumber(sql, k1 + 1)}::float8 * worth from worth), 0)), 0) as coverage
      from best b where b.score is not null)`
}

/**
 * `asked (term, word, gain, is_content, df)`: the words that the collection knows, with their idf, and for a word it
 * does not know up to two of its own that are spelled nearly so (never for a known word): alike by trigrams, or the
 * stem of what is typed with a letter left out or two swapped. `worth` is what a chunk with all content words gains.
 */
function askedTerms(sql: Sql, { collectionId, terms }: LexicalSearch): Fragment {
  const spellings = terms.flatMap(({ spellings }, place) => spellings.map(spelling => ({ spelling, place: place + 1 })))
  return sql`
    typed as materialized (
      select u.*, k.chunk_count as df, k.term is null and u.is_correctable
          and count(*) filter (where k.term is null and u.is_correctable) over (order by u.place) <= ${inlineNumber(sql, correctedAtMost)} as is_unknown
      from unnest(${terms.map(t => t.term)}::text[], ${terms.map(t => t.count)}::float8[], ${flags(terms.map(t => t.isContent))}::text[]::bool[],
        ${flags(terms.map(t => t.isSpare))}::text[]::bool[], ${flags(terms.map(t => t.isCorrectable))}::text[]::bool[])
        with ordinality as u(term, count, is_content, is_spare, is_correctable, place)
      left join collection_terms k on k.collection_id = ${inlineNumber(sql, collectionId)} and k.term = u.term),
    read_as as materialized (
      select term, is_content as is_wanted, is_content, is_spare, coalesce(df, 0)::float8 as df, count as weight, 1 as rank from typed where not is_unknown
      union all
      select coalesce(f.term, t.term), t.is_content, t.is_content and coalesce(f.likeness >= ${inlineNumber(sql, plainlyMeant)}::float8, true), t.is_spare, coalesce(f.df, 0),
        t.count * coalesce(f.likeness, 1), coalesce(f.rank, 1)
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
      select term, ('''' || replace(replace(term, '\\', '\\\\'), '''', '''''') || '''')::tsquery as word, df, is_content,
        ${inlineNumber(sql, k1 + 1)}::float8 * weight * ${idf(sql)} as gain
      from stats, (
        select term, sum(weight) as weight, bool_or(is_content) as is_content, max(df) as df from read_as
        where df > 0 and (not is_spare or not exists (select from read_as where df > 0 and not is_spare))
        group by term) as each),
    worth as (
      select sum(case when is_content then weight * ${idf(sql)} else ln(2 * n + 2) end) as worth from read_as, stats where is_wanted and rank = 1)`
}

function idf(sql: Sql): Fragment {
  return sql`ln(1 + (n - least(df, n) + 0.5) / (df + 0.5))`
}

/** As text: postgres.js declares an array by its first member, and would make of booleans one boolean. */
function flags(values: readonly boolean[]): string[] {
  return values.map(String)
}

/**
 * `fetching (words, alone, any_word)`: what a chunk must hold to be scored. Rare words fetch alone, common ones in pairs: a chunk
 * with one common word of the question and nothing else of it is not among the best. Where no word is rare, the rarest
 * fetches alone as well, up to a bound. `any_word` is for where the filter leaves few chunks to score.
 */
function fetchingWords(sql: Sql, { alone, inPairs, lookedThrough }: Reach): Fragment {
  return sql`
    ordered as materialized (
      select term, word, df, sum(df) over by_df as running, sum(df) over by_df <= ${inlineNumber(sql, alone)} as is_rare, row_number() over by_df = 1 as is_rarest
      from asked window by_df as (order by df, term)),
    fetching as materialized (
      select (
        select string_agg(words, ' | ')::tsquery from (
          select word::text as words from ordered where is_rare
          union all
          select words from (
            select '(' || x.word::text || ' & ' || y.word::text || ')' as words,
              sum(x.df * y.df / n * ${inlineNumber(sql, togetherness)}::float8 + 1) over (order by x.df * y.df, x.term, y.term) as running
            from stats, ordered x join ordered y on x.term < y.term
            where not x.is_rare and not y.is_rare and least(x.running, y.running) <= ${inlineNumber(sql, lookedThrough)}) as pairs
          where running <= ${inlineNumber(sql, inPairs)}) as any_of) as words,
        (select word from ordered where is_rarest and not is_rare) as alone,
        (select string_agg(word::text, ' | ')::tsquery from ordered) as any_word)`
}

/** How slowly repeating a word gains in a chunk of this length. */
function slowness(sql: Sql): Fragment {
  return sql`${inlineNumber(sql, k1)}::float8 * (${inlineNumber(sql, 1 - b)}::float8 + ${inlineNumber(sql, b)}::float8 * c.length / stats.average)`
}

function matching(sql: Sql, search: LexicalSearch, path: string | null): Fragment {
  const isWanted = path === null ? sql`true` : sql`${passesFilter(sql, path)} and not ${passesFew(sql)}`
  const wanted = sql`select c.id, c.terms, ${slowness(sql)} as slowness from stats cross join fetching f`
  const found = sql`${wanted} cross join chunks c where c.collection_id = ${inlineNumber(sql, search.collectionId)} and ${isWanted}`
  const among = sql`union all (${wanted} cross join few join chunks c on c.id = few.id where ${passesFew(sql)} and c.terms @@ f.any_word)`
  return sql`
    (${found} and c.terms @@ f.words limit ${inlineNumber(sql, scoredAtMost)})
    union all
    (${found} and c.terms @@ f.alone and (f.words is null or not c.terms @@ f.words) limit ${inlineNumber(sql, reachOf(search).inPairs)})
    ${path === null ? sql`` : among}`
}

function foundByExtension(sql: Sql, search: LexicalSearch, path: string | null): Fragment {
  return sql`
    select c.id, c.terms, ${slowness(sql)} as slowness
    from stats cross join (${textsearchCandidates(sql, search, path)}) k join chunks c on c.id = k.id`
}
