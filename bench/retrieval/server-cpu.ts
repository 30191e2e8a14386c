import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A backend counts for its server once it has gone, which is a moment after its client. */
const farewellMs = 300
const tickMs = 10

/**
 * Milliseconds of processor time that the server's backends took which came and went while `work` ran: a measure that
 * neighbours on the machine disturb less than they disturb speed. Null on systems without /proc.
 */
export async function withServerCpu<T>(folder: string, work: () => Promise<T>): Promise<{ result: T; cpuMs: number | null }> {
  const before = ofChildren(folder)
  const result = await work()
  await sleep(farewellMs)
  const after = ofChildren(folder)
  return { result, cpuMs: before === null || after === null ? null : after - before }
}

function ofChildren(folder: string): number | null {
  const pid = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return null
  const afterName = readFileSync(file, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(afterName[13]) + Number(afterName[14])) * tickMs
}
