-- older code: runs
-- The sentences, list items and table rows of a chunk with their vectors, packed (vectors/packed-units.ts). A chunk of older
-- code has no row until it is written again or re-embedded; one whose text has no unit has an empty one.
-- In the row and not compressed, as other vectors: a question reads those of dozens of chunks.
create table if not exists chunk_units (
  chunk_id bigint not null references chunks on delete cascade,
  model_id smallint not null references embedding_models,
  collection_id integer not null references collections on delete cascade,
  units bytea not null,
  primary key (chunk_id, model_id)
);
alter table chunk_units alter column units set storage external, set (toast_tuple_target = 8160);
create index if not exists chunk_units_collection on chunk_units (collection_id, model_id);
