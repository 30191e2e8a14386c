-- older code: runs
-- Confidence from which questions of the collection are answered, as `askwell tune abstention` found it; null: that of the
-- service.
alter table collections add column if not exists abstention jsonb;
