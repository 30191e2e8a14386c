import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../pool.ts'

/** Any number, the same in every process: who holds it migrates, the others wait and then find nothing to do. */
const lockKey = 7_273_913

const pauseMs = { first: 20, longest: 1000 } as const

/**
 * Runs `work` while this session, and no other, may migrate. The lock is asked for again and again rather than waited for: a
 * statement that waits holds a snapshot, and `create index concurrently` would wait for that. While it runs, no statement is
 * bounded, and one whose client has died is given up by the server, so that the next need not wait for it.
 */
export async function alone<T>(
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
    await sql`select set_config('statement_timeout', '0', false)`
    await watchClient(sql)
    return await work()
  } finally {
    // Of a session that is lost the server has already let go.
    await release(sql).catch(() => {})
  }
}

/** True also for a session that has it: a connection that was lost and opened again must not go on without. */
export async function takeLock(sql: Sql): Promise<boolean> {
  const [row] = await sql`select pg_try_advisory_lock(${lockKey}) as is_ours`
  return row?.['is_ours'] === true
}

/** Not every system can look whether a client is still there: then the statement is waited for. */
async function watchClient(sql: Sql): Promise<void> {
  await sql`
    do $$ begin
      perform set_config('client_connection_check_interval', '1000', false);
    exception when others then null;
    end $$`
}

async function release(sql: Sql): Promise<void> {
  await sql`select pg_advisory_unlock_all()`
  await sql`reset statement_timeout`
  await sql`reset client_connection_check_interval`
}
