-- older code: runs
-- What was measured of a collection and the model of its vectors (ask/calibration); model 0 is none. A row without `measured`
-- only says who is measuring: `claimed_until` has passed when that process has ended without a result.
create table if not exists calibrations (
  collection_id integer not null references collections on delete cascade,
  model_id smallint not null,
  measured jsonb,
  measured_at timestamptz,
  claimed_by uuid,
  claimed_until timestamptz,
  primary key (collection_id, model_id)
);

-- The span of similarities that a learned weight goes with. Weights were learned with the span that the model's name had in
-- a table until now; with it they mean what they meant.
alter table fusion_weights add column if not exists span real check (span > 0);
update fusion_weights set span = case regexp_replace(regexp_replace(regexp_replace(regexp_replace(model, '^onnx:', ''), '#.*$', ''), ' \+ .*$', ''), '^.*/', '')
  when 'use-lite-en' then 0.4
  when 'text-embedding-3-small' then 0.35
  when 'text-embedding-3-large' then 0.35
  when 'multilingual-e5-small' then 0.1
  else 0.3 end
where span is null;
