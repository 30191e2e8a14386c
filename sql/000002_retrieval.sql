-- older code: refused
-- What retrieval needs beyond the rows themselves: a vocabulary that can be searched for words spelled alike,
-- terms that can be scored without unpacking them, a measured ef_search, and learned fusion weights.
create extension if not exists pg_trgm;
create extension if not exists btree_gin;
create extension if not exists fuzzystrmatch;

-- The collection first, so that a word is looked up in one vocabulary and not in those of all collections.
-- Words alone: numbers are not misspelled, and pairs (Vietnamese) follow from their words.
create index collection_terms_trigrams on collection_terms using gin (collection_id, term gin_trgm_ops)
  where term !~ '[0-9_]';

-- BM25 reads terms of hundreds of chunks a question: kept in the row, and not compressed. (Rows written before
-- stay as they are, and right, until they are written again.)
alter table chunks alter column terms set storage external;
alter table chunks set (toast_tuple_target = 8160);

-- How many vectors the collection has: how far to look for fifty chunks, and whether an index would pay.
alter table collections add column window_count bigint not null default 0;
update collections c set window_count = (select count(*) from chunk_vectors v where v.collection_id = c.id and v.model_id = c.model_id);

-- Smallest hnsw.ef_search that reached the wanted recall when `askwell tune recall` last measured it.
alter table collections add column ef_search integer check (ef_search between 1 and 1000);

-- Share of the vector arm, learned by `askwell eval --learn` from questions with known answers; language as in
-- chunks. What is not here has the weight that ships with Askwell.
create table fusion_weights (
  model text not null,
  language text not null,
  vector_weight real not null check (vector_weight between 0 and 1),
  questions integer not null,
  learned_at timestamptz not null default now(),
  primary key (model, language)
);

-- How often a word stands in terms, 0 when it does not, without unpacking them: ts_rank of one word with positions of
-- weight D is 0.1 · Σ 1/i² / 1.64493406685 over its occurrences i = 1…tf (calc_rank_or in tsrank.c, the same since
-- Postgres 8.3); the sum of the rest of that series after tf is 1/(tf + ½) as near as rounding needs.
create function term_frequency(terms tsvector, word tsquery) returns float8 language sql immutable parallel safe
  return round(1 / (1.64493406685 - 16.4493406685 * ts_rank(terms, word)::float8) - 0.5);
