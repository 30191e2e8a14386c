import type { FastifyInstance, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { AskError } from '../../errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Is answered whatever the state of the process. */
    readonly isUnderAnyPressure?: boolean
  }
}

export interface LoadSheddingOptions {
  /** 0: never refused for it. */
  readonly maxEventLoopDelayMs: number
  /** Of the heap that V8 may have, 0…1; 0: never refused for it. */
  readonly maxHeapShare: number
  /** Told of each refusal, by what there was too much of. */
  readonly onRefused?: (by: 'loop' | 'heap') => void
}

const sampleMs = 250

/** What there is too much of: lateness in milliseconds, or bytes on the heap. */
type Pressure = 'delay' | 'heap'

/** For a route that must answer whatever the state of the process. */
export const underAnyPressure = { isUnderAnyPressure: true } as const

/**
 * The outer guard: where the process itself cannot keep up, every request is refused before any work. The inner one,
 * which knows what questions cost, is ask/admission.ts.
 */
export function registerLoadShedding(
  app: FastifyInstance,
  { maxEventLoopDelayMs, maxHeapShare, onRefused }: LoadSheddingOptions,
): void {
  if (maxEventLoopDelayMs === 0 && maxHeapShare === 0) return
  const refuse = createPressureHandler(() => performance.now(), onRefused)
  const sample = startSampling(app)
  const mostBytes = maxHeapShare * getHeapStatistics().heap_size_limit
  app.addHook('onRequest', (request: FastifyRequest, _: unknown, done: HookHandlerDoneFunction) => {
    if (request.routeOptions.config.isUnderAnyPressure) return done()
    if (maxEventLoopDelayMs > 0 && sample.delayMs > maxEventLoopDelayMs) refuse('delay', sample.delayMs)
    else if (maxHeapShare > 0 && sample.heapBytes > mostBytes) refuse('heap', sample.heapBytes)
    done()
  })
}

const resolutionMs = 10

/**
 * How late the loop is, and what is on V8's heap; until the app is closed. Asks V8 and nothing else: what asks the system
 * for the memory of the process needs a file descriptor, and throws where a rush of connections has taken them all.
 */
function startSampling(app: FastifyInstance): { readonly delayMs: number; readonly heapBytes: number } {
  const sample = { delayMs: 0, heapBytes: 0 }
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  const timer = setTimeout(() => {
    // Not a single turn of the loop since the last sample: there is no mean.
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
 * Called for each request while the last sample was too high; throws to refuse. A loop that was blocked once is free
 * again when it can say so: only a second sample in a row counts. Of memory each sample lets one request pass, for
 * without work V8 would not collect what is garbage by now.
 */
export function createPressureHandler(now: () => number, onRefused: LoadSheddingOptions['onRefused'] = () => {}) {
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
    onRefused(type === 'heap' ? 'heap' : 'loop')
    const what = type === 'heap' ? 'memory is nearly used up' : 'the process cannot keep up'
    throw new AskError('overloaded', { detail: `${what}; try again later` })
  }

  /** Nothing but one sample was between this and the last time. A sample may be as late as the loop is. */
  function follows(type: Pressure, value: number, at: number): boolean {
    return type === last.type && at - last.at <= 2 * sampleMs + value + last.value
  }
}
