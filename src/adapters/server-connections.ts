import type { Sql } from './postgres-client.ts'

/** Everybody who is connected to the server, other services and replicas of ours included. */
export interface ServerConnections {
  readonly maxConnections: number
  /** Of those, kept back for superusers and for who has `pg_use_reserved_connections`. */
  readonly reserved: number
  /** `other`: what the state of cannot be seen without `pg_read_all_stats`, and rarer states. */
  readonly byState: { readonly active: number; readonly idle: number; readonly idleInTransaction: number; readonly other: number }
  /** Askwell's, of all replicas. */
  readonly ours: number
  /** Left for anybody who is no superuser. */
  readonly free: number
  /** Null: no query of ours waits for a lock. */
  readonly lock: LockWait | null
}

export interface LockWait {
  /** Queries of ours that wait. */
  readonly waiting: number
  readonly longestMs: number
  /** Who holds what they wait for, in words: process number, application and state. */
  readonly heldBy: string
}

/** One round trip, and a second where something of ours waits for a lock. About a millisecond of the server's. */
export async function readServerConnections(sql: Sql): Promise<ServerConnections> {
  const [row] = await sql`
    select current_setting('max_connections')::int as max_connections,
      current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved,
      count(*)::int as total,
      count(*) filter (where state = 'active')::int as active,
      count(*) filter (where state = 'idle')::int as idle,
      count(*) filter (where state like 'idle in transaction%')::int as idle_in_transaction,
      count(*) filter (where application_name like 'askwell%')::int as ours,
      count(*) filter (where application_name like 'askwell%' and wait_event_type = 'Lock')::int as locked,
      coalesce(max(extract(epoch from clock_timestamp() - query_start)) filter (where application_name like 'askwell%' and wait_event_type = 'Lock'), 0)::float8 as locked_for
    from pg_stat_activity where backend_type = 'client backend'`
  const figure = (name: string) => Number(row?.[name])
  const [maxConnections, reserved, total, active, idle, idleInTransaction] = ['max_connections', 'reserved', 'total', 'active', 'idle', 'idle_in_transaction'].map(figure) as [number, number, number, number, number, number]
  const waiting = figure('locked')
  return {
    maxConnections,
    reserved,
    byState: { active, idle, idleInTransaction, other: total - active - idle - idleInTransaction },
    ours: figure('ours'),
    free: Math.max(0, maxConnections - reserved - total),
    lock: waiting === 0 ? null : { waiting, longestMs: Math.round(figure('locked_for') * 1000), heldBy: await lockHolders(sql) },
  }
}

async function lockHolders(sql: Sql): Promise<string> {
  const rows = await sql`
    select distinct holder.pid, coalesce(nullif(holder.application_name, ''), holder.usename, 'unknown') as name, coalesce(holder.state, 'unknown') as state
    from pg_stat_activity as waiting
      cross join lateral unnest(pg_blocking_pids(waiting.pid)) as blocking (pid)
      join pg_stat_activity as holder on holder.pid = blocking.pid
    where waiting.application_name like 'askwell%' and waiting.wait_event_type = 'Lock' and holder.wait_event_type is distinct from 'Lock'
    order by holder.pid limit 3`
  return rows.map(row => `process ${row['pid']} (${row['name']}, ${row['state']})`).join(', ') || 'somebody who is gone by now'
}
