-- older code: runs
-- A chunk that joins small sections keeps the heading, anchor and page of each, and one that begins within a table keeps the
-- table's header row. Chunks of earlier versions have neither.
alter table chunks add column if not exists sections jsonb;
alter table chunks add column if not exists table_header text;
