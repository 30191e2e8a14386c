-- older code: runs
-- When a model was found to make other vectors than those that are stored under its name, and what was found
-- (ingest/model-check.ts). Null while they are alike. The row of such a model is renamed when the first collection is
-- re-embedded: the name belongs to what the model makes now.
alter table embedding_models add column if not exists changed_at timestamptz, add column if not exists changed jsonb;
