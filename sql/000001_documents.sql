-- older code: refused
-- Collections, their documents, and what is searched: chunks with their terms and vectors.
create extension if not exists vector;

-- Which embedding models made vectors here. Vectors of two models are never compared.
create table embedding_models (
  id smallint generated always as identity primary key,
  name text not null unique,
  dimensions integer not null check (dimensions between 1 and 4000),
  created_at timestamptz not null default now()
);

-- chunk_count and term_count are BM25's N and Σ|d|, kept by every write in its own transaction.
-- epoch grows with every write, in the same transaction: what was read at one epoch is true of that epoch.
create table collections (
  id integer generated always as identity primary key,
  name text not null unique,
  model_id smallint references embedding_models,
  epoch bigint not null default 1,
  document_count bigint not null default 0,
  chunk_count bigint not null default 0,
  term_count bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- id is made from collection and source, so loading the same thing twice, anywhere, gives the same ids.
create table documents (
  id uuid primary key,
  collection_id integer not null references collections on delete cascade,
  source text not null,
  version integer not null default 1,
  hash bytea not null,
  title text not null,
  url text,
  language text not null,
  metadata jsonb not null default '{}',
  text text not null,
  checked_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (collection_id, source)
);

-- Offsets are UTF-16 code units of documents.text. terms holds every indexed term with its positions, as the
-- application analysed them; length counts the words that BM25 weighs a chunk's size by.
create table chunks (
  id bigint generated always as identity primary key,
  document_id uuid not null references documents on delete cascade,
  collection_id integer not null references collections on delete cascade,
  ordinal integer not null,
  start_at integer not null,
  end_at integer not null,
  title text not null,
  anchor text,
  page integer,
  language text not null,
  text text not null,
  terms tsvector not null,
  length integer not null,
  tokens integer not null,
  metadata jsonb not null default '{}',
  unique (document_id, ordinal)
);
create index chunks_collection on chunks (collection_id);
create index chunks_terms on chunks using gin (terms);
create index chunks_metadata on chunks using gin (metadata jsonb_path_ops);

-- A chunk longer than the model's limit has several windows; its best window counts. The column has no fixed
-- dimension because models differ. There is no approximate index yet: the nearest are found by an exact scan of
-- the collection.
create table chunk_vectors (
  chunk_id bigint not null references chunks on delete cascade,
  model_id smallint not null references embedding_models,
  collection_id integer not null references collections on delete cascade,
  window_number smallint not null,
  start_at integer not null,
  end_at integer not null,
  embedding halfvec not null,
  primary key (chunk_id, model_id, window_number)
);
create index chunk_vectors_collection on chunk_vectors (collection_id, model_id);

-- The collection's vocabulary: in how many chunks each term stands.
create table collection_terms (
  collection_id integer not null references collections on delete cascade,
  term text collate "C" not null,
  chunk_count integer not null,
  primary key (collection_id, term)
);

create table collection_languages (
  collection_id integer not null references collections on delete cascade,
  language text not null,
  chunk_count bigint not null,
  primary key (collection_id, language)
);
