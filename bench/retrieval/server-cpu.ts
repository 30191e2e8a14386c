import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const tickMs = 10
const longestFarewellMs = 10_000

/**
 * Milliseconds of processor time that the server's backends took which came and went while `work` ran: a measure that
 * neighbours on the machine disturb less than they disturb speed. Null on systems without /proc.
 */
export async function withServerCpu<T>(
  folder: string,
  work: () => Promise<T>,
): Promise<{ result: T; cpuMs: number | null }> {
  const pid = Number(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
  if (!existsSync(`/proc/${pid}/stat`)) return { result: await work(), cpuMs: null }
  const [before, alive] = [ofTheGone(pid), childrenOf(pid)]
  const result = await work()
  await farewell(pid, alive)
  return { result, cpuMs: ofTheGone(pid) - before }
}

/** A backend counts for its server once it has gone, which is a while after its client: it gives its memory back. */
async function farewell(pid: number, alive: number): Promise<void> {
  const limit = performance.now() + longestFarewellMs
  while (childrenOf(pid) > alive && performance.now() < limit) await sleep(50)
}

function childrenOf(pid: number): number {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').length
}

function ofTheGone(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(afterName[13]) + Number(afterName[14])) * tickMs
}
