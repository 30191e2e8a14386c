import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'

/** What a machine, or a container on it, offers to this process. */
export interface Machine {
  readonly cores: number
  readonly memoryBytes: number
  /** Whether `memoryBytes` is a limit of the container, beyond which the kernel kills. */
  readonly isLimited: boolean
}

/** Respects the cgroup: libuv reads its memory limit, and most CPU quotas. */
export function thisMachine(): Machine {
  const [limit, total] = [process.constrainedMemory(), totalmem()]
  // 0 when unknown; a cgroup without a limit reports a number beyond any memory.
  const isLimited = limit > 0 && limit < total
  return { cores: Math.min(availableParallelism(), quotaCores()), memoryBytes: isLimited ? limit : total, isLimited }
}

const readText = (file: string) => readFileSync(file, 'utf8')

/**
 * Cores that a CPU quota of cgroup v1 allows; Infinity without one. libuv does not find a quota where `cpu` has a
 * hierarchy of its own, apart from `cpuacct`.
 */
export function quotaCores(read: (file: string) => string = readText): number {
  const textOf = (file: string) => {
    try {
      return read(file)
    } catch {
      return ''
    }
  }
  for (const folder of cpuFolders(textOf('/proc/self/cgroup'))) {
    const [quota = 0, period = 0] = ['quota', 'period'].map(name => Number(textOf(`${folder}/cpu.cfs_${name}_us`)))
    if (quota > 0 && period > 0) return Math.max(1, Math.floor(quota / period))
  }
  return Infinity
}

/** The path in the list is that of the host. In a container, its own group is mounted at the root. */
function cpuFolders(groups: string): string[] {
  const all = groups.split('\n').map(line => line.split(':'))
  const [, controllers, path] = all.find(([, names]) => names?.split(',').includes('cpu')) ?? []
  return controllers === undefined ? [] : [`/sys/fs/cgroup/${controllers}${path}`, `/sys/fs/cgroup/${controllers}`]
}

/** What a worker with default caches and the local embedding model needs under load. */
const bytesPerWorker = 512 * 2 ** 20

/** The number of workers for `WORKERS=auto`: one per core, as far as the memory allows. */
export function workersFor({ cores, memoryBytes }: Machine): number {
  return Math.max(1, Math.min(cores, Math.floor(memoryBytes / bytesPerWorker)))
}

/** Share of a container's memory for the heaps. The rest is for buffers, models and the processes that read documents. */
const heapShare = 0.6

/**
 * The heap limit of one worker in MB; null when there is no memory limit. Each worker would otherwise take the limit
 * that Node derives from the memory of the whole container.
 */
export function heapMbFor({ memoryBytes, isLimited }: Machine, workers: number): number | null {
  return isLimited ? Math.max(64, Math.floor((memoryBytes * heapShare) / workers / 2 ** 20)) : null
}
