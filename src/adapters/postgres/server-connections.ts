import type { Sql } from './client.ts'

/** All connections to the server, including those of other services and other replicas. */
export interface ServerConnections {
  readonly maxConnections: number
  /** Connections reserved for superusers and for roles with `pg_use_reserved_connections`. */
  readonly reserved: number
  /** `other`: connections whose state needs `pg_read_all_stats`, and rarer states. */
  readonly byState: {
    readonly active: number
    readonly idle: number
    readonly idleInTransaction: number
    readonly other: number
  }
  /** Connections of all Askwell processes to this database. */
  readonly ours: number
  /** Connections that this role may still open under the limits of the server, the database and the role. */
  readonly free: number
  /** Null when no query of Askwell waits for a lock. */
  readonly lock: LockWait | null
}

export interface LockWait {
  /** Queries of Askwell that wait. */
  readonly waiting: number
  readonly longestMs: number
  /** Description of the blocking processes: pid, application and state. */
  readonly heldBy: string
}

/**
 * One round trip, and another one if a query of Askwell waits for a lock. It reads shared memory and takes the server
 * about 1 ms. Only for a real server: the embedded one has a single connection.
 */
export async function readServerConnections(sql: Sql): Promise<ServerConnections> {
  const [row = {}] = await sql`
    with settings as (
      select current_setting('max_connections')::int as max_connections,
        current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true), '0')::int as reserved),
    seen as (
      select *, (application_name like 'askwell%' or application_name = current_setting('application_name')) and datname = current_database() as is_ours, wait_event_type = 'Lock' as is_locked
      from pg_stat_activity where backend_type = 'client backend'),
    counts as (
      select count(*) as every, count(*) filter (where state = 'active') as active, count(*) filter (where state = 'idle') as idle,
        count(*) filter (where state like 'idle in transaction%') as idle_in_transaction,
        count(*) filter (where datname = current_database()) as here,
        count(*) filter (where usename = current_user) as mine,
        count(*) filter (where is_ours) as ours,
        count(*) filter (where is_ours and is_locked) as locked,
        coalesce(max(extract(epoch from clock_timestamp() - query_start)) filter (where is_ours and is_locked), 0) as locked_for
      from seen)
    select settings.*, counts.*,
      (select datconnlimit from pg_database where datname = current_database()) as database_limit,
      (select rolconnlimit from pg_roles where rolname = current_user) as role_limit
    from settings, counts`
  const numberOf = (name: string) => Number(row[name])
  const [every, active, idle, idleInTransaction, waiting] = [
    'every',
    'active',
    'idle',
    'idle_in_transaction',
    'locked',
  ].map(numberOf) as [number, number, number, number, number]
  return {
    maxConnections: numberOf('max_connections'),
    reserved: numberOf('reserved'),
    byState: { active, idle, idleInTransaction, other: every - active - idle - idleInTransaction },
    ours: numberOf('ours'),
    free: Math.max(
      0,
      Math.min(
        numberOf('max_connections') - numberOf('reserved') - every,
        remainingOf(numberOf('database_limit'), numberOf('here')),
        remainingOf(numberOf('role_limit'), numberOf('mine')),
      ),
    ),
    lock:
      waiting === 0
        ? null
        : { waiting, longestMs: Math.round(numberOf('locked_for') * 1000), heldBy: await lockHolders(sql) },
  }
}

/** Postgres writes −1 for no limit. */
function remainingOf(limit: number, used: number): number {
  return limit < 0 ? Infinity : limit - used
}

async function lockHolders(sql: Sql): Promise<string> {
  const rows = await sql`
    select distinct holder.pid, coalesce(nullif(holder.application_name, ''), holder.usename, 'unknown') as name, coalesce(holder.state, 'unknown') as state
    from pg_stat_activity as waiting
      cross join lateral unnest(pg_blocking_pids(waiting.pid)) as blocking (pid)
      join pg_stat_activity as holder on holder.pid = blocking.pid
    where (waiting.application_name like 'askwell%' or waiting.application_name = current_setting('application_name')) and waiting.wait_event_type = 'Lock' and holder.wait_event_type is distinct from 'Lock'
    order by holder.pid limit 3`
  return (
    rows.map(row => `process ${row['pid']} (${row['name']}, ${row['state']})`).join(', ') || 'a process that has ended'
  )
}
