import { existsSync, readFileSync } from 'node:fs'

const tickMs = 10

/** Milliseconds of processor time of the whole server since its start: the postmaster, its processes, and those that have gone. NaN on systems without /proc. */
export function postgresCpuMs(postmaster: number): number {
  if (!existsSync(`/proc/${postmaster}/stat`)) return NaN
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
  const [own, ofTheGone] = [ticksOf(postmaster, 11), ticksOf(postmaster, 13)]
  return (own + ofTheGone + children.reduce((sum, pid) => sum + ticksOf(Number(pid), 11), 0)) * tickMs
}

/** User and system time, the two fields from there on; 0 for who has just gone. */
function ticksOf(pid: number, field: number): number {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return Number(afterName[field]) + Number(afterName[field + 1])
  } catch {
    return 0
  }
}
