import { availableParallelism, totalmem } from 'node:os'

/** What a machine, or a container on it, offers to this process. */
export interface Machine {
  readonly cores: number
  readonly memoryBytes: number
  /** Whether `memoryBytes` is a limit of the container, beyond which the kernel kills. */
  readonly isLimited: boolean
}

/** Respects the cgroup: libuv reads its CPU quota and its memory limit. */
export function thisMachine(): Machine {
  const [limit, total] = [process.constrainedMemory(), totalmem()]
  // 0 when unknown; a cgroup without a limit reports a number beyond any memory.
  const isLimited = limit > 0 && limit < total
  return { cores: availableParallelism(), memoryBytes: isLimited ? limit : total, isLimited }
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
