import postgres from 'postgres'
import { AskError } from '../../errors.ts'

export const insufficientPrivilege = '42501'

/**
 * A statement that the role may not run, although it could connect. Clients see only that; the log has the object and
 * the statement that gives the right.
 */
export function missingRight(error: unknown): AskError {
  const detail =
    'The role in DATABASE_URL lacks a right in the database; the log of the service names the table and the GRANT.'
  return new AskError('database_unavailable', { detail, cause: new MissingRight(error) })
}

class MissingRight extends Error {
  readonly code = insufficientPrivilege

  constructor(cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause)
    super(`${said}: ${remedyOf(cause)}`, { cause })
    this.name = 'MissingRight'
  }
}

/** What `permission denied for …` names, and the rights that Askwell needs there. */
const rights: Readonly<Record<string, string>> = {
  table: 'select, insert, update, delete',
  view: 'select',
  sequence: 'usage, select',
  schema: 'usage',
  function: 'execute',
}

/** The message may be translated: then only its last word, the name, is certain, and it is nearly always a table. */
function remedyOf(error: unknown): string {
  const generic = 'give the role in DATABASE_URL this right, or let it own the tables of Askwell'
  if (!(error instanceof postgres.PostgresError) || error.routine !== 'aclcheck_error') return generic
  const name = /[^\s"«»„“”]+(?=["»“”]?$)/.exec(error.message)?.[0]
  if (name === undefined) return generic
  const owned = /^must be owner of (\w+)/.exec(error.message)?.[1]
  if (owned !== undefined) return `let a superuser run: alter ${owned} ${name} owner to ROLE (${whichRole})`
  const kind = /^permission denied for (\w+)/.exec(error.message)?.[1] ?? 'table'
  const needed = rights[kind]
  if (needed === undefined) return generic
  const object = kind === 'view' ? name : `${kind} ${name}`
  return `let the owner run: grant ${needed} on ${object} to ROLE (${whichRole})`
}

const whichRole = 'the role in DATABASE_URL'
