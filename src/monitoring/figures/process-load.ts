import { performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Figures, Gauges } from './figures.ts'

export interface ProcessLoad {
  readonly rssMb: number
  readonly heapMb: number
  readonly heapLimitMb: number
}

/** How often the event loop delay is measured, at 5 µs each. On average, half of a blocking period is seen. */
const delayEveryMs = 20
/** How often gauges are sampled. A shorter queue may be missed, but one that matters is not. */
const gaugesEveryMs = 250

/**
 * Feeds the figures with the delay and the utilization of the event loop, and with gauges that change between requests.
 * Its timers do not keep the process alive.
 */
export function watchProcess(
  figures: Pick<Figures, 'loopDelay' | 'loopActive' | 'gauges'>,
  readGauges: () => Gauges,
): { stop(): void } {
  let lastAt = performance.now()
  let before = performance.eventLoopUtilization()
  const delayTimer = setInterval(() => {
    const at = performance.now()
    figures.loopDelay(Math.max(0, at - lastAt - delayEveryMs))
    lastAt = at
  }, delayEveryMs).unref()
  const gaugeTimer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { active, idle } = performance.eventLoopUtilization(now, before)
    before = now
    figures.loopActive(active, active + idle)
    figures.gauges(readGauges())
  }, gaugesEveryMs).unref()
  return {
    stop() {
      clearInterval(delayTimer)
      clearInterval(gaugeTimer)
    },
  }
}

export function processLoad(): ProcessLoad {
  const { used_heap_size: heap, heap_size_limit: limit } = getHeapStatistics()
  return { rssMb: megabytes(process.memoryUsage.rss()), heapMb: megabytes(heap), heapLimitMb: megabytes(limit) }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}
