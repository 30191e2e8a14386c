import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../pool.ts'
import { withoutStatementTimeout } from '../session.ts'
import type { AskError } from '../../../errors.ts'
import { unavailable } from './applied.ts'

/**
 * An arbitrary number, equal in all processes. The process that has this lock migrates; the others wait and then find
 * nothing to do.
 */
export const migrationLock = 7_273_913

const pauseMs = { first: 20, longest: 1000 } as const

interface Turn {
  readonly signal?: AbortSignal | undefined
  /** Called once if another process is migrating. */
  readonly onWait?: (() => void) | undefined
  /** How long to wait for the other process; no limit if undefined. */
  readonly patienceMs?: number | undefined
}

/**
 * Runs `work` while this session alone may migrate. The lock is polled rather than waited for: a waiting statement has
 * a snapshot, for which `create index concurrently` would wait. Statements are unbounded meanwhile, and the server
 * cancels one whose client has died, so that the next process need not wait for it.
 */
export async function exclusively<T>(sql: Sql, work: () => Promise<T>, turn: Turn): Promise<T> {
  await waitForTurn(sql, turn)
  try {
    await watchClient(sql)
    return await withoutStatementTimeout(sql, work)
  } finally {
    // The server has already released the lock of a lost session.
    await release(sql).catch(() => {})
  }
}

async function waitForTurn(sql: Sql, { signal, onWait, patienceMs = Infinity }: Turn): Promise<void> {
  const endsAt = performance.now() + patienceMs
  for (let pause: number = pauseMs.first, tries = 0; !(await takeLock(sql)); tries++) {
    if (tries === 0) onWait?.()
    const leftMs = endsAt - performance.now()
    if (leftMs <= 0) throw await stillMigrating(sql, patienceMs)
    await sleep(Math.min(pause, leftMs), undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
    pause = Math.min(2 * pause, pauseMs.longest)
  }
}

/** Names the holder of the lock, because a session that hangs keeps it for ever. */
async function stillMigrating(sql: Sql, patienceMs: number): Promise<AskError> {
  const [holder] = await sql`
    select a.pid, a.application_name as name, coalesce(host(a.client_addr), 'a local socket') as address, a.state
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = ${migrationLock} and l.objsubid = 1
      and l.database = (select oid from pg_database where datname = current_database())`
  const [who, end] = holder
    ? [
        ` (${String(holder['name'])} from ${String(holder['address'])}, ${String(holder['state'])})`,
        `select pg_terminate_backend(${String(holder['pid'])})`,
      ]
    : ['', 'select pg_terminate_backend(PID)']
  return unavailable(
    `another process${who} has been migrating the database for more than ${Math.ceil(patienceMs / 1000)} s: wait until it has finished and start again, or raise START_TIMEOUT_SECONDS; if it hangs, end its session with: ${end}`,
  )
}

/**
 * Also true if this session already has the lock: a connection that was lost and reopened must not continue without it.
 */
export async function takeLock(sql: Sql): Promise<boolean> {
  const [row] = await sql`select pg_try_advisory_lock(${migrationLock}) as is_ours`
  return row?.['is_ours'] === true
}

/** Not every system supports this check; without it the statement is waited for. */
async function watchClient(sql: Sql): Promise<void> {
  await sql`
    do $$ begin
      perform set_config('client_connection_check_interval', '1000', false);
    exception when others then null;
    end $$`
}

async function release(sql: Sql): Promise<void> {
  await sql`select pg_advisory_unlock_all()`
  await sql`reset client_connection_check_interval`
}
