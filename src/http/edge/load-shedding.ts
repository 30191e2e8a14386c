import type { FastifyInstance, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { AskError } from '../../errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for a route that replies whatever the load of the process. */
    readonly isUnderAnyPressure?: boolean
  }
}

interface LoadSheddingOptions {
  /** 0 disables this check. */
  readonly maxEventLoopDelayMs: number
  /** Share of V8's heap limit (0–1); 0 disables this check. */
  readonly maxHeapShare: number
  /** Called for each rejected request, with the cause. */
  readonly onRejected?: (by: 'loop' | 'heap') => void
}

const sampleMs = 250

/** Event loop delay in milliseconds, or heap size in bytes. */
type Pressure = 'delay' | 'heap'

/** Config for a route that must reply whatever the load of the process. */
export const underAnyPressure = { isUnderAnyPressure: true } as const

/**
 * Outer guard: rejects every request before any work when the process itself cannot keep up. The inner guard, which
 * knows what questions cost, is ask/admission.ts.
 */
export function registerLoadShedding(
  app: FastifyInstance,
  { maxEventLoopDelayMs, maxHeapShare, onRejected }: LoadSheddingOptions,
): void {
  if (maxEventLoopDelayMs === 0 && maxHeapShare === 0) return
  const rejectRequest = createPressureHandler(() => performance.now(), onRejected)
  const sample = startSampling(app)
  const maxHeapBytes = maxHeapShare * getHeapStatistics().heap_size_limit
  app.addHook('onRequest', (request: FastifyRequest, _: unknown, done: HookHandlerDoneFunction) => {
    if (request.routeOptions.config.isUnderAnyPressure) return done()
    if (maxEventLoopDelayMs > 0 && sample.delayMs > maxEventLoopDelayMs) rejectRequest('delay', sample.delayMs)
    else if (maxHeapShare > 0 && sample.heapBytes > maxHeapBytes) rejectRequest('heap', sample.heapBytes)
    done()
  })
}

const resolutionMs = 10

/**
 * Samples the event loop delay and V8's heap until the app is closed. It does not ask the system for the memory of the
 * process: that needs a file descriptor, and throws when a burst of connections has used them all.
 */
function startSampling(app: FastifyInstance): { readonly delayMs: number; readonly heapBytes: number } {
  const sample = { delayMs: 0, heapBytes: 0 }
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  const timer = setTimeout(() => {
    // The loop did not turn once since the last sample, so there is no mean.
    sample.delayMs = histogram.count === 0 ? Infinity : Math.max(0, histogram.mean / 1e6 - resolutionMs)
    sample.heapBytes = getHeapStatistics().used_heap_size
    histogram.reset()
    timer.refresh()
  }, sampleMs).unref()
  app.addHook('onClose', (_, done) => {
    clearTimeout(timer)
    histogram.disable()
    done()
  })
  return sample
}

/**
 * Returns a function to call for each request while the last sample is too high; it throws to reject the request. A
 * loop that was blocked once is free again by the time it reports the delay, so only a second high sample in a row
 * counts. For memory, each sample lets one request through: without work V8 would not collect the garbage.
 */
export function createPressureHandler(now: () => number, onRejected: LoadSheddingOptions['onRejected'] = () => {}) {
  let last: { type: Pressure | ''; value: number; at: number; inRow: number } = {
    type: '',
    value: NaN,
    at: -Infinity,
    inRow: 0,
  }

  return (type: Pressure, value: number): void => {
    const at = now()
    const isNew = type !== last.type || value !== last.value
    const inRow = isNew ? (follows(type, value, at) ? last.inRow + 1 : 1) : last.inRow
    last = { type, value, at, inRow }
    if (type === 'heap' ? isNew : inRow < 2) return
    onRejected(type === 'heap' ? 'heap' : 'loop')
    const cause = type === 'heap' ? 'The process is nearly out of memory' : 'The process cannot keep up with requests'
    throw new AskError('overloaded', { detail: `${cause}; try again later.` })
  }

  /** True if this sample directly follows the last one. A sample may be as late as the loop. */
  function follows(type: Pressure, value: number, at: number): boolean {
    return type === last.type && at - last.at <= 2 * sampleMs + value + last.value
  }
}
