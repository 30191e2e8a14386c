import type { FastifyInstance } from 'fastify'
import { underAnyPressure } from './pressure.ts'

/** What prom-client's registry offers, so that the edge needs no metrics library. */
export interface Scrapable {
  readonly contentType: string
  metrics(): Promise<string>
}

/** GET /metrics for Prometheus; where there is a key with the scope `monitoring`, one is needed. */
export function registerScrape(app: FastifyInstance, registry: Scrapable): void {
  app.get('/metrics', { logLevel: 'warn', config: { needs: 'monitoring', rateLimit: false, ...underAnyPressure } }, async (_, reply) => {
    return await reply.type(registry.contentType).send(await registry.metrics())
  })
}
