import type { FastifyInstance } from 'fastify'
import { underAnyPressure } from '../edge/load-shedding.ts'

/** Source of the metrics text, so that the edge does not depend on a metrics library. */
export interface Scrapable {
  /** Returns the metrics in the format that best matches the `Accept` header. */
  expose(accept: string): Promise<{ readonly contentType: string; readonly text: string }>
}

/** GET /metrics for Prometheus; needs a key with the scope `monitoring` if there is one. */
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
