import type { FastifyInstance } from 'fastify'
import { registerMonitoringPage } from './monitoring-page.ts'
import { registerPoolStatus, type PoolStatusOptions } from './pool-status.ts'
import { registerScrape, type Scrapable } from './scrape.ts'

export interface MonitoringOptions {
  readonly registry: Scrapable
  readonly poolStatus: PoolStatusOptions
  /** monitoring.html, as it stands in the repository. */
  readonly monitoringPage: string
}

/** What those who run the service look at; on a port of its own where there is one. */
export function registerMonitoring(app: FastifyInstance, { registry, poolStatus, monitoringPage }: MonitoringOptions, pageHeaders: Readonly<Record<string, string>>): void {
  registerScrape(app, registry)
  registerPoolStatus(app, poolStatus)
  registerMonitoringPage(app, { page: monitoringPage, pageHeaders })
}
