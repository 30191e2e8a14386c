-- older code: runs
-- Three identities: numbers of models and collections that do not run out, a name of the database that no other database
-- has, and a mark of each epoch that no other history of the collection has.
-- Searches go on meanwhile: no lock here is stronger than share row exclusive, which those who only read do not meet.

-- An insert that is under way has a number that nobody else sees yet: it is waited for.
lock table embedding_models in share row exclusive mode;
lock table collections in share row exclusive mode;

-- Every write used to burn a number of each. Where numbers are short, numbering goes on after the largest, or, when that is
-- near the end itself, in the largest gap. Models are never deleted, so their numbers are given back in any case; that of a
-- deleted collection only where half of all numbers are gone, for older code may remember its answers.
do $$
declare
  numbered record;
  sequence text;
  reached bigint;
  largest bigint;
  first_free bigint;
begin
  for numbered in select * from (values ('embedding_models', 32767::bigint, 0::bigint), ('collections', 2147483647, 1073741823)) each(relation, last, untouched)
  loop
    sequence := pg_get_serial_sequence(numbered.relation, 'id');
    execute format('select last_value from %s', sequence) into reached;
    continue when reached <= numbered.untouched;
    execute format('select coalesce(max(id), 0) from %I', numbered.relation) into largest;
    first_free := largest + 1;
    if numbered.last - largest < numbered.last / 16 then
      execute format(
        'select first from (
          select id + 1 as first, lead(id) over (order by id) - id - 1 as size
          from (select id::bigint from %I union all values (0), (%s)) used) gaps
        where size > 0 order by size desc, first limit 1', numbered.relation, numbered.last + 1) into first_free;
    end if;
    if first_free is not null then
      perform setval(sequence, first_free, false);
    end if;
  end loop;
end $$;

-- Part of the database's name (adapters/database-name.ts), which is in every key that it shares with others. Its other
-- parts do not travel with a dump.
create table database_identity (
  id uuid primary key default gen_random_uuid()
);
create unique index database_identity_single on database_identity ((true));
insert into database_identity default values;

-- Drawn anew whenever the epoch changes. After a restore or a failover an epoch may be counted a second time, for other
-- documents: its mark is another. Not a column of collections, which could not be added while it is read.
create table epoch_marks (
  collection_id integer primary key references collections on delete cascade,
  mark uuid not null default gen_random_uuid()
);
insert into epoch_marks (collection_id) select id from collections;

create function mark_epoch() returns trigger language plpgsql set search_path from current as $$
begin
  insert into epoch_marks (collection_id) values (new.id) on conflict (collection_id) do update set mark = gen_random_uuid();
  return null;
end $$;
create trigger collections_mark_new after insert on collections
  for each row execute function mark_epoch();
create trigger collections_mark after update on collections
  for each row when (old.epoch is distinct from new.epoch) execute function mark_epoch();
