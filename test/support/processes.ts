import { execFileSync } from 'node:child_process'

/** Running processes, without zombies. */
function running(): { pid: number; parent: number }[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
  return table
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([, , state]) => !state!.startsWith('Z'))
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }))
}

export function isRunning(pid: number): boolean {
  return running().some(each => each.pid === pid)
}

export function childrenOf(pid: number): number[] {
  return running()
    .filter(each => each.parent === pid)
    .map(each => each.pid)
}
