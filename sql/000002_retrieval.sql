-- What retrieval needs beyond the rows themselves: a vocabulary that can be searched for words spelled alike,
-- terms that can be scored without unpacking them, a measured ef_search, and learned fusion weights.
create extension if not exists pg_trgm;
create extension if not exists btree_gin;
create extension if not exists fuzzystrmatch;

-- The collection first, so that a word is looked up in one vocabulary and not in those of all collections.
create index collection_terms_trigrams on collection_terms using gin (collection_id, term gin_trgm_ops);

-- BM25 reads terms of hundreds of chunks a question: kept in the row, and not compressed. (Rows written before
-- stay as they are, and right, until they are written again.)
alter table chunks alter column terms set storage external;
alter table chunks set (toast_tuple_target = 8160);

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
