import type { FastifyInstance } from 'fastify'
import type { Verdict } from '../monitoring/findings.ts'
import type { PerformanceReport } from '../monitoring/performance.ts'
import { underAnyPressure } from './pressure.ts'

export interface PerformanceRouteOptions {
  readonly report: () => Verdict & PerformanceReport
}

/**
 * GET /monitoring/performance-metrics: the last 1, 5 and 15 minutes, and what to do about them. Waits for nothing: no
 * connection, no database, no Redis, no model.
 */
export function registerPerformanceMetrics(app: FastifyInstance, { report }: PerformanceRouteOptions): void {
  const config = { needs: 'monitoring', rateLimit: false, ...underAnyPressure } as const
  app.get('/monitoring/performance-metrics', { logLevel: 'warn', config }, async (_, reply) => await reply.header('cache-control', 'no-store').send(snake(report())))
}

/** Every name as the wire has it; of maps by code, stage or reason the keys are words already. */
function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`), snake(each)]))
}
