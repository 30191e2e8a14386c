import { performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { version } from '../version.ts'
import { lossReasons, nothingDelivered, type DeliveryStatus } from '../tracing/delivery.ts'
import { standardOutput } from '../output.ts'
import { prefix, type Kit } from './kit.ts'

/** Redundant sums of gauges that are also exposed by type, under names that should be a counter's. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

const stallCheckMs = 100

/**
 * Counts the seconds in which the event loop was stalled for more than 0.1 s at a time. prom-client resets its delays
 * on each scrape, and the first scrape after a stall is one that has timed out, so its value would be lost.
 */
function watchStalls() {
  let stalled = 0
  let due = performance.now() + stallCheckMs
  const timer = setInterval(() => {
    const late = performance.now() - due
    if (late > stallCheckMs) stalled += late / 1000
    due = performance.now() + stallCheckMs
  }, stallCheckMs).unref()
  return { seconds: () => stalled, stop: () => clearInterval(timer) }
}

export interface ServiceParts {
  /** True while the service accepts questions: started and not draining. */
  readonly isOpen: () => boolean
}

/** The process, and whether its dependencies are up. */
export function processMetrics(kit: Kit, registry: Registry) {
  collectDefaultMetrics({ register: registry, prefix })
  for (const name of misnamed) registry.removeSingleMetric(prefix + name)
  kit.gauges('build_info', 'Always 1; the labels are the versions of Askwell and Node.js.', ['version', 'node'], set =>
    set(1, version, process.versions.node),
  )
  kit.gauge('heap_limit_bytes', 'V8 heap size limit.', () => getHeapStatistics().heap_size_limit)
  // Totals instead of a ratio, which would be reset by each scraper for all others.
  kit.total(
    'event_loop_active_seconds_total',
    'Time the event loop was active.',
    () => performance.eventLoopUtilization().active / 1000,
  )
  kit.total(
    'event_loop_idle_seconds_total',
    'Time the event loop was idle.',
    () => performance.eventLoopUtilization().idle / 1000,
  )
  const stalls = watchStalls()
  kit.total(
    'event_loop_stalled_seconds_total',
    'Time the event loop was stalled for more than 0.1 s at a time.',
    stalls.seconds,
  )
  kit.total(
    'log_lines_lost_total',
    'Log lines that could not be written: nobody reads stdout, or the disk is full.',
    () => standardOutput().status().lost,
  )
  let isDatabaseUp = () => true
  let traces = () => nothingDelivered
  kit.total('trace_spans_delivered_total', 'Spans that the collector accepted.', () => traces().delivered)
  kit.totals(
    'trace_spans_lost_total',
    'Spans that did not reach the collector. queue_full: it is too slow, and OTEL_BSP_MAX_QUEUE_SIZE were waiting; not_delivered: it rejected them, or could not be reached.',
    { name: 'reason', values: lossReasons },
    reason => traces().lost[reason],
  )

  return {
    stop: stalls.stop,
    useTraces: (status: () => DeliveryStatus) => void (traces = status),
    watchDatabase(isUp: () => boolean): void {
      isDatabaseUp = isUp
      kit.gauge('database_up', '1 if the database responds.', () => Number(isUp()))
    },
    watchRedis(isUsable: () => boolean): void {
      kit.gauge('redis_up', '1 if Redis is connected and responds; absent without REDIS_URL.', () => Number(isUsable()))
    },
    watchService({ isOpen }: ServiceParts): void {
      kit.gauge('ready', '1 if /readyz reports ready: started, not draining, and the database responds.', () =>
        Number(isOpen() && isDatabaseUp()),
      )
    },
  }
}
