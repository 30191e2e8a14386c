import { processUsage, usageEveryMs, type ReadUsage } from './usage.ts'

export interface ChildLimits {
  /** Processor time of one piece of work, in milliseconds. */
  readonly cpuMs: number
  /** Resident memory of the process, in bytes. */
  readonly memoryBytes: number
  /** A process that does nothing for so long, and is not waiting for us, never will. */
  readonly stalledMs: number
}

/** What a child took too much of; `stalled`: it took nothing at all. */
export type Exceeded = 'cpu' | 'memory' | 'stalled'

export interface ChildWatch {
  /** A new piece of work begins. */
  restart(): void
  /** The child waits for us, or goes on. */
  setWaiting(isWaiting: boolean): void
  stop(): void
  /** Resident memory when it was last looked at, in bytes. */
  readonly rssBytes: number
}

/** Less than this share of a processor is nothing: a timer or two. */
const leastShare = 0.01

/**
 * Looks at a child from outside while it works: a child in a loop cannot tell, and V8's own limits do not count what is
 * outside its heap. `onExceeded` is called once.
 */
export function watchChild(
  pid: number,
  limits: ChildLimits,
  onExceeded: (what: Exceeded) => void,
  read: ReadUsage = processUsage,
  everyMs: number = usageEveryMs,
): ChildWatch {
  let cpuMs = 0
  let rssBytes = 0
  let baseMs: number | null = null
  let isWaiting = false
  let isStopped = false
  let quietSince = { at: performance.now(), cpuMs: 0 }
  const timer = setInterval(() => void look(), everyMs)
  let isLooking = false

  async function look(): Promise<void> {
    if (isLooking) return
    isLooking = true
    const usage = await read(pid)
    isLooking = false
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
    setWaiting(is) {
      isWaiting = is
      quietSince = { at: performance.now(), cpuMs }
    },
    stop,
    get rssBytes() {
      return rssBytes
    },
  }
}
