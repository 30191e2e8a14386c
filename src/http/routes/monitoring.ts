import type { FastifyInstance } from 'fastify'
import { registerMonitoringPage } from './monitoring-page.ts'
import { registerPerformanceMetrics, type PerformanceRouteOptions } from './performance-metrics.ts'
import { registerPoolStatus, type PoolStatusOptions } from './pool-status.ts'
import { registerMetrics, type Scrapable } from './metrics.ts'

export interface MonitoringOptions {
  readonly registry: Scrapable
  readonly poolStatus: PoolStatusOptions
  readonly performance: PerformanceRouteOptions
  /** monitoring.html, as it stands in the repository. */
  readonly monitoringPage: string
  /** ALLOWED_HOSTS; null or `*`: none are known besides those of loopback. */
  readonly allowedHosts?: readonly string[] | undefined
}

/** What those who run the service look at; on a port of its own where there is one. */
export function registerMonitoring(
  app: FastifyInstance,
  { registry, poolStatus, performance, monitoringPage, allowedHosts }: MonitoringOptions,
  pageHeaders: Readonly<Record<string, string>>,
): void {
  registerMetrics(app, registry)
  registerPoolStatus(app, poolStatus)
  registerPerformanceMetrics(app, performance, allowedHosts)
  registerMonitoringPage(app, { page: monitoringPage, pageHeaders })
}
