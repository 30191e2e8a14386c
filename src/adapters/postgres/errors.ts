import postgres from 'postgres'
import { AskError, isAskError } from '../../errors.ts'

/** postgres.js and socket codes that mean: no server, or not this connection any more. */
const connectionCodes = new Set([
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // Nothing is wrong with the server: this process or machine has no descriptor, port or memory left for a connection.
  'EMFILE',
  'ENFILE',
  'EADDRNOTAVAIL',
  'ENOBUFS',
])

/** SQLSTATEs of a server that is there but cannot serve: shutting down, starting, out of connections. */
const unavailableStates = new Set(['57P01', '57P02', '57P03', '57P04', '57P05', '53300'])
const unavailableClasses = new Set(['08', '53', '58'])

/**
 * SQLSTATEs of a server that is there and lets us not in: wrong user, password (28…) or database (3D…), no right to connect,
 * `allow_connections false` (55000), a setting in DATABASE_URL that it does not know (42704) or whose value it rejects (22…).
 */
const refusals = /^(22|28|3D|42501|42704|55000)/

/** Of connecting, not of a statement. */
export function isRefusal(error: unknown): error is Error {
  return isFatal(error) && refusals.test(error.code)
}

function isFatal(error: unknown): error is postgres.PostgresError {
  return error instanceof postgres.PostgresError && (error.severity === 'FATAL' || error.severity === 'PANIC')
}

const poolersRefusal =
  'the connection pooler in front of the database takes not all that Askwell sets: ' +
  'write ignore_startup_parameters = statement_timeout,plan_cache_mode into its configuration; Askwell then sets them itself'

/** PgBouncer's words, of which not even the code is one of Postgres. */
function isPoolersRefusal(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.message.startsWith('unsupported startup parameter')
}

/** SQLSTATEs of something missing: a prepared statement, schema, column, type, operator or function, or table. */
const missingStates = new Set(['26000', '3F000', '42703', '42704', '42883', '42P01'])
/** XX000 also means other things. Postgres never translates its messages. */
const missingMessage = /^(cache lookup failed|could not open relation with OID)/

/**
 * A session keeps plans and catalogue numbers of what it has used. After a restore in place they belong to objects that
 * were dropped, and the session fails until it is replaced. While a restore runs, something may be missing for every session.
 */
export function isStaleSession(error: unknown): boolean {
  if (!(error instanceof postgres.PostgresError) || error.severity === 'FATAL') return false
  if (error.code === 'XX000') return missingMessage.test(error.message)
  // "cached plan must not change result type"
  if (error.code === '0A000') return error.routine === 'RevalidateCachedQuery'
  return missingStates.has(error.code)
}

function staleSession(cause: unknown): AskError {
  const detail =
    'the database lacks something that Askwell created in it, or it was replaced a moment ago, as by a restore; if this lasts, finish the restore and run askwell migrate'
  return new AskError('database_unavailable', { detail, retryAfter: 1, kind: staleKind, cause })
}

/** Rolled back in favour of another transaction: a deadlock, or a standby that replays what the query reads. */
const yieldedStates = new Set(['40001', '40P01'])

function yielded(cause: unknown): AskError {
  const detail = 'the database rolled back a transaction that conflicted with another; try again'
  return new AskError('database_unavailable', { detail, retryAfter: 1, kind: yieldedKind, cause })
}

const staleKind = 'stale-session'
const yieldedKind = 'conflict'

/** The server itself is well: another try on another connection is likely to succeed. */
export function isPassing(error: unknown): boolean {
  return isAskError(error, 'database_unavailable') && (error.kind === staleKind || error.kind === yieldedKind)
}

/** A standby, or a server that was told to take no writes. */
const readOnlyState = '25006'

export function readOnlyDatabase(cause?: unknown): AskError {
  const detail =
    'the database takes no writes at present: it is a standby, or was made read-only; questions are answered meanwhile'
  return new AskError('database_read_only', { detail, retryAfter: 5, ...(cause !== undefined && { cause }) })
}

