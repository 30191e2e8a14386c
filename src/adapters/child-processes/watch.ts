import { processUsage, usageEveryMs } from './usage.ts'

export interface ChildLimits {
  /** CPU time of one piece of work, in milliseconds. */
  readonly cpuMs: number
  /** Resident memory of the process, in bytes. */
  readonly memoryBytes: number
  /** A process that is idle for this long while not waiting for us is stalled. */
  readonly stalledMs: number
}

/** The limit that a child exceeded; `stalled`: it made no progress. */
export type Exceeded = 'cpu' | 'memory' | 'stalled'

export interface ChildWatch {
  /** Starts a new piece of work. */
  restart(): void
  /** Whether the child is waiting for us. */
  setWaiting(isWaiting: boolean): void
  stop(): void
  /** Resident memory at the last sample, in bytes. */
  readonly rssBytes: number
}

/** Below this share of a core a process counts as idle: it may run a timer or two. */
const leastShare = 0.01

/**
 * Samples a child from outside while it works: a child in a loop cannot report, and V8's own limits do not cover memory
 * outside its heap. `onExceeded` is called once.
 */
export function watchChild(pid: number, limits: ChildLimits, onExceeded: (what: Exceeded) => void): ChildWatch {
  let cpuMs = 0
  let rssBytes = 0
  let baseMs: number | null = null
  let isWaiting = false
  let isStopped = false
  let quietSince = { at: performance.now(), cpuMs: 0 }
  const timer = setInterval(() => void sample(), usageEveryMs)
  let isSampling = false

  async function sample(): Promise<void> {
    if (isSampling) return
    isSampling = true
    const usage = await processUsage(pid)
    isSampling = false
    if (usage === null || isStopped) return
    ;({ cpuMs, rssBytes } = usage)
    const exceeded = exceededBy()
    if (exceeded === null) return
    stop()
    onExceeded(exceeded)
  }

  function exceededBy(): Exceeded | null {
    if (rssBytes > limits.memoryBytes) return 'memory'
    if (cpuMs - (baseMs ??= cpuMs) > limits.cpuMs) return 'cpu'
    return isStalled() ? 'stalled' : null
  }

  function isStalled(): boolean {
    const quietMs = performance.now() - quietSince.at
    if (!isWaiting && quietMs < limits.stalledMs) return false
    const isQuiet = !isWaiting && cpuMs - quietSince.cpuMs < quietMs * leastShare
    if (!isQuiet) quietSince = { at: performance.now(), cpuMs }
    return isQuiet
  }

  function stop(): void {
    isStopped = true
    clearInterval(timer)
  }

  return {
    restart() {
      baseMs = null
      quietSince = { at: performance.now(), cpuMs }
    },
    setWaiting(value) {
      isWaiting = value
      quietSince = { at: performance.now(), cpuMs }
    },
    stop,
    get rssBytes() {
      return rssBytes
    },
  }
}
