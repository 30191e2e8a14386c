import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AskError } from '../errors.ts'

/**
 * Claims a data folder for this process by a file that holds its pid. A holder that died (kill -9, power) left
 * its file behind: a pid that no longer lives does not count. Returns the release; throws when it is taken.
 */
export function acquireFolder(folder: string): () => void {
  const file = join(folder, 'lock')
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      const holder = Number(readFileSync(file, 'utf8'))
      if (isAlive(holder)) throw inUse(folder, holder)
      rmSync(file, { force: true })
    }
  }
  throw inUse(folder, undefined)
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, but is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function inUse(folder: string, pid: number | undefined): AskError {
  const holder = pid === undefined ? 'another process' : `process ${pid}`
  const detail = `the embedded database in ${folder} is in use by ${holder}: stop it, choose another DATA_DIR, or set DATABASE_URL to share a real Postgres`
  return new AskError('database_unavailable', { detail })
}
