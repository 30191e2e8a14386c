import { readFile, rm, writeFile } from 'node:fs/promises'
import { PullError } from './pull-error.ts'

/**
 * Claims a model for this process with a file that has its pid. The file of a process that has ended is replaced.
 * Returns what ends the claim. Rejects if another process pulls the model.
 */
export async function claimFolder(lock: string, name: string): Promise<() => Promise<void>> {
  for (let attempt = 1; ; attempt++) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' })
      return async () => await rm(lock, { force: true })
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'EEXIST')
        throw new PullError(`${lock} cannot be written; check the permissions of DATA_DIR`, error)
      const pid = Number(await readFile(lock, 'utf8').catch(() => ''))
      if (isAlive(pid) || attempt > 2)
        throw new PullError(`process ${pid} is pulling "${name}" already: wait until it has ended`)
      await rm(lock, { force: true })
    }
  }
}

/** A process of another user is alive, too. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { readonly code?: string }).code === 'EPERM'
  }
}
