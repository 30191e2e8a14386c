import { randomUUID } from 'node:crypto'
import { AskError } from '../../errors.ts'
import { startDeadline } from '../../resilience/deadline.ts'
import { openClient, openLimitMs } from './client.ts'
import { databaseError } from './errors.ts'
import type { Servers } from './servers.ts'

/**
 * Rejects if a pooler hands a connection to another client between statements (PgBouncer's transaction mode). Settings of
 * the session are then lost, and cancelling a query by its backend's pid would cancel somebody else's. The test holds a
 * second connection: a setting must still be present on the first and absent on the second. Both are bare, because
 * settings of ours would stay on connections that others use.
 */
export async function rejectSharedConnections(servers: Servers, signal: AbortSignal): Promise<void> {
  const open = () => openClient(servers, { name: 'askwell', statementTimeoutMs: 0, isBare: true })
  const [one, other] = [open(), open()]
  const limitMs = openLimitMs(servers.address)
  const limit = startDeadline('opening a database connection', limitMs, signal)
  try {
    const isShared = await Promise.race([areShared(one.sql, other.sql), limit.expired])
    if (isShared) throw new AskError('database_unavailable', { detail: transactionMode })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw limit.signal.aborted ? silent(limitMs, error) : databaseError(error)
  } finally {
    limit.stop()
    for (const client of [one, other]) void client.end(1000)
  }
}

const transactionMode =
  'the connection pooler in front of the database shares connections between statements (transaction mode), so one request could cancel the queries of others: ' +
  'set it to session mode, or point DATABASE_URL at the database itself'

type Sql = ReturnType<typeof openClient>['sql']

async function areShared(one: Sql, other: Sql): Promise<boolean> {
  const token = randomUUID()
  await one`select set_config('askwell.session', ${token}, false)`
  const [theirs, ours] = await other.begin(async held => [
    await held`select current_setting('askwell.session', true) as token`,
    await one`select current_setting('askwell.session', true) as token`,
  ])
  return ours?.[0]?.['token'] !== token || theirs?.[0]?.['token'] === token
}

function silent(limitMs: number, cause: unknown): AskError {
  return new AskError('database_unavailable', {
    detail: `The database did not respond within ${limitMs / 1000} s; check DATABASE_URL.`,
    retryAfter: 1,
    cause,
  })
}
