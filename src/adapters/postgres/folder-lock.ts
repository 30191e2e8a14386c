import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AskError } from '../../errors.ts'

/**
 * Locks a data folder for this process with a file that names the holder. A file left by a holder that died (kill -9,
 * power loss) is ignored. Returns the release function; throws if the folder is in use.
 */
export function acquireFolder(folder: string): () => void {
  const file = join(folder, 'lock')
  const ownFile = `${file}.${process.pid}`
  writeFileSync(ownFile, `${process.pid} ${startOf(process.pid)}`)
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      if (isLinked(ownFile, file)) return () => rmSync(file, { force: true })
      const found = holderIn(file)
      if (found !== null && isAlive(found)) throw inUse(folder, found.pid)
      if (found !== null) removeStale(file, found)
    }
  } finally {
    rmSync(ownFile, { force: true })
  }
  throw inUse(folder, undefined)
}

/**
 * A hard link is atomic: exactly one of several processes succeeds, and no process sees a lock file that is not written
 * yet.
 */
function isLinked(source: string, file: string): boolean {
  try {
    linkSync(source, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

interface Holder {
  readonly text: string
  readonly pid: number
  /** Start time; pids are reused, but not together with a start time. */
  readonly start: string | undefined
}

/** Null when the lock was just released. */
function holderIn(file: string): Holder | null {
  try {
    const text = readFileSync(file, 'utf8')
    const [pid, start] = text.split(' ')
    return { text, pid: Number(pid), start }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Renames the file first and then checks that it still is the stale one, so that a new lock is not removed. */
function removeStale(file: string, stale: Holder): void {
  const renamed = `${file}.${process.pid}.stale`
  try {
    renameSync(file, renamed)
  } catch {
    return // another process was faster
  }
  if (readFileSync(renamed, 'utf8') !== stale.text) isLinked(renamed, file)
  rmSync(renamed, { force: true })
}

function isAlive({ pid, start }: Holder): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  const startNow = startOf(pid)
  if (start && startNow) return start === startNow
  // Without start times, a lock with our own pid was left by an earlier process, as in a container.
  return pid !== process.pid && exists(pid)
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: the process exists but belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/**
 * Field 22 of Linux's /proc/<pid>/stat, counted from after the name, which may contain spaces. Empty on other systems.
 */
function startOf(pid: number): string {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? ''
    return afterName.split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function inUse(folder: string, pid: number | undefined): AskError {
  const holder = pid === undefined ? 'another process' : `process ${pid}`
  const detail = `the embedded database in ${folder} is in use by ${holder}: stop it, choose another DATA_DIR, or set DATABASE_URL to share a Postgres server`
  return new AskError('database_unavailable', { detail })
}
