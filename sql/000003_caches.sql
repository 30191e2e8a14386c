-- older code: runs
-- What the answer cache needs of the database: who is told of a write, what a collection keeps how long, and the
-- questions that a similar one may share its answer with.

-- {"seconds": 300, "fast_seconds": 1800, "near": false}; what is not here goes by the service's settings.
alter table collections add column cache_settings jsonb not null default '{}';

-- Every replica listens. A message may be lost, and none is needed to be right: a replica trusts what it knows of a
-- collection only for a moment, and a writer's reply waits that moment out. With the message it knows at once.
create function tell_collection() returns trigger language plpgsql as $$
begin
  perform pg_notify('askwell_collection', coalesce(new.name, old.name));
  return null;
end $$;
create trigger collections_tell after insert or update or delete on collections
  for each row execute function tell_collection();

-- Cached questions by what must be equal (partition: a digest of collection, epoch, filters, settings, …; gist: of the
-- content words). Lost with a crash: it is a cache.
create unlogged table cached_questions (
  partition bytea not null,
  gist bytea not null,
  -- Of the answer, in the answer cache.
  key text not null,
  collection_id integer not null references collections on delete cascade,
  model text not null,
  question text not null,
  embedding halfvec not null,
  expires_at timestamptz not null,
  primary key (partition, gist, key)
);
create index cached_questions_expiry on cached_questions (expires_at);
create index cached_questions_collection on cached_questions (collection_id);

-- What is known of how often a similar question of the same gist has the same answer.
create table near_observations (
  id bigint generated always as identity primary key,
  model text not null,
  similarity real not null,
  is_right boolean not null,
  observed_at timestamptz not null default now()
);
create index near_observations_model on near_observations (model, id);
