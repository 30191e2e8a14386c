import type { FastifyInstance } from 'fastify'
import { registerMonitoringPage } from './monitoring-page.ts'
import { registerPerformanceMetrics, type PerformanceParts } from './performance-metrics.ts'
import { registerPoolStatus, type PoolStatusParts } from './pool-status.ts'
import { registerMetrics, type Scrapable } from './metrics.ts'

type MonitoringParts = PoolStatusParts & PerformanceParts & { readonly metrics: Scrapable }

/** Registers the endpoints for operators; on the monitoring port if there is one. */
export function registerMonitoring(
  app: FastifyInstance,
  parts: MonitoringParts,
  pageHeaders: Readonly<Record<string, string>>,
): void {
  registerMetrics(app, parts.metrics)
  registerPoolStatus(app, parts)
  registerPerformanceMetrics(app, parts)
  registerMonitoringPage(app, pageHeaders)
}
