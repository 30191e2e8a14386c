-- older code: runs
-- How the documents of a collection are divided into chunks, as far as it differs from the defaults (ingest/chunk-settings.ts),
-- and the two bytes that the settings have in the mark of a document (ingest/prepare.ts). Documents with others are outdated.
alter table collections add column if not exists chunk_settings jsonb not null default '{}';
alter table collections add column if not exists chunk_mark bytea not null default '\x0000';
