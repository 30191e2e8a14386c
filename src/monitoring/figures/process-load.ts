import { performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Figures, Gauges } from './figures.ts'

export interface ProcessLoad {
  readonly rssMb: number
  readonly heapMb: number
  readonly heapLimitMb: number
}

/** As often as this the event loop's lateness is looked at, 5 µs each time; half of what it is blocked by is seen on average. */
const beatMs = 20
/** A queue that is shorter than this may not be seen; one that hurts is. */
const levelMs = 250

/** Tells the figures how late and how busy the event loop is, and levels that come and go between requests. Holds nothing open. */
export function watchProcess(
  figures: Pick<Figures, 'late' | 'worked' | 'levels'>,
  levels: () => Gauges,
): { stop(): void } {
  let beat = performance.now()
  let before = performance.eventLoopUtilization()
  const beats = setInterval(() => {
    const at = performance.now()
    figures.late(Math.max(0, at - beat - beatMs))
    beat = at
  }, beatMs).unref()
  const looks = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { active, idle } = performance.eventLoopUtilization(now, before)
    before = now
    figures.worked(active, active + idle)
    figures.levels(levels())
  }, levelMs).unref()
  return {
    stop() {
      clearInterval(beats)
      clearInterval(looks)
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
