-- older code: runs
-- without a transaction
-- What a document was made from, compressed, so that newer readers reach it without its file or its client
-- (ingest/originals.ts). `hash` is that of the document it belongs to: an older version replaces a document and leaves
-- this row, which is then of no use.
create table if not exists originals (
  document_id uuid primary key references documents on delete cascade,
  hash bytea not null,
  kind text not null check (kind in ('given', 'file', 'sections')),
  content bytea not null
);
alter table originals alter column content set storage external;

-- The version of preparation is in the first four bytes of a hash of 36; older hashes have 32 (ingest/prepare.ts). What is
-- outdated is counted and found without reading what is not.
drop index concurrently if exists documents_preparation;
create index concurrently documents_preparation on documents
  (collection_id, (case when octet_length(hash) = 36 then substring(hash for 4) else ''::bytea end));
