-- older code: refused
-- without a transaction
-- Metadata is kept once, with its document, and found there. chunks.metadata stays for the replicas of the version before
-- while they are replaced one by one: this version neither writes nor reads it, and documents that it writes are not found by
-- the filters of older ones (therefore refused). A later migration drops the column.
-- One that was cut short while it was built is there and is of no use: so each begins from nothing.
drop index concurrently if exists documents_metadata;
create index concurrently documents_metadata on documents using gin (metadata jsonb_path_ops);

-- Stored before metadata was bounded (16 kB): the monitoring counts them. As text, which is a little more than what was sent.
drop index concurrently if exists documents_large_metadata;
create index concurrently documents_large_metadata on documents (id) where octet_length(metadata::text) > 16384;

drop index concurrently if exists chunks_metadata;
