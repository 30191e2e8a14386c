import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../pool.ts'
import { withoutStatementTimeout } from '../session.ts'

/**
 * An arbitrary number, equal in all processes. The process that has this lock migrates; the others wait and then find
 * nothing to do.
 */
const lockKey = 7_273_913

const pauseMs = { first: 20, longest: 1000 } as const

/**
 * Runs `work` while this session alone may migrate. The lock is polled rather than waited for: a waiting statement has
 * a snapshot, for which `create index concurrently` would wait. Statements are unbounded meanwhile, and the server
 * cancels one whose client has died, so that the next process need not wait for it.
 */
export async function exclusively<T>(
  sql: Sql,
  work: () => Promise<T>,
  { signal, onWait }: { readonly signal?: AbortSignal | undefined; readonly onWait?: (() => void) | undefined },
): Promise<T> {
  for (
    let pause: number = pauseMs.first, tries = 0;
    !(await takeLock(sql));
    pause = Math.min(2 * pause, pauseMs.longest), tries++
  ) {
    if (tries === 0) onWait?.()
    await sleep(pause, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
  }
  try {
    await watchClient(sql)
    return await withoutStatementTimeout(sql, work)
  } finally {
    // The server has already released the lock of a lost session.
    await release(sql).catch(() => {})
  }
}

/**
 * Also true if this session already has the lock: a connection that was lost and reopened must not continue without it.
 */
export async function takeLock(sql: Sql): Promise<boolean> {
  const [row] = await sql`select pg_try_advisory_lock(${lockKey}) as is_ours`
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
