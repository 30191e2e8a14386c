import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AskError } from '../../errors.ts'

/**
 * Claims a data folder for this process by a file that says who holds it. A holder that died (kill -9, power) left
 * its file behind: it does not count. Returns the release; throws when the folder is taken.
 */
export function acquireFolder(folder: string): () => void {
  const file = join(folder, 'lock')
  const mine = `${file}.${process.pid}`
  writeFileSync(mine, `${process.pid} ${startOf(process.pid)}`)
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      if (isLinked(mine, file)) return () => rmSync(file, { force: true })
      const found = holderIn(file)
      if (found !== null && isAlive(found)) throw inUse(folder, found.pid)
      if (found !== null) removeStale(file, found)
    }
  } finally {
    rmSync(mine, { force: true })
  }
  throw inUse(folder, undefined)
}

/** Linking either works or fails, for exactly one of many; and nobody sees a lock that is not written yet. */
function isLinked(mine: string, file: string): boolean {
  try {
    linkSync(mine, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

interface Holder {
  readonly text: string
  readonly pid: number
  /** When it started; process numbers come round again, a number and a start together do not. */
  readonly start: string | undefined
}

/** Null: it was given back a moment ago. */
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

/** Moved away first: whoever takes the file away looks whether it still is the one that was stale. */
function removeStale(file: string, stale: Holder): void {
  const aside = `${file}.${process.pid}.stale`
  try {
    renameSync(file, aside)
  } catch {
    return // another process was quicker
  }
  if (readFileSync(aside, 'utf8') !== stale.text) isLinked(aside, file)
  rmSync(aside, { force: true })
}

function isAlive({ pid, start }: Holder): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  const startNow = startOf(pid)
  if (start && startNow) return start === startNow
  // Without start times a lock of our own number is one that an earlier process left, as in a container.
  return pid !== process.pid && answers(pid)
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, but is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The 22nd field of Linux's /proc/<pid>/stat, counted behind the name, which may hold blanks. Elsewhere empty. */
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
  const detail = `the embedded database in ${folder} is in use by ${holder}: stop it, choose another DATA_DIR, or set DATABASE_URL to share a real Postgres`
  return new AskError('database_unavailable', { detail })
}
