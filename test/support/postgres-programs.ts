import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Location of Postgres on this machine, and the account that may run it. */

const howToInstall =
  'run deploy/install-services.sh (Debian), or set ASKWELL_TEST_PG_BIN to the folder that holds initdb'

/** Folder of initdb and postgres: from the environment, else on PATH, else Debian's folder outside of it. */
export function postgresPrograms(): string | undefined {
  const named = process.env['ASKWELL_TEST_PG_BIN']
  const folders = named === undefined ? usualFolders() : [named]
  return folders.find(folder => ['initdb', 'postgres'].every(name => existsSync(join(folder, name))))
}

/** Path of another Postgres program, such as pg_dump: next to the server, else on PATH, else in Debian's folder. */
export function postgresProgram(name: string): string {
  const found = [postgresPrograms() ?? '', ...usualFolders()]
    .map(folder => join(folder, name))
    .find(path => existsSync(path))
  if (found === undefined) throw new Error(`no ${name} on this machine: ${howToInstall}`)
  return found
}

function usualFolders(): string[] {
  const onPath = (process.env['PATH'] ?? '').split(delimiter)
  const newestFirst = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  return [...onPath, ...newestFirst]
}

/**
 * Reason for tap's `skip` if a test that needs Postgres cannot run, otherwise false. In CI it throws instead, because
 * nothing may be skipped there.
 */
export function postgresSkipReason(): string | false {
  const reason = (missing ??= whatIsMissing())
  if (reason !== false && process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

let missing: string | false | undefined

function whatIsMissing(): string | false {
  const programs = postgresPrograms()
  if (programs === undefined) return `no Postgres on this machine: ${howToInstall}`
  return hasPgvector(programs) ? false : `Postgres in ${programs} has no pgvector: ${howToInstall}`
}

/** An installation without pg_config cannot be checked here; `create extension` fails later if pgvector is missing. */
function hasPgvector(programs: string): boolean {
  const config = join(programs, 'pg_config')
  if (!existsSync(config)) return true
  const share = execFileSync(config, ['--sharedir'], { encoding: 'utf8' }).trim()
  return existsSync(join(share, 'extension', 'vector.control'))
}

/** Postgres refuses to run as root, so its own account or `nobody` runs it then. */
export function postgresAccount(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  return accountOf('postgres') ?? accountOf('nobody')
}

function accountOf(name: string): { uid: number; gid: number } | undefined {
  try {
    const ask = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }))
    return { uid: ask('-u'), gid: ask('-g') }
  } catch {
    return undefined
  }
}
