import postgres from 'postgres'
import { AskError, isAskError } from '../../errors.ts'
import type { DatabaseFault } from '../../faults.ts'
import { insufficientPrivilege, missingRight } from './missing-right.ts'

/** A lock was not free within `lock_timeout`. */
export const lockNotAvailable = '55P03'

/** postgres.js and socket codes for a missing server or a lost connection. */
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
  // The server is fine, but this process or machine has no free descriptor, port or memory for a connection.
  'EMFILE',
  'ENFILE',
  'EADDRNOTAVAIL',
  'ENOBUFS',
])

/** SQLSTATEs of a server that is up but cannot serve: shutting down, starting, out of connections. */
const unavailableStates = new Set(['57P01', '57P02', '57P03', '57P04', '57P05', '53300'])
const unavailableClasses = new Set(['08', '53', '58'])

/**
 * SQLSTATEs of a server that is up and rejects us: wrong user, password (28…) or database (3D…), no right to connect,
 * `allow_connections false` (55000), or a parameter in DATABASE_URL.
 */
const refusals = /^(22|28|3D|42501|42601|42704|55000)/
/** A setting that it does not know (42704), `options` that it cannot read (42601), or a value that it rejects (22…). */
const parameterRefusals = /^(22|42601|42704)/

/** Whether the error came from connecting rather than from a statement. */
export function isRefusal(error: unknown): error is Error {
  return isFatal(error) && refusals.test(error.code)
}

function isFatal(error: unknown): error is postgres.PostgresError {
  return error instanceof postgres.PostgresError && (error.severity === 'FATAL' || error.severity === 'PANIC')
}

/** PgBouncer's own error; not even its code is one of Postgres. */
function isPoolersRefusal(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.message.startsWith('unsupported startup parameter')
}

/** SQLSTATEs of missing objects: a prepared statement, schema, column, type, operator or function, or table. */
const missingStates = new Set(['26000', '3F000', '42703', '42704', '42883', '42P01'])
/** XX000 has other meanings too. Postgres never translates these messages. */
const missingMessage = /^(cache lookup failed|could not open relation with OID)/

/**
 * A session caches plans and object ids. After a restore in place these refer to objects that were dropped, and the
 * session fails until it is replaced. While a restore runs, objects may be missing for every session.
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
    'A database object that Askwell needs is missing, or the database was just replaced, as by a restore. If this lasts, finish the restore and run askwell migrate.'
  return new AskError('database_unavailable', { detail, retryAfter: 1, kind: staleKind, cause })
}

/**
 * Rolled back in favour of another transaction: a serialization failure, a deadlock, a lock that was not free within
 * `lock_timeout`, or a standby that replays changes to what the query reads.
 */
const conflictStates = new Set(['40001', '40P01', lockNotAvailable])

function conflict(cause: unknown): AskError {
  const detail = 'The database rolled back a transaction that conflicted with another one; try again.'
  return new AskError('database_unavailable', { detail, retryAfter: 1, kind: conflictKind, cause })
}

const staleKind = 'stale-session'
const conflictKind = 'conflict'

export function isConflict(error: unknown): boolean {
  return isAskError(error, 'database_unavailable') && error.kind === conflictKind
}

/** The server is healthy: a retry on another connection will probably succeed. */
export function isPassing(error: unknown): boolean {
  return isAskError(error, 'database_unavailable') && (error.kind === staleKind || error.kind === conflictKind)
}

/** A standby, or a server that was made read-only. */
const readOnlyState = '25006'

export function readOnlyDatabase(cause?: unknown): AskError {
  const detail =
    'The database accepts no writes at present: it is a standby or was made read-only. Questions are still answered; retry the write later.'
  return new AskError('database_read_only', { detail, retryAfter: 5, ...(cause !== undefined && { cause }) })
}

/** 57014 without a cancel of ours: the server's `statement_timeout`, our backstop. */
const queryCanceled = '57014'

/** Translates errors of the driver into AskErrors; the original stays as `cause`. */
export function databaseError(error: unknown): unknown {
  if (isAskError(error)) return error
  const refusal = refusalOf(error)
  if (refusal !== null) return new AskError('database_unavailable', { detail: refusal, cause: error })
  if (isStaleSession(error)) return staleSession(error)
  const code = codeOf(error)
  if (code === undefined) return error
  if (code === queryCanceled)
    return new AskError('deadline_exceeded', {
      detail: 'A database query exceeded the statement timeout.',
      cause: error,
    })
  if (conflictStates.has(code)) return conflict(error)
  if (code === readOnlyState) return readOnlyDatabase(error)
  if (code === insufficientPrivilege) return missingRight(error)
  // FATAL means that this session has ended, whatever the code.
  const isDown =
    isFatal(error) ||
    connectionCodes.has(code) ||
    unavailableStates.has(code) ||
    unavailableClasses.has(code.slice(0, 2))
  return isDown ? new AskError('database_unavailable', { retryAfter: 1, cause: error }) : error
}

/** Why the server, or a pooler, rejects the connection. Waiting does not change that, an operator must. */
function refusalOf(error: unknown): string | null {
  if (isPoolersRefusal(error))
    return 'The connection pooler in front of the database rejects a parameter in DATABASE_URL: remove it, or add it to ignore_startup_parameters of PgBouncer.'
  if (!isRefusal(error)) return null
  return parameterRefusals.test(codeOf(error) ?? '')
    ? 'Postgres rejected a parameter in DATABASE_URL; remove or correct it.'
    : 'Postgres rejected our credentials; check the user, password and database in DATABASE_URL.'
}

export function codeOf(error: unknown): string | undefined {
  if (error instanceof postgres.PostgresError) return error.code
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** SQLSTATEs of values that cannot be stored: invalid (22), violating a constraint (23), beyond a limit (54). */
const rowFaults = /^(?:22|23|54)/

/**
 * Why rows cannot be stored, or null if something else failed. A RangeError means that the statement exceeds V8's
 * longest string.
 */
export function rowFault(error: unknown): string | null {
  if (error instanceof RangeError) return 'is too large to be stored'
  return error instanceof postgres.PostgresError && rowFaults.test(error.code)
    ? `the database rejected it: ${error.message}`
    : null
}

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
  [insufficientPrivilege]: 'forbidden',
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

/** Null when nothing is known to be wrong with the server. */
export function databaseFault(error: unknown): DatabaseFault | null {
  const cause = isAskError(error) ? error.cause : error
  if (isStaleSession(cause)) return null
  if (isRefusal(cause)) return 'login'
  const code = codeOf(cause)
  return code === undefined ? null : (faultsByCode[code] ?? faultsByClass[code.slice(0, 2)] ?? null)
}
