-- older code: runs
-- Collections whose units are being embedded in the background, and by whom. A row is there from the first batch until
-- nothing is missing, so one that is left shows that a process ended in the middle.
create table if not exists unit_fillings (
  collection_id integer not null references collections on delete cascade,
  model_id smallint not null references embedding_models,
  -- Chunks that still had no units when this was last written.
  remaining integer not null,
  claimed_by uuid,
  claimed_until timestamptz,
  primary key (collection_id, model_id)
);
