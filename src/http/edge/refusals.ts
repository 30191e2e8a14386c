import type { FastifyInstance } from 'fastify'
import { askErrorOf } from '../replies/problems.ts'

/**
 * Questions that never came to their route: over the rate limit, without a key, under pressure, not to be read. Those
 * that did are told by it. Costs nothing where nothing is amiss.
 */
export function registerEarlyRejections(app: FastifyInstance, refused: (code: string) => void): void {
  app.addHook('onError', (request, _reply, error, done) => {
    const { needs } = request.routeOptions.config
    // A route that took the question has given its request a log (begin.ts).
    if (needs === 'ask' && request.log === request.server.log) refused(askErrorOf(error).code)
    done()
  })
}
