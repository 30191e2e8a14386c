import type { FastifyInstance } from 'fastify'
import { underAnyPressure } from '../edge/load-shedding.ts'

/** What metrics.ts offers, so that the edge needs no metrics library. */
export interface Scrapable {
  /** In the format that fits the `Accept` of a request best. */
  expose(accept: string): Promise<{ readonly contentType: string; readonly text: string }>
}

/** GET /metrics for Prometheus; where there is a key with the scope `monitoring`, one is needed. */
export function registerMetrics(app: FastifyInstance, metrics: Scrapable): void {
  app.get(
    '/metrics',
    { logLevel: 'warn', config: { needs: 'monitoring', rateLimit: false, ...underAnyPressure } },
    async (request, reply) => {
      const { contentType, text } = await metrics.expose(request.headers.accept ?? '')
      return await reply.header('vary', 'accept').type(contentType).send(text)
    },
  )
}
