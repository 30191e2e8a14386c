import type { FastifyInstance } from 'fastify'
import { registerMonitoringPage } from './monitoring-page.ts'
import { registerPerformanceMetrics, type PerformanceRouteOptions } from './performance-metrics.ts'
import { registerPoolStatus, type PoolStatusOptions } from './pool-status.ts'
import { registerMetrics, type Scrapable } from './metrics.ts'

export interface MonitoringOptions {
  readonly registry: Scrapable
  readonly poolStatus: PoolStatusOptions
  readonly performance: PerformanceRouteOptions
  /** ALLOWED_HOSTS. Undefined or `*` adds no known names besides loopback names. */
  readonly allowedHosts?: readonly string[] | undefined
}

/** Registers the endpoints for operators; on the monitoring port if there is one. */
export function registerMonitoring(
  app: FastifyInstance,
  { registry, poolStatus, performance, allowedHosts }: MonitoringOptions,
  pageHeaders: Readonly<Record<string, string>>,
): void {
  registerMetrics(app, registry)
  registerPoolStatus(app, poolStatus)
  registerPerformanceMetrics(app, performance, allowedHosts)
  registerMonitoringPage(app, pageHeaders)
}
