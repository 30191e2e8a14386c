import { readdirSync, readFileSync } from 'node:fs'

/** What Linux says of processes; elsewhere nothing is known, and nothing can be said to be left. */

export interface Process {
  readonly pid: number
  /** In ticks since boot: numbers of processes come round again, this with one does not. */
  readonly startedAt: string
}

interface Row extends Process {
  readonly parent: number
  readonly isAlive: boolean
}

/** Its children, theirs, and so on, by who started whom. */
export function descendantsOf(pid: number): Process[] {
  const table = processTable()
  const below = (parent: number): Row[] =>
    table.filter(row => row.parent === parent).flatMap(row => [row, ...below(row.pid)])
  return below(pid).map(({ pid, startedAt }) => ({ pid, startedAt }))
}

/** Those that still are. A dead one that nobody has reaped is not. */
export function aliveOf(processes: readonly Process[]): Process[] {
  const table = processTable().filter(({ isAlive }) => isAlive)
  return processes.filter(({ pid, startedAt }) => table.some(row => row.pid === pid && row.startedAt === startedAt))
}

/** Megabytes in memory now; 0 when it is gone. */
export function residentMb(pid: number): number {
  const pages = Number(read(`/proc/${pid}/statm`).split(' ')[1] ?? 0)
  return (pages * 4096) / 2 ** 20
}

const ticksPerSecond = 100

/** Processor time of it, of what is below it, and of what was and has been waited for. */
export function cpuSeconds(pid: number): number {
  return (
    [pid, ...descendantsOf(pid).map(each => each.pid)].reduce((sum, each) => sum + ticksOf(each), 0) / ticksPerSecond
  )
}

function ticksOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}

function processTable(): Row[] {
  return numbers()
    .map(pid => rowOf(pid, read(`/proc/${pid}/stat`)))
    .filter(row => row !== undefined)
}

function numbers(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

/** The name, in parentheses, may hold anything. */
function rowOf(pid: number, stat: string): Row | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', parent = ''] = fields
  return stat === ''
    ? undefined
    : { pid, parent: Number(parent), startedAt: fields[19] ?? '', isAlive: !'ZX'.includes(state) }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