/** 57014 without our own cancel: the server's `statement_timeout`, our backstop. */
const queryCanceled = '57014'

/** Turns what the driver throws into our words; the driver's error stays as `cause`. */
export function databaseError(error: unknown): unknown {
  if (isAskError(error)) return error
  // Without a time to try again: waiting does not mend it, somebody must.
  if (isRefusal(error))
    return new AskError('database_unavailable', { detail: 'the database does not let Askwell in', cause: error })
  if (isPoolersRefusal(error)) return new AskError('database_unavailable', { detail: poolersRefusal, cause: error })
  if (isStaleSession(error)) return staleSession(error)
  const code = codeOf(error)
  if (code === undefined) return error
  if (code === queryCanceled)
    return new AskError('deadline_exceeded', { detail: 'a database query took too long', cause: error })
  if (yieldedStates.has(code)) return yielded(error)
  if (code === readOnlyState) return readOnlyDatabase(error)
  // FATAL, whatever the code: this session has ended.
  const isDown =
    isFatal(error) ||
    connectionCodes.has(code) ||
    unavailableStates.has(code) ||
    unavailableClasses.has(code.slice(0, 2))
  return isDown ? new AskError('database_unavailable', { retryAfter: 1, cause: error }) : error
}

export function codeOf(error: unknown): string | undefined {
  if (error instanceof postgres.PostgresError) return error.code
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** SQLSTATEs of values that a table cannot hold: of a wrong form (22), against a rule (23), beyond a limit (54). */
const rowFaults = /^(?:22|23|54)/

/** Why rows cannot be stored, or null when something else has failed. A statement of more than V8's longest string is one. */
export function rowFault(error: unknown): string | null {
  if (error instanceof RangeError) return 'is too large to be written'
  return error instanceof postgres.PostgresError && rowFaults.test(error.code)
    ? `the database does not take it: ${error.message}`
    : null
}

/**
 * What an operator would look for; labels of metrics. `silent`: connected or not, nothing came; `lost`: connections were
 * closed under us; `login`: a wrong password, name or database.
 */
export const databaseFaults = [
  'unreachable',
  'silent',
  'starting',
  'lost',
  'login',
  'too_many_connections',
  'read_only',
  'disk_full',
  'out_of_resources',
  'broken',
  'statement_timeout',
  'deadlock',
] as const
export type DatabaseFault = (typeof databaseFaults)[number]

const faultsByCode: Readonly<Record<string, DatabaseFault>> = {
  CONNECT_TIMEOUT: 'silent',
  ETIMEDOUT: 'silent',
  ECONNREFUSED: 'unreachable',
  ENOENT: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  CONNECTION_CLOSED: 'lost',
  ECONNRESET: 'lost',
  EPIPE: 'lost',
  '57P01': 'lost',
  '57P02': 'lost',
  '57P04': 'lost',
  '57P05': 'lost',
  '57P03': 'starting',
  '53300': 'too_many_connections',
  '25006': 'read_only',
  '53100': 'disk_full',
  '40P01': 'deadlock',
  [queryCanceled]: 'statement_timeout',
}
const faultsByClass: Readonly<Record<string, DatabaseFault>> = {
  '08': 'lost',
  28: 'login',
  '3D': 'login',
  53: 'out_of_resources',
  58: 'broken',
  XX: 'broken',
}

/** Null: nothing is wrong with the server, or nothing that can be said. */
export function databaseFault(error: unknown): DatabaseFault | null {
  const met = isAskError(error) ? error.cause : error
  if (isStaleSession(met)) return null
  if (isRefusal(met)) return 'login'
  const code = codeOf(met)
  return code === undefined ? null : (faultsByCode[code] ?? faultsByClass[code.slice(0, 2)] ?? null)
}
